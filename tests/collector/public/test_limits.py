"""How much anybody may send."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from journeytrace_collector.public.limits import Buckets, Counts, Turns


def test_a_burst_and_then_a_rate() -> None:
    """A hundred at once, then ten a second; the wait says when."""
    buckets = Buckets(10, 100)
    assert buckets.take("a", 64, 0) == 0
    assert buckets.take("a", 36, 0) == 0
    assert buckets.take("a", 1, 0) == pytest.approx(0.1)
    assert buckets.take("a", 64, 5) == pytest.approx(1.4)
    assert buckets.take("a", 64, 6.4) == 0
    assert buckets.take("b", 100, 6.4) == 0


def test_being_refused_costs_nothing() -> None:
    """Who waits as long as told is taken, however often they asked before."""
    buckets = Buckets(10, 100)
    buckets.take("a", 100, 0)
    waits = [buckets.take("a", 10, at / 10) for at in range(10)]
    assert all(waits)
    assert buckets.take("a", 10, 1) == 0


def test_pushing_others_out_buys_nothing() -> None:
    """A newcomer takes over the bucket of the one that had to go."""
    buckets = Buckets(10, 100, most=2)
    for key in ("a", "b"):
        assert buckets.take(key, 100, 0) == 0
    assert buckets.take("c", 1, 0) > 0
    assert buckets.take("a", 1, 0) > 0
    assert len(buckets) == 2
    assert buckets.take("d", 100, 10) == 0


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(1, 64)), max_size=60))
@settings(max_examples=40)
def test_addresses_without_end_get_no_more_than_a_few(tries: list[tuple[int, int]]) -> None:
    """Of so many buckets, only so much can be taken, under however many names."""
    buckets = Buckets(10, 100, most=3)
    taken = sum(cost for key, cost in tries if buckets.take(str(key), cost, 0) == 0)
    assert taken <= 300
    assert len(buckets) <= 3


def test_a_session_has_an_end() -> None:
    """What is too much is not taken, and what fits still is."""
    counts = Counts(100)
    assert counts.take("a", 64)
    assert not counts.take("a", 64)
    assert counts.take("a", 36)
    assert not counts.take("a", 1)
    assert counts.take("b", 100)


def test_what_was_not_stored_is_given_back() -> None:
    """It comes again, and must not count twice."""
    counts = Counts(100, most=1)
    assert counts.take("a", 100)
    counts.give_back("a", 60)
    assert not counts.take("a", 61)
    assert counts.take("a", 60)
    counts.give_back("unknown", 60)
    assert "unknown" not in counts


def test_what_was_forgotten_is_learnt_again() -> None:
    """A session that comes back goes on from what the store has of it."""
    counts = Counts(100, most=1)
    assert counts.take("a", 100)
    counts.learn("b", 0)
    assert "a" not in counts
    counts.learn("a", 100)
    assert not counts.take("a", 1)
    counts.learn("a", 0)
    assert not counts.take("a", 1)
    assert len(counts) == 1


def test_turns_come_back() -> None:
    """So many at a time, each session for itself; nothing is kept of one that has none."""
    turns = Turns(2)
    assert [turns.take("a"), turns.take("a"), turns.take("a"), turns.take("b")] == [
        True,
        True,
        False,
        True,
    ]
    for key in ("a", "a", "b"):
        turns.give_back(key)
    assert len(turns) == 0
    assert turns.take("a")
