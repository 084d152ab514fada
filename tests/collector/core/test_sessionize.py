"""The fold's laws: order, duplication, splitting and merging never matter (DESIGN section 5)."""

from __future__ import annotations

import random
from functools import reduce

from hypothesis import given
from hypothesis import strategies as st
from tests.support.events import NOON, deeds, event, journeys

from journeytrace.catalogue import builtin_catalogue
from journeytrace_collector.core.model import Event
from journeytrace_collector.core.sessionize import SessionState, distinct, fold, merge, state_of

CATALOGUE = builtin_catalogue()

histories = st.tuples(journeys(), st.just([]) | deeds()).map(lambda both: both[0] + both[1])
"""Journeys, with and without what people did."""
short_histories = st.tuples(
    journeys(sessions=1, max_size=8), st.just([]) | deeds(sessions=1, max_size=4)
).map(lambda both: both[0] + both[1])


@given(histories, st.randoms(use_true_random=False))
def test_order_and_duplication_do_not_matter(events: list[Event], rng: random.Random) -> None:
    """Any order of the events, any of them any number of times, gives the same sessions."""
    again = events + [rng.choice(events) for _ in range(rng.randrange(10))]
    rng.shuffle(again)
    assert fold(again, CATALOGUE) == fold(events, CATALOGUE)


@given(histories, st.randoms(use_true_random=False))
def test_merge_of_any_split_is_the_whole(events: list[Event], rng: random.Random) -> None:
    """Distinct events split into batches, folded apart and merged in any order, give the whole."""
    unique = list(distinct(events).values())
    rng.shuffle(unique)
    cuts = sorted(rng.randrange(len(unique) + 1) for _ in range(3))
    parts = [unique[a:b] for a, b in zip([0, *cuts], [*cuts, len(unique)], strict=True)]
    states = [fold(part, CATALOGUE) for part in parts]
    rng.shuffle(states)
    merged: dict[str, SessionState] = {}
    for part in states:
        for session_id, state in part.items():
            known = merged.get(session_id)
            merged[session_id] = merge(known, state) if known else state
    assert merged == fold(events, CATALOGUE)


@given(short_histories)
def test_merge_is_associative_and_commutative(events: list[Event]) -> None:
    """(a + b) + c = a + (b + c), and a + b = b + a."""
    states = [state_of([item], CATALOGUE) for item in distinct(events).values()]
    left = reduce(merge, states)
    right = reduce(lambda total, state: merge(state, total), reversed(states))
    assert left == right
    assert reduce(merge, reversed(states)) == left
    assert state_of(list(distinct(events).values()), CATALOGUE) == left


@given(journeys(), journeys())
def test_overlapping_deliveries_count_once(a: list[Event], b: list[Event]) -> None:
    """What two collectors both received is joined by event id before it is counted."""
    joined = distinct([*distinct(a).values(), *distinct(b).values()])
    assert fold(joined.values(), CATALOGUE) == fold([*b, *a], CATALOGUE)
    assert sum(s.events for s in fold([*a, *b], CATALOGUE).values()) == len(joined)


def test_the_first_received_of_one_id_is_kept() -> None:
    """One id in two forms is one event: what arrived first, not what was folded first."""
    first = event("STEP_VIEW", event_id=b"12345678", received=NOON, user_id="first")
    later = event("STEP_VIEW", event_id=b"12345678", received=NOON + 1, user_id="later")
    for order in ([first, later], [later, first]):
        (state,) = fold(order, CATALOGUE).values()
        assert state.events == 1
        assert state.kept["user_id"][2] == "first"
