"""What is told of a session as of a moment is what the list told at that moment."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import closing
from itertools import groupby
from operator import attrgetter
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.support.events import IDLE_TIMEOUT, MINUTE, NOON, deeds, done, event, journeys

from journeytrace.catalogue import builtin_catalogue
from journeytrace_collector.admin.told import known_at, told
from journeytrace_collector.core.derive import Summary
from journeytrace_collector.core.model import Event
from journeytrace_collector.store import SessionQuery, Store
from journeytrace_collector.store.base import Known

CATALOGUE = builtin_catalogue()
RECEIVED = attrgetter("received")


def moments(events: Iterable[Event], silent: Iterable[int]) -> Iterator[tuple[int, list[Event]]]:
    """Give what arrives at each time, in order; at the `silent` ones nothing does."""
    arrived = {at: list(several) for at, several in groupby(sorted(events, key=RECEIVED), RECEIVED)}
    for at in sorted({*arrived, *silent}):
        yield at, arrived.get(at, [])


def listed(store: Store, at: int) -> dict[str, Summary]:
    """Give what the list tells at a time."""
    return {
        one.state.session_id: describe(one, at)
        for one in store.sessions(SessionQuery(limit=100), at).sessions
    }


def describe(known: Known, at: int) -> Summary:
    """Describe a session as the API does."""
    return told(known, at, IDLE_TIMEOUT, CATALOGUE)


def as_of(store: Store, at: int) -> dict[str, Summary]:
    """Give what is told now of all sessions as of a time."""
    found = {}
    for known in store.sessions(SessionQuery(limit=100), at).sessions:
        session_id = known.state.session_id
        events = store.events(session_id)
        then = known_at(known, events, at, IDLE_TIMEOUT, CATALOGUE)
        if then is not None:
            found[session_id] = describe(then, at)
    return found


@settings(
    deadline=None,
    max_examples=10,
    # Each example clears the place first.
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    events=st.tuples(journeys(sessions=2, max_size=15), deeds(sessions=2)).map(
        lambda both: both[0] + both[1]
    ),
    silent=st.sets(st.integers(-1, 70).map(lambda n: NOON + n * MINUTE + 1), max_size=4),
)
def test_as_of_tells_what_the_list_told(
    place: Any, events: list[Event], silent: Iterable[int]
) -> None:
    """Whatever arrives later, of each moment the same sessions are told with all their fields."""
    place.clear()
    with closing(place.open()) as store:
        check(store, moments(events, silent))


def check(store: Store, steps: Iterable[tuple[int, list[Event]]]) -> dict[int, dict[str, Summary]]:
    """Let events arrive, and compare what the list tells with what is told of it in the end."""
    then = {}
    for at, arrived in steps:
        store.settle(at, 100)
        store.write(arrived)
        store.settle(at, 100)
        then[at] = listed(store, at)
    for at, expected in then.items():
        assert as_of(store, at) == expected
    return then


def test_revisions_are_counted_as_of_then(store: Store) -> None:
    """A session that settled, changed and was decided by a person has its revision of each time."""
    events = [
        event("APPROVED", NOON),
        event("FINAL_PAGE_VIEW", NOON),
        event("FACE_COMPARE", NOON, received=NOON + 3 * MINUTE, result="FAIL"),
        done("VERDICT_REJECTED", NOON + 9 * MINUTE),
    ]
    then = check(store, moments(events, [NOON + n * MINUTE for n in (2, 8)]))
    found = [
        (one.settled_at is not None, one.revision) for at in then.values() for one in at.values()
    ]
    assert found == [(False, 0), (True, 0), (True, 0), (True, 1), (True, 2)]
