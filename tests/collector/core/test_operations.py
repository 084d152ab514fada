"""What people do moves the decision, by a verdict, and nothing else (DESIGN section 13)."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.events import IDLE_TIMEOUT, MINUTE, NOON, SESSION, deeds, done, event, journeys

from journeytrace.catalogue import builtin_catalogue
from journeytrace_collector.core.derive import Summary, pending, phase, summary
from journeytrace_collector.core.model import Event
from journeytrace_collector.core.retention import NS_PER_DAY, Period, Retention
from journeytrace_collector.core.sessionize import NEVER, SessionState, fold, merge, state_of

CATALOGUE = builtin_catalogue()
OWN = {
    "decision",
    "reason",
    "decided_at",
    "decided_by",
    "decision_confirmed",
    "reason_text",
    "proposal",
}
"""The fields of a summary that a verdict moves."""


def shown(state: SessionState, now: int = NOON) -> dict[str, Any]:
    """Give a summary by field."""
    found: Summary = summary(state, now, IDLE_TIMEOUT)
    return {name: getattr(found, name) for name in found.__struct_fields__}


def folded(*events: Event) -> SessionState:
    """Fold events of one session."""
    (state,) = fold(events, CATALOGUE).values()
    return state


@given(journeys(sessions=1), deeds(sessions=1), st.randoms(use_true_random=False))
def test_people_leave_a_session_as_it_was(
    events: list[Event], acts: list[Event], rng: random.Random
) -> None:
    """Passive events in any number and order leave every field of a session but its own alone."""
    together = [*events, *acts, *acts]
    rng.shuffle(together)
    without, with_them = folded(*events), folded(*together)
    fields = set(without.__struct_fields__) - {"operations"}
    assert {f: getattr(with_them, f) for f in fields} == {f: getattr(without, f) for f in fields}
    assert (pending(with_them), phase(with_them)) == (pending(without), phase(without))
    before, after = shown(without), shown(with_them)
    done_so = with_them.operations
    own = OWN if done_so and done_so.verdict else {"proposal"}
    assert {f: v for f, v in after.items() if f not in own} == {
        f: v for f, v in before.items() if f not in own
    }


@given(journeys(sessions=1, max_size=5), deeds(sessions=1, max_size=5))
def test_what_has_not_begun_is_neutral(events: list[Event], acts: list[Event]) -> None:
    """A session that was only looked at is, once it begins, what it is without that."""
    waiting, begun = folded(*acts), folded(*events)
    assert not waiting.begun
    assert waiting.created_at == NEVER
    joined = merge(waiting, begun)
    assert joined == merge(begun, waiting)
    assert joined.begun
    assert joined.operations == waiting.operations
    joined.operations = None
    assert joined == begun


@pytest.mark.parametrize(
    ("acts", "decision", "reason", "by"),
    [
        ([], "REJECTED", "AGE_LIMIT", "AUTOMATIC"),
        ([done("VERDICT_APPROVED", NOON - MINUTE)], "APPROVED", None, "ann"),
        (
            [done("VERDICT_REJECTED", reason="SELFIE_DUPLICATE")],
            "REJECTED",
            "SELFIE_DUPLICATE",
            "ann",
        ),
        (
            [done("VERDICT_APPROVED", NOON + 1), done("VERDICT_REJECTED", NOON, "ben")],
            "APPROVED",
            None,
            "ann",
        ),
        ([done("VERDICT_CONFIRMED", confirms="PENDING", reason="X")], "PENDING", "X", "ann"),
        ([done("VERDICT_CONFIRMED")], "REJECTED", "AGE_LIMIT", "AUTOMATIC"),
        ([done("VERDICT_PROPOSED", confirms="APPROVED")], "REJECTED", "AGE_LIMIT", "AUTOMATIC"),
        ([done("VERDICT_APPROVED", source="BE")], "REJECTED", "AGE_LIMIT", "AUTOMATIC"),
        ([event("VERDICT_APPROVED")], "REJECTED", "AGE_LIMIT", "AUTOMATIC"),
    ],
    ids=["none", "earlier", "same", "newest", "confirmed", "unsaid", "proposed", "BE", "nobody"],
)
def test_a_verdict_stands_above_what_was_decided_automatically(
    acts: list[Event], decision: str, reason: str | None, by: str
) -> None:
    """The newest verdict of a person who is named decides, whenever the server decided."""
    rejected = event("REJECTED", NOON + 2, reason="AGE_LIMIT")
    found = shown(folded(rejected, *acts))
    assert (found["decision"], found["reason"], found["decided_by"]) == (decision, reason, by)
    assert found["automatic_decision"] == "REJECTED"


def test_a_session_that_was_only_invited_is_kept_from_then_on() -> None:
    """Its retention counts from the invitation, else from what was done first; never anew."""
    retention = Retention([Period("acme", 0, 90)])
    viewed = done("SESSION_VIEWED", NOON - MINUTE)
    invited = done("SESSION_INVITED", NOON, project_id="acme")
    late = done("SESSION_INVITED", NOON + MINUTE, by="ben")
    assert retention.expires_at(folded(viewed)) == NOON - MINUTE + 30 * NS_PER_DAY
    assert retention.expires_at(folded(late, invited, viewed)) == NOON + 90 * NS_PER_DAY
    begun = folded(late, invited, viewed, event("SESSION_CREATED", NOON + 2 * MINUTE))
    assert retention.expires_at(begun) == NOON + 2 * MINUTE + 30 * NS_PER_DAY


def test_only_a_session_that_has_not_begun_is_its_inviters() -> None:
    """The project that people name holds until an event of the journey says whose it is."""
    invited = done("SESSION_INVITED", project_id="acme")
    assert state_of([invited], CATALOGUE).project == "acme"
    assert folded(invited, event("STEP_VIEW")).project is None
    assert folded(invited, event("STEP_VIEW", project_id="other")).project == "other"
    assert invited.session_id == SESSION
