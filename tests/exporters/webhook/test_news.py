"""What is told to whom because of a change."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import msgspec
import pytest
from tests.support.events import MINUTE, NOON, SESSION, done, event

from journeytrace.catalogue import ErrorCodeSpec, builtin_catalogue
from journeytrace.conventions import Status
from journeytrace.identity import trace_id
from journeytrace_collector.core.change import Change, Parcel, SessionChange, Settlement
from journeytrace_collector.core.model import Event
from journeytrace_collector.core.sessionize import SessionState, fold
from journeytrace_exporters.webhook import WebhookExporter
from journeytrace_exporters.webhook.settings import WebhookSettings

CATALOGUE = builtin_catalogue()
ENDPOINT = {
    "name": "crm",
    "url": "https://example.com/hook",
    "secret": "sixteen or more characters",
}
CREATED = event("SESSION_CREATED", project_id="acme", user_id="u-1", email="ann@example.com")
REJECTED = event("REJECTED", NOON + MINUTE, reason="CUSTOM_POLICY")
UNDECIDED = {"decision": None, "reason": None, "decided_by": None}
BY_RULE = {"decision": "REJECTED", "reason": "CUSTOM_POLICY", "decided_by": "AUTOMATIC"}
SETTLED = Settlement(0, None, Status.DROPPED)

Make = Callable[..., WebhookExporter]


def state(*events: Event) -> SessionState:
    """Fold the events of one session."""
    (found,) = fold(events, CATALOGUE).values()
    return found


def told(exporter: WebhookExporter, *sessions: SessionChange, at: int = NOON) -> list[Parcel]:
    """Give the parcels of a change."""
    return list(exporter.parcels(Change(at, list(sessions))))


def bodies(parcels: list[Parcel]) -> list[dict[str, Any]]:
    """Read what parcels hold."""
    return [json.loads(parcel.payload) for parcel in parcels]


def test_settling_is_news(make: Make) -> None:
    """The body says what came of the session, and has all that the API has but the address."""
    change = SessionChange(
        state(CREATED),
        state(CREATED, REJECTED),
        told=Status.IN_PROGRESS,
        status=Status.DROPPED,
        settlement=Settlement(1, Status.COMPLETED, Status.DROPPED),
    )
    parcels = told(make({**ENDPOINT, "events": ["settled"]}), change, at=NOON + 30 * MINUTE)
    (parcel,), (body,) = parcels, bodies(parcels)
    assert (parcel.destination, parcel.session_id) == ("webhook:crm", SESSION)
    assert parcel.headers == {"Idempotency-Key": body["id"]}
    session = body.pop("session")
    assert body == {
        "type": "settled",
        "id": body["id"],
        "occurred_at": "2026-06-01T12:30:00.000000Z",
        "before": {"status": "COMPLETED"},
        "revision": 1,
    }
    assert session == {
        "session_id": SESSION,
        "trace_id": trace_id(SESSION).hex(),
        "support_code": "YP7YYHZX",
        "project_id": "acme",
        "submission_id": None,
        "flow_id": None,
        "user_id": "u-1",
        "created_at": "2026-06-01T12:00:00.000000Z",
        "last_event": "REJECTED",
        "last_event_at": "2026-06-01T12:01:00.000000Z",
        "status": "DROPPED",
        "decision": "REJECTED",
        "reason": "CUSTOM_POLICY",
        "decided_at": "2026-06-01T12:01:00.000000Z",
        "decided_by": "AUTOMATIC",
        "decision_confirmed": False,
        "reason_text": None,
        "automatic_decision": "REJECTED",
        "proposal": None,
        "stage": "DECISION",
        "last_error_code": None,
        "last_error_meaning": None,
        "last_error_page": None,
        "events": 2,
        "impacts": session["impacts"],
        "retention_days": 30,
        "expires_at": "2026-07-01T12:00:00.000000Z",
        "why": {
            "text": "The user was rejected: a rule of the project's own says no. No failing check"
            " was recorded for it.",
            "reason": "CUSTOM_POLICY",
            "meaning": "A rule of the project's own says no.",
            "event": None,
            "event_at": None,
            "error_code": None,
            "error_meaning": None,
            "error_page": None,
            "screen": None,
        },
    }


def test_the_first_settlement_had_nothing_before(make: Make) -> None:
    """`before` is there with null, so that receivers need no special case."""
    change = SessionChange(state(CREATED), state(CREATED), settlement=SETTLED)
    (body,) = bodies(told(make(ENDPOINT), change))
    assert (body["before"], body["revision"]) == ({"status": None}, 0)


def test_news_tell_what_a_code_means() -> None:
    """The last code and the one of the cause come with the meaning that the catalogue gives."""
    known = ErrorCodeSpec("QS-1", "The ID is blurred.", "https://help.example/QS-1")
    catalogue = replace(CATALOGUE, error_codes={"QS-1": known})
    settings = WebhookSettings.model_validate({"endpoints": [ENDPOINT]})
    exporter = WebhookExporter(settings, catalogue, MINUTE, lambda: NOON)
    found = state(event("IP_RISK_CHECK", result="FAIL", error_code="QS-1"))
    (body,) = bodies(told(exporter, SessionChange(None, found, settlement=SETTLED)))
    session = body["session"]
    assert (session["last_error_meaning"], session["last_error_page"]) == (
        known.meaning,
        known.page,
    )
    assert session["why"]["error_meaning"] == known.meaning


def test_what_is_confidential_is_no_news(make: Make) -> None:
    """Nothing that a user typed or that was read off a document is in any news."""
    metadata = '{"form.name":"Ann","extracted.name":"Ann","journey.private.note":"Ann"}'
    found = state(event("REJECTED", metadata=metadata, reason="CUSTOM_POLICY"))
    change = SessionChange(None, found, told=Status.ERROR, settlement=SETTLED)
    parcels = told(make({**ENDPOINT, "include_email": True}), change)
    assert len(parcels) == 3
    assert not [parcel for parcel in parcels if b"Ann" in parcel.payload]


def test_the_address_is_told_only_to_who_asked(make: Make) -> None:
    """`include_email` is each endpoint's own choice."""
    asked = {**ENDPOINT, "name": "asked", "include_email": True}
    change = SessionChange(None, state(CREATED), settlement=SETTLED)
    parcels = told(make(ENDPOINT, asked), change)
    found = {
        parcel.destination: body["session"]
        for parcel, body in zip(parcels, bodies(parcels), strict=True)
    }
    assert "email" not in found["webhook:crm"]
    assert found["webhook:asked"]["email"] == "ann@example.com"
    assert b"ann@" not in parcels[0].payload


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (None, (CREATED,), None),
        ((CREATED,), (CREATED, REJECTED), UNDECIDED),
        (None, (CREATED, REJECTED), UNDECIDED),
        ((REJECTED,), (REJECTED, CREATED), None),
        (
            (REJECTED,),
            (REJECTED, event("APPROVED", NOON + 2 * MINUTE)),
            BY_RULE,
        ),
        (
            (REJECTED,),
            (REJECTED, event("REJECTED", NOON + 2 * MINUTE, reason="PII_DUPLICATE")),
            BY_RULE,
        ),
        (
            (REJECTED,),
            (REJECTED, event("REJECTED", NOON + 2 * MINUTE, reason="CUSTOM_POLICY")),
            None,
        ),
    ],
)
def test_a_changed_decision_is_news(
    make: Make,
    before: tuple[Event, ...] | None,
    after: tuple[Event, ...],
    expected: dict[str, Any] | None,
) -> None:
    """The first decision and each with another content is told, with what it was before."""
    change = SessionChange(state(*before) if before else None, state(*after))
    found = bodies(told(make({**ENDPOINT, "events": ["decision_changed"]}), change))
    assert [body["before"] for body in found] == ([] if expected is None else [expected])
    assert all(body["type"] == "decision_changed" for body in found)


@pytest.mark.parametrize(
    ("before", "now", "news"),
    [
        (None, Status.IN_PROGRESS, False),
        (None, Status.COMPLETED, False),
        (Status.ERROR, Status.ERROR, False),
        (Status.ERROR, Status.IN_PROGRESS, True),
        (Status.IN_PROGRESS, Status.DROPPED, True),
    ],
)
def test_a_changed_status_is_news(
    make: Make, before: Status | None, now: Status, news: bool
) -> None:
    """What was told before is compared with what can be told now; a first status is no change."""
    change = SessionChange(state(CREATED), state(CREATED), told=before, status=now)
    found = bodies(told(make(ENDPOINT), change))
    expected = [("status_changed", {"status": before}, now)] if news else []
    assert [(body["type"], body["before"], body["session"]["status"]) for body in found] == expected


def test_news_of_one_change_comes_in_order(make: Make) -> None:
    """Settling comes last, for it sums up."""
    change = SessionChange(
        state(CREATED),
        state(CREATED, REJECTED),
        told=Status.IN_PROGRESS,
        status=Status.DROPPED,
        settlement=SETTLED,
    )
    types = [body["type"] for body in bodies(told(make(ENDPOINT), change))]
    assert types == ["status_changed", "decision_changed", "settled"]


@pytest.mark.parametrize(
    ("filters", "passes"),
    [
        ({}, True),
        ({"projects": ["acme", "other"]}, True),
        ({"projects": ["other"]}, False),
        ({"statuses": ["DROPPED"]}, True),
        ({"statuses": ["COMPLETED", "ERROR"]}, False),
        ({"decisions": ["REJECTED"]}, True),
        ({"decisions": ["APPROVED", "NONE"]}, False),
        ({"projects": ["acme"], "statuses": ["ERROR"]}, False),
    ],
)
def test_filters_all_hold(make: Make, filters: dict[str, Any], passes: bool) -> None:
    """News passes when every filter that is set lets it."""
    endpoint = {**ENDPOINT, "events": ["settled"], **filters}
    after = state(CREATED, REJECTED)
    change = SessionChange(None, after, status=Status.DROPPED, settlement=SETTLED)
    assert bool(told(make(endpoint), change)) == passes


def test_a_session_without_project_or_decision_can_be_asked_for(make: Make) -> None:
    """`NONE` asks for undecided sessions; a project filter leaves out who has no project."""
    change = SessionChange(None, state(event("STEP_VIEW")), settlement=SETTLED)
    assert told(make({**ENDPOINT, "decisions": ["NONE"]}), change)
    assert not told(make({**ENDPOINT, "projects": ["acme"]}), change)


def test_the_same_news_has_the_same_key(make: Make) -> None:
    """Computed again, by another process and later, it is the same news."""
    change = SessionChange(
        None, state(CREATED, REJECTED), told=Status.ERROR, status=Status.DROPPED, settlement=SETTLED
    )
    first = told(make(ENDPOINT), change)
    again = told(make(ENDPOINT), change, at=NOON + MINUTE)
    assert [parcel.headers for parcel in first] == [parcel.headers for parcel in again]
    assert all(len(parcel.headers["Idempotency-Key"]) == 64 for parcel in first)


def test_other_news_has_another_key(make: Make) -> None:
    """Endpoint, session, kind, revision, decision and status all make a difference."""
    exporter = make(ENDPOINT, {**ENDPOINT, "name": "risk"})
    later = event("REJECTED", NOON + 2 * MINUTE, reason="PII_DUPLICATE")
    other = event("REJECTED", session_id="other", reason="CUSTOM_POLICY")
    late = event("ERROR_PAGE_VIEWED", NOON - MINUTE)

    def back(*events: Event) -> SessionChange:
        after = state(CREATED, *events)
        return SessionChange(state(CREATED), after, told=Status.ERROR, status=Status.IN_PROGRESS)

    changes = [
        SessionChange(None, state(CREATED, REJECTED), settlement=SETTLED),
        SessionChange(state(REJECTED), state(REJECTED, later)),
        SessionChange(None, state(other)),
        SessionChange(state(CREATED), state(CREATED), settlement=Settlement(1, None, Status.ERROR)),
        back(),
        # Back and forth again because of late events, while the newest event stays the same.
        back(late),
        SessionChange(state(CREATED), state(CREATED), told=Status.ERROR, status=Status.DROPPED),
    ]
    parcels = told(exporter, *changes)
    assert len({parcel.headers["Idempotency-Key"] for parcel in parcels}) == len(parcels) == 16


def test_a_verdict_is_news(make: Make) -> None:
    """It tells the decision with the person, once the session has begun."""
    invited, verdict = done("SESSION_INVITED"), done("VERDICT_APPROVED", NOON + 1)
    change = SessionChange(state(CREATED, REJECTED), state(CREATED, REJECTED, verdict))
    (found,) = bodies(told(make({**ENDPOINT, "events": ["decision_changed"]}), change))
    assert found["before"] == BY_RULE
    decided = ("decision", "decided_by", "automatic_decision")
    assert [found["session"][key] for key in decided] == ["APPROVED", "ann", "REJECTED"]
    waiting = state(invited, verdict)
    assert told(make(ENDPOINT), SessionChange(None, waiting)) == []
    begun = SessionChange(waiting, state(invited, verdict, CREATED))
    assert len(told(make({**ENDPOINT, "events": ["decision_changed"]}), begun)) == 1


def test_who_confirms_is_told_with_why(make: Make) -> None:
    """A verdict that leaves the decision as it is tells who gave it, and their own words."""
    said = {"journey.actor.id": "ann", "journey.decision": "REJECTED"}
    told_why = {**said, "journey.verdict.text": "It is the same face."}
    confirmed = event(
        "VERDICT_CONFIRMED", NOON + 1, metadata=json.dumps(told_why), reason="CUSTOM_POLICY"
    )
    late = event("APPROVED", NOON + 2 * MINUTE)
    again = msgspec.structs.replace(confirmed, at=NOON + 3 * MINUTE, event_id=b"in words")
    decided = state(CREATED, REJECTED, confirmed)
    changes = (
        SessionChange(state(CREATED, REJECTED), decided),
        SessionChange(decided, state(CREATED, REJECTED, confirmed, late)),
        SessionChange(decided, state(CREATED, REJECTED, confirmed, again)),
    )
    parcels = told(make({**ENDPOINT, "events": ["decision_changed"]}), *changes)
    assert len({parcel.headers["Idempotency-Key"] for parcel in parcels}) == 2
    found, _ = bodies(parcels)
    assert found["before"] == BY_RULE
    keys = ("decision", "reason", "decided_by", "decision_confirmed", "reason_text")
    assert [found["session"][key] for key in keys] == [
        "REJECTED",
        "CUSTOM_POLICY",
        "ann",
        True,
        "It is the same face.",
    ]
