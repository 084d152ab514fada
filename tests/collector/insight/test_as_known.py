"""What was known at a moment is what had arrived by then, and what came late is marked."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.events import MINUTE, NOON, SECOND, done, event, journeys

from journeytrace.catalogue import builtin_catalogue
from journeytrace_collector.core.model import Event
from journeytrace_collector.core.sessionize import distinct, state_of
from journeytrace_collector.insight.as_known import (
    MOST_ARRIVALS,
    Arrival,
    arrivals,
    as_known,
    by,
)

CATALOGUE = builtin_catalogue()


def came(name: str, at: int, received: int, **fields: object) -> Event:
    """Make an event that arrived at another time than it happened."""
    return event(name, NOON + at, received=NOON + received, **fields)


def test_what_had_not_arrived_was_not_known() -> None:
    """A check that failed before the decision and came after it is unknown until then."""
    events = [
        came("SESSION_CREATED", 0, 0),
        came("FACE_COMPARE", SECOND, 5 * MINUTE, result="FAIL"),
        came("APPROVED", 2 * SECOND, 2 * SECOND),
    ]
    before = as_known(events, NOON + 5 * MINUTE - 1, CATALOGUE)
    assert before == state_of([events[0], events[2]], CATALOGUE)
    assert as_known(events, NOON + 5 * MINUTE, CATALOGUE) == state_of(events, CATALOGUE)


def test_a_session_that_was_only_invited_was_not_known() -> None:
    """Until something arrives that is not passive there is no session."""
    events = [came("SESSION_INVITED", 0, 0), came("SESSION_CREATED", 0, MINUTE)]
    assert as_known(events, NOON, CATALOGUE) is None
    assert as_known(events, NOON - 1, CATALOGUE) is None
    assert as_known(events, NOON + MINUTE, CATALOGUE) is not None


def test_late_evidence_is_marked_where_it_came() -> None:
    """Late is what arrives a minute after its end, or after a verdict that it comes before."""
    verdict = done("VERDICT_APPROVED", NOON + 10 * SECOND)
    events = [
        came("SESSION_CREATED", 0, 0),
        came("STEP_VIEW", 0, SECOND // 2),
        verdict,
        came("PAGE_HIDDEN", 12 * SECOND, 12 * SECOND),
        came("FACE_COMPARE", 9 * SECOND, 20 * SECOND, result="FAIL"),
        came("API_CALL", 0, 5 * MINUTE, duration=MINUTE),
    ]
    assert arrivals(events, CATALOGUE) == [
        Arrival(NOON + SECOND // 2, 2, 2, 0, 0, 0, after_verdict=False, verdict=False),
        Arrival(verdict.received, 1, 3, 0, 0, 0, after_verdict=False, verdict=True),
        Arrival(NOON + 12 * SECOND, 1, 4, 0, 0, 0, after_verdict=False, verdict=False),
        Arrival(NOON + 20 * SECOND, 1, 5, 1, 1, 11 * SECOND, after_verdict=True, verdict=False),
        Arrival(NOON + 5 * MINUTE, 1, 6, 1, 0, 4 * MINUTE, after_verdict=True, verdict=False),
    ]


@given(journeys(sessions=1, max_size=30), st.integers(1, 200))
@settings(max_examples=40)
def test_each_arrival_is_known_by_its_moment(events: list[Event], apart: int) -> None:
    """Every event is in one arrival; at its moment all that it brought is known, and no more."""
    own = list(distinct(events).values())
    own += [
        came("API_CALL", n * MINUTE, n * apart * SECOND, event_id=b"%08d" % n) for n in range(99)
    ]
    found = arrivals(own, CATALOGUE)
    assert len(found) <= MOST_ARRIVALS
    assert sum(one.events for one in found) == len(own)
    assert [len(by(own, one.at)) for one in found] == [one.known for one in found]
    assert found[-1].at == max(one.received for one in own)
