"""What the admin API could answer, for its document: made of its types, so that it fits them."""

from __future__ import annotations

from typing import Final

import msgspec

from journeytrace.conventions import Decision, Status
from journeytrace_collector.admin import answers, api
from journeytrace_collector.core.derive import Summary
from journeytrace_collector.core.funnel import Step
from journeytrace_collector.core.model import Why
from journeytrace_collector.core.overview import Block, Blocks, Reason, Reasons
from journeytrace_collector.insight.clocks import Clock
from journeytrace_collector.insight.diff import Comparison, Diff, Side
from journeytrace_collector.insight.diff_words import Kind
from journeytrace_collector.insight.loss import LossGroup, LossStep, Share

__all__ = ["EXAMPLES"]

_SESSION: Final = Summary(
    session_id="018f3b5e-0000-7000-8000-000000000001",
    trace_id="018f3b5e000070008000000000000001",
    support_code="7Q2M4KX9",
    project_id="acme",
    submission_id="sub-17",
    flow_id="flow-1",
    user_id="u-42",
    email="ann@example.com",
    created_at="2026-06-01T12:00:00.000000Z",
    last_event="REJECTED",
    last_event_at="2026-06-01T12:04:10.250000Z",
    status=Status.DROPPED,
    decision=Decision.REJECTED,
    reason="SELFIE_DUPLICATE",
    decided_at="2026-06-01T12:04:10.250000Z",
    decided_by="AUTOMATIC",
    decision_confirmed=False,
    reason_text=None,
    automatic_decision=Decision.REJECTED,
    proposal=None,
    stage="DECISION",
    last_error_code="PV-20003",
    last_error_meaning=None,
    last_error_page=None,
    events=31,
    impacts={
        "NONE": 29,
        "BLOCKED": 0,
        "RETAKE": 0,
        "PENDING": 0,
        "REJECTED": 2,
        "APPROVED": 0,
        "COMPLETED": 0,
    },
    retention_days=365,
    expires_at="2027-06-01T12:00:00.000000Z",
    settled_at="2026-06-01T12:25:00.000000Z",
    revision=0,
    why=Why(
        text="The user was rejected: the selfie belongs to somebody who is known already."
        " The code shown was PV-20003.",
        reason="SELFIE_DUPLICATE",
        meaning="The selfie belongs to somebody who is known already.",
        event="SELFIE_DUPLICATE_CHECK",
        event_at="2026-06-01T12:04:09.000000Z",
        error_code="PV-20003",
    ),
    violates=("decided-unseen",),
)

_RULE: Final = answers.Rule(
    name="decided-unseen",
    meaning="Decided by a person who had not opened the session before.",
    demands="before",
    own=False,
    sessions=4,
    more=False,
)

_SHIFT: Final = (
    "8.0 % in A and 12.0 % in B of the sessions that ran ID_RECOGNITION failed it: +4.0 points"
    " (95 % interval +2.7 points to +5.3 points)."
)

EXAMPLES: Final = (
    _SESSION,
    answers.Sessions([_SESSION], next_cursor=None, searched_until=None),
    answers.Count(1_000, more=True),
    answers.Events(
        [
            answers.Event(
                event_id="8f14e45fceea167a",
                name="SELFIE_DUPLICATE_CHECK",
                source="BE",
                stage="STEP2",
                impact="REJECTED",
                result="FAIL",
                reason=None,
                error_code="PV-20003",
                error_meaning=None,
                error_page=None,
                actor=None,
                at="2026-06-01T12:04:09.000000Z",
                duration_ms=812.5,
                service="kyc",
                attributes=msgspec.Raw(b'{"score":0.97}'),
            )
        ],
        Clock(7_379.6, 7_380.4, 4, "Screen's clock 2 h 3 min ahead (±400 ms)"),
    ),
    answers.Report(
        sha256="2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae",
        key="5df6e0e276135958",
        pdf=b"%PDF-1.7",
    ),
    answers.CorrectedFunnel(
        200,
        [Step("ENTRY", 200, 1.0, 1.0), Step("PRE_CHECKS", 150, 0.75, 0.75)],
        by=None,
        loss=[
            LossGroup(
                None,
                200,
                [
                    LossStep(
                        "ENTRY",
                        screen="FRONT_SESSION_START",
                        server="SESSION_CREATED",
                        known=200,
                        seen_by_screen=150,
                        seen_by_server=190,
                        seen_by_both=140,
                        screen_loss=Share(0.263, 0.206, 0.330),
                        screen_loss_leaving=Share(0.300, 0.191, 0.438),
                        neither=0,
                        server_loss=Share(0.067, 0.037, 0.118),
                        estimate=202,
                        low=201,
                        high=205,
                        independent=True,
                    ),
                    LossStep("PRE_CHECKS", refusal="Only 4 sessions were seen by both sides."),
                ],
            )
        ],
    ),
    Reasons(200, [Reason(Decision.REJECTED, "SELFIE_DUPLICATE", _SESSION.reason, 6, 0.5)]),
    Blocks(200, [Block("IP_RISK_CHECK", "The address is risky.", 30, 0.15)]),
    Diff(
        a=Side("release=1.4", 5_000, 0, 5_000, sampled=False),
        b=Side("release=1.5", 4_980, 12, 4_992, sampled=False),
        both=0,
        words=[_SHIFT],
        comparisons=[
            Comparison(
                kind=Kind.CHECK,
                name="ID_RECOGNITION",
                of=None,
                a=0.08,
                b=0.12,
                a_of=4_000,
                b_of=3_950,
                change=0.04,
                low=0.027,
                high=0.053,
                p=2.1e-7,
                named=True,
                text=_SHIFT,
            )
        ],
    ),
    answers.Conformance([_RULE]),
    api.Rehearsal(None),
    answers.Replayed(
        200,
        [
            answers.ReplayedRule(
                _RULE.name,
                _RULE.meaning,
                1,
                [answers.Violator(_SESSION.session_id, _SESSION.created_at)],
            )
        ],
        next_cursor=None,
    ),
    answers.Erasable(sessions=3, events=97),
    answers.Erased(erased=3, events=97),
    answers.Acts(
        [
            answers.Act(
                at="2026-06-02T09:00:00.000000Z",
                actor="admin",
                act="erase",
                project="acme",
                digest="5feceb66ffc86f38d952786c6d696c79c2dbc239dd4e91b46729d73a27fb57e9",
                detail={"events": 97},
            )
        ]
    ),
    answers.Unknown(
        [
            answers.UnknownName(
                kind="stage",
                name="STEP_1",
                decision=None,
                source=None,
                stage=None,
                impact=None,
                count=12,
                first_at="2026-06-01T12:00:00.000000Z",
                similar="STEP1",
            )
        ],
        complete=True,
        toml="[stages.STEP_1]",
    ),
    answers.Outbox(
        [
            answers.Destination(
                name="webhook",
                waiting=2,
                oldest_at="2026-06-01T12:04:10.300000Z",
                backing_off=0,
                backing_off_since=None,
                parked=1,
            )
        ],
        [
            answers.Parked(
                id=7,
                destination="webhook",
                session_id="018f3b5e-0000-7000-8000-000000000001",
                since="2026-06-01T12:04:10.300000Z",
                reason="answered 410 Gone",
            )
        ],
    ),
    api.Ids([7]),
    answers.Requeued(1),
    answers.Discarded(1),
)
"""One of each type; a document shows those that it speaks of."""
