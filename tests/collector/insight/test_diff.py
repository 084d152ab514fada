"""What differs is named, and what does not is not."""

from __future__ import annotations

from math import comb, exp
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.cohorts import STAGES, Chances, compare, tally
from tests.support.events import NOON, SECOND

from journeytrace.conventions import Status
from journeytrace_collector.insight.comparing import (
    ALPHA,
    Share,
    Spread,
    holm,
    of_shares,
    of_spreads,
    wilson,
)
from journeytrace_collector.insight.diff_words import Kind
from journeytrace_collector.insight.tally import Course, Passed, Tally

ALIKE = Chances()


def names_a_shift(rng: Random, most: int) -> bool:
    """Whether a comparison of identical cohorts, of any sizes, names a shift."""
    a, b = (tally(ALIKE, rng.randrange(40, most), rng) for _ in range(2))
    return any(one.named for one in compare(a, b).comparisons)


def planted(rng: Random, sessions: int, step: str, base: float) -> bool:
    """Whether a drop of five points in one step is what is named first."""
    usual = dict(ALIKE.steps) | {step: base}
    worse = usual | {step: base - 0.05}
    a, b = (tally(Chances(steps), sessions, rng) for steps in (usual, worse))
    first = compare(a, b).comparisons[0]
    return first.named and (first.kind, first.name) == (Kind.STEP, step)


def test_identical_cohorts_name_nothing() -> None:
    """Of 60 comparisons of cohorts that are alike, hardly any names a shift."""
    rng = Random(1)
    # With a chance of one in twenty each, 9 or more come up once in 300 times.
    assert sum(names_a_shift(rng, 250) for _ in range(60)) <= 8


def test_a_planted_drop_is_named_first() -> None:
    """A step that loses five points of its users is the first shift that is told."""
    assert planted(Random(2), 4_000, STAGES[2], 0.9)


@pytest.mark.proof
def test_identical_cohorts_name_a_shift_in_one_of_twenty_at_most() -> None:
    """Of 1,000 comparisons of identical cohorts at most 50 name any shift."""
    rng = Random(3)
    assert sum(names_a_shift(rng, 1_500) for _ in range(1_000)) <= 50


@pytest.mark.proof
@pytest.mark.parametrize("base", [0.95, 0.9, 0.8, 0.65])
def test_a_planted_drop_is_named_first_in_nearly_all(base: float) -> None:
    """With 5,000 sessions each, a five-point drop in one step is named first in 95 % at least."""
    rng = Random(4)
    assert sum(planted(rng, 5_000, STAGES[n % 3], base) for n in range(60)) >= 57


HITS = st.integers(1, 30).flatmap(lambda of: st.builds(Share, st.integers(0, of), st.just(of)))


@given(HITS, HITS)
@settings(max_examples=60)
def test_the_test_of_two_shares_is_exact(a: Share, b: Share) -> None:
    """It is twice the smaller tail of the hypergeometric distribution, added up term by term."""
    hits, of = a.hits + b.hits, a.of + b.of
    ways = [comb(a.of, x) * comb(b.of, hits - x) for x in range(hits + 1) if x <= a.of]
    upper, lower = sum(ways[a.hits :]), sum(ways[: a.hits + 1])
    assert of_shares(a, b).p == pytest.approx(min(1, 2 * min(upper, lower) / comb(of, hits)))


@given(HITS, HITS)
@settings(max_examples=60)
def test_swapping_the_sides_turns_a_change_around(a: Share, b: Share) -> None:
    """The change is inside its interval, and from the other side it is the same with its sign."""
    there, back = of_shares(a, b), of_shares(b, a)
    assert there.low <= there.change <= there.high
    assert (there.change, there.low, there.high) == pytest.approx(
        (-back.change, -back.high, -back.low)
    )
    assert there.p == pytest.approx(back.p)
    assert there.certain == pytest.approx(back.certain)


def test_intervals_are_those_of_the_literature() -> None:
    """Newcombe's own example, 56 of 70 against 48 of 80, has the interval that he gives."""
    found = of_shares(Share(48, 80), Share(56, 70))
    assert (found.low, found.high) == pytest.approx((0.0524, 0.3339), abs=1e-4)
    assert wilson(Share(81, 263)) == pytest.approx((0.2553, 0.3662), abs=1e-4)


def test_durations_are_compared_by_their_ratio() -> None:
    """Twice as long is twice as long, whatever the scale; the interval is Welch's."""
    rng = Random(5)
    short, long = Spread(), Spread()
    for _ in range(400):
        drawn = [rng.gauss(0, 1) for _ in range(2)]
        short = Spread(short.number + 1, short.total + drawn[0], short.squares + drawn[0] ** 2)
        drawn[1] += 0.6931
        long = Spread(long.number + 1, long.total + drawn[1], long.squares + drawn[1] ** 2)
    found = of_spreads(short, long)
    assert found.low < 2 < found.high
    assert found.high / found.low == pytest.approx(exp(2 * 1.963 * (2 / 400) ** 0.5), rel=0.03)
    assert found.p < 1e-9


def test_students_distribution_is_met_where_samples_are_small() -> None:
    """With 10 on each side and t = 2.101, p is 0.05 as in the tables."""
    a, b = Spread(10, 0.0, 9.0), Spread(10, 0.0, 9.0)
    shift = 2.101 * (2 / 10) ** 0.5
    b = Spread(10, 10 * shift, 9.0 + 10 * shift * shift)
    assert of_spreads(a, b).p == pytest.approx(0.05, abs=0.0005)


def test_durations_that_are_all_alike_are_told_apart() -> None:
    """Where nothing varies, any difference is certain, and none is none."""
    two, three = Spread(9, 18.0, 36.0), Spread(9, 27.0, 81.0)
    assert of_spreads(two, two).p == 1
    assert of_spreads(two, three).p == 0


@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0.1, 9)), max_size=9))
@settings(max_examples=60)
def test_the_correction_rejects_what_holms_steps_reject(found: list[tuple[float, float]]) -> None:
    """Stepping down by weights, what is rejected is what the corrected values say."""
    left, rejected = dict(enumerate(found)), set()
    while left:
        first = min(left, key=lambda n: left[n][0] / left[n][1])
        p, weight = left[first]
        if p > ALPHA * weight / sum(w for _, w in left.values()):
            break
        rejected.add(first)
        del left[first]
    corrected = holm(found)
    near = {n for n, p in enumerate(corrected) if abs(p - ALPHA) < 1e-9}
    assert {n for n, p in enumerate(corrected) if p <= ALPHA} - near == rejected - near


def went(*events: Passed, status: Status = Status.COMPLETED, stage: str = STAGES[-1]) -> Course:
    """Give a session that went through this."""
    return Course(status, stage, None, None, events)


def test_sessions_are_counted_and_not_events() -> None:
    """A check that fails twice and then passes is one session that failed it."""
    found = Tally(STAGES)
    runs = [Passed("CHECK", STAGES[0], result, NOON, SECOND) for result in ("FAIL", "FAIL", "PASS")]
    found.add(went(*runs))
    found.add(went(runs[2]))
    assert (found.failed["CHECK"], found.ran["CHECK"], found.took["CHECK"].number) == (1, 2, 2)


def test_what_goes_on_is_left_out() -> None:
    """A session in progress may still come further, so it counts nowhere."""
    found = Tally(STAGES)
    found.add(went(status=Status.IN_PROGRESS))
    assert (found.sessions, found.going_on, found.reached.total()) == (0, 1, 0)


def test_a_stage_that_was_left_has_no_duration() -> None:
    """How long a stage takes is told by those who came past it."""
    found = Tally(STAGES)
    inside = Passed("STEP_VIEW", STAGES[1], None, NOON, SECOND)
    found.add(went(inside, status=Status.DROPPED, stage=STAGES[1]))
    assert not found.took
    found.add(went(inside, status=Status.DROPPED, stage=STAGES[2]))
    assert list(found.took) == [f"stage {STAGES[1]}"]


def test_too_few_are_not_compared() -> None:
    """Of a handful of sessions nothing is told, and it says so."""
    a, b = (tally(ALIKE, 10, Random(n)) for n in (6, 7))
    found = compare(a, b)
    assert found.words == ["Too few sessions to compare: 10 and 10."]
    assert {one.p for one in found.comparisons} == {None}


def test_shifts_are_told_in_words() -> None:
    """The sentence has both sides, the change and its interval."""
    a, b = (tally(Chances(slower={"CHECK_0": by}), 500, Random(8)) for by in (1, 3))
    said = compare(a, b).words[0]
    assert said.startswith("CHECK_0 typically took ")
    assert said.endswith(" %).")
    assert ": +200 % (95 % interval +1" in said
