"""Lost beacons are told apart from lost users, or it is said why they cannot be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from random import Random
from statistics import mean

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.funnels import CHOSEN, NUMBERS, STAGES, Funnel, Losses, draw

from journeytrace_collector.core.sighting import Sighted, of_stage
from journeytrace_collector.insight.loss import (
    LossStep,
    Sightings,
    beacon_loss,
    choose,
    loss_groups,
    loss_steps,
)
from journeytrace_collector.insight.recapture import Cells, chapman, share

MODERATE = Losses(screen=0.2, server=0.1)
LEAVING = (0.2, 0.2, 0.2)


def steps_of(found: Funnel) -> list[LossStep]:
    """Give the corrected funnel of one that was drawn."""
    return loss_steps(Sightings(list(found.found), CHOSEN, NUMBERS), STAGES)


def seen(
    sessions: int, stage: str | None, *sides: str, group: str | None = None, of: str = "ENTRY"
) -> Sighted:
    """Give sessions of which these sides saw the action of a stage."""
    pair = CHOSEN[of]
    names = {"screen": pair.screen, "server": pair.server}
    bits = sum(NUMBERS.bits[names[side]] for side in sides) | NUMBERS.bits[of_stage(of)]
    return Sighted(group, stage, bits, sessions)


def entry(*found: Sighted) -> LossStep:
    """Give the first step of these sessions."""
    return loss_steps(Sightings(list(found), {"ENTRY": CHOSEN["ENTRY"]}, NUMBERS), STAGES)[0]


counts = st.integers(0, 400)
CELLS = st.builds(Cells, counts, counts, counts)


@given(CELLS)
@settings(max_examples=200, deadline=None)
def test_a_size_is_no_smaller_than_what_was_seen(cells: Cells) -> None:
    """The interval begins at what was seen, holds the estimate, and knows no order of sides."""
    size = chapman(cells)
    assert cells.seen <= size.low
    assert size.estimate >= cells.seen - 1e-6
    if size.high is not None and cells.both:
        assert size.low - 1 <= size.estimate <= size.high + 1
    assert chapman(Cells(cells.both, cells.server, cells.screen)) == size


@given(CELLS, st.integers(1, 50))
@settings(max_examples=100, deadline=None)
def test_what_one_side_alone_has_seen_hides_more(cells: Cells, more: int) -> None:
    """The more each side sees alone, the more there are that neither saw."""
    larger = cells._replace(screen=cells.screen + more, server=cells.server + more)
    hidden, more_hidden = (chapman(one).estimate - one.seen for one in (cells, larger))
    assert more_hidden >= hidden


def test_both_ways_to_an_interval_give_the_same() -> None:
    """Where the exact one ends and the quick one begins, they differ by a tenth of their width."""
    exact, quick = (chapman(Cells(900, side, 201)) for side in (200, 201))
    assert exact.high is not None
    assert quick.high is not None
    width = exact.high - exact.low
    assert abs(exact.low - quick.low) < width / 10
    assert abs(exact.high - quick.high) < width / 10


def test_shares_have_intervals_within_0_and_1() -> None:
    """Also where it is none or all, and of nobody there is no share."""
    assert share(0, 0) is None
    assert share(0, 20) == pytest.approx((0, 0, 0.161), abs=1e-3)
    assert share(20, 20) == pytest.approx((1, 0.839, 1), abs=1e-3)


def test_who_came_further_is_known_and_not_estimated() -> None:
    """Only those who ended at a step can hide, however much was lost of the others."""
    further = [seen(50, "STEP1", "screen"), seen(50, "STEP1", "server"), seen(900, "STEP1")]
    here = [seen(80, "ENTRY", "screen", "server")]
    step = entry(*further, *here)
    assert step.refusal is None
    assert (step.known, step.low) == (1080, 1080)
    assert step.estimate == 1080


def test_lost_beacons_are_no_lost_users() -> None:
    """The screen alone sees a third leave where nobody did more than the truth."""
    rng = Random(7)
    losses = (Losses(0.05, 0.05), Losses(0.3, 0.05), MODERATE, MODERATE)
    found = draw(rng, 4000, (0.1, 0.1, 0.1), losses)
    second = steps_of(found)[1]
    truth = 1 - found.truth[1] / found.truth[0]
    assert second.left is not None
    assert second.left_by_screen is not None
    assert second.left.low <= truth <= second.left.high
    assert abs(second.left_by_screen - truth) > 3 * abs(second.left.estimate - truth)


@pytest.mark.parametrize(
    ("found", "told"),
    [
        ([], "No session was seen by both sides, and 10 are needed."),
        ([seen(1, "ENTRY", "screen", "server")], "Only 1 session was seen by both sides"),
        ([seen(9, "ENTRY", "screen", "server")], "Only 9 sessions were seen by both sides"),
        (
            [
                seen(90, "STEP1", "screen", "server"),
                seen(60, "ENTRY", "screen"),
                seen(60, "ENTRY", "server"),
            ],
            "Too few of the sessions that ended here were seen by both sides (0): there could be",
        ),
    ],
)
def test_too_few_pairs_are_refused(found: Sequence[Sighted], told: str) -> None:
    """With how many there are, and no figure."""
    step = entry(*found)
    assert step.refusal is not None
    assert step.refusal.startswith(told)
    assert (step.estimate, step.low, step.high, step.left) == (None, None, None, None)


def test_sides_that_miss_together_are_refused() -> None:
    """Of those that went further more were seen by neither than chance allows."""
    lost = replace(MODERATE, both=0.1, both_leaving=0.1)
    steps = steps_of(draw(Random(3), 3000, LEAVING, [lost] * 4))
    for step in steps[:3]:
        assert step.independent is False
        assert step.refusal is not None
        assert "do not miss sessions independently" in step.refusal
        assert "the other misses, too" in step.refusal


def test_sides_that_share_the_work_are_refused() -> None:
    """Where one side sees what the other misses, there is nothing to estimate by."""
    further = [seen(800, "STEP1", "screen", "server"), seen(90, "STEP1", "screen")]
    step = entry(
        *further,
        seen(90, "STEP1", "server"),
        seen(40, "ENTRY", "screen"),
        seen(40, "ENTRY", "server"),
        seen(60, "ENTRY", "screen", "server"),
    )
    assert step.refusal is not None
    assert "the other sees the more" in step.refusal


def test_who_does_not_do_it_is_no_sign_of_dependence() -> None:
    """Sessions that went further past a stage in which they were not say nothing of its losses."""
    rng = Random(5)
    found = draw(rng, 3000, LEAVING, [MODERATE] * 4)
    skipping = Sighted(None, "STEP2", 0, 2000)
    step = steps_of(Funnel(found.truth, [*found.found, skipping]))[1]
    assert (step.independent, step.refusal) == (True, None)
    assert step.estimate is not None
    assert step.estimate > 2000


def test_stages_without_a_pair_say_so() -> None:
    """One that the catalogue has no pair of, and one of which nobody was seen."""
    steps = loss_steps(Sightings([seen(20, "ENTRY", "screen", "server")], {}, NUMBERS), ("POST",))
    assert steps[0].refusal is not None
    assert "as far as the catalogue knows" in steps[0].refusal
    steps = loss_steps(Sightings([], {}, NUMBERS), ("ENTRY",))
    assert steps[0].refusal is not None
    assert steps[0].refusal.startswith("No session here shows")


def test_the_action_that_most_have_is_chosen() -> None:
    """One that only some do would say little of how many came."""
    bits = {pair.screen: NUMBERS.bits[pair.screen] for pair in NUMBERS.pairs["ENTRY"]}
    found = [
        Sighted(None, None, bits["CREATE_FLOW"], 30),
        Sighted(None, None, bits["QUERY_PROJECT_OPTIONS"] | bits["CREATE_FLOW"], 5),
    ]
    assert choose(found, NUMBERS)["ENTRY"].screen == "CREATE_FLOW"
    assert "PRE_CHECKS" not in choose(found, NUMBERS)


def test_the_largest_groups_are_told_one_by_one() -> None:
    """The others are one, and what nobody told is a group of its own."""
    found = [
        seen(100 - n, "ENTRY", "screen", "server", group=f"browser {n}" if n else None)
        for n in range(14)
    ]
    sightings = Sightings(found, {"ENTRY": CHOSEN["ENTRY"]}, NUMBERS)
    groups = loss_groups(sightings, STAGES, "browser")
    assert [one.name for one in groups[:2]] == [None, "browser 1"]
    assert (len(groups), groups[-1].others, groups[-1].name) == (11, True, None)
    assert groups[-1].sessions == 90 + 89 + 88 + 87
    (whole,) = loss_groups(sightings, STAGES)
    assert whole.sessions == sum(one.sessions for one in groups)


def test_a_group_that_the_beacon_itself_tells_says_nothing_of_it() -> None:
    """Where the browser is known by the very beacon, no browser would ever lose one."""
    found = [
        seen(500, "ENTRY", "screen", "server", group="Safari"),
        seen(20, "ENTRY", "screen", group="Safari"),
        seen(100, "ENTRY", "server"),
    ]
    sightings = Sightings(found, {"ENTRY": CHOSEN["ENTRY"]}, NUMBERS)
    safari, untold = loss_groups(sightings, STAGES, "browser")
    for group in (safari, untold):
        assert group.steps[0].refusal is not None
        assert group.steps[0].refusal.startswith("Not by browser: that is told by what the screen")
        assert group.steps[0].screen_loss is None


def test_beacons_are_lost_by_what_the_server_saw() -> None:
    """Over all steps; of few there is no figure."""
    found = [seen(75, "ENTRY", "screen", "server"), seen(25, "ENTRY", "server")]
    found.append(seen(40, "ENTRY", "screen"))
    assert beacon_loss([entry(*found)]) == 0.25
    assert beacon_loss([entry(seen(9, "ENTRY", "server"))]) is None


@dataclass
class Trial:
    """How near many funnels came to the truth."""

    covered: list[bool] = field(default_factory=list)
    left_covered: list[bool] = field(default_factory=list)
    errors: list[float] = field(default_factory=list)
    naive: list[float] = field(default_factory=list)
    shifts: list[float] = field(default_factory=list)
    refused: int = 0
    """For a dependence."""


def trial(rng: Random, funnels: int, screen: tuple[float, float], **more: float) -> Trial:
    """Draw funnels of 500 to 3,000 sessions whose losses at each step are drawn, too."""
    server = more.pop("server", 0.2)
    found = Trial()
    for _ in range(funnels):
        leaving = [rng.uniform(0.05, 0.4) for _ in range(3)]
        losses = [
            Losses(rng.uniform(*screen), rng.uniform(server / 4, server), **more) for _ in range(4)
        ]
        drawn = draw(rng, rng.randint(500, 3000), leaving, losses)
        for place, step in enumerate(steps_of(drawn)):
            found.refused += step.independent is False
            if step.estimate is None or step.low is None or step.high is None:
                continue
            really = drawn.truth[place]
            found.covered.append(step.low <= really <= step.high)
            found.shifts.append(step.estimate / really - 1)
            if step.left and step.left_by_screen is not None and step.since == STAGES[place - 1]:
                truth = 1 - really / drawn.truth[place - 1]
                found.left_covered.append(step.left.low <= truth <= step.left.high)
                found.errors.append(abs(step.left.estimate - truth))
                found.naive.append(abs(step.left_by_screen - truth))
    return found


def test_intervals_hold_the_truth_as_often_as_they_say() -> None:
    """Of some funnels: near 95 %, and the drop-off far nearer than what the screen alone says."""
    found = trial(Random(11), 60, (0.0, 0.4))
    assert 0.90 <= mean(found.covered) <= 0.99
    assert 0.90 <= mean(found.left_covered) <= 0.99
    assert mean(found.errors) < mean(found.naive) / 3
    assert found.refused <= 2


@pytest.mark.proof
def test_intervals_of_1000_funnels_hold_the_truth(capsys: pytest.CaptureFixture[str]) -> None:
    """In 93 to 97 % with losses of 0 to 40 %; at 20 % the error is a third of the naive at most."""
    found = trial(Random(1), 1000, (0.0, 0.4))
    fixed = trial(Random(2), 1000, (0.2, 0.2))
    with capsys.disabled():
        for name, one in (("0 to 40 %", found), ("20 %", fixed)):
            _tell(name, one)
    assert 0.93 <= mean(found.covered) <= 0.97
    assert 0.93 <= mean(found.left_covered) <= 0.97
    assert mean(fixed.errors) <= mean(fixed.naive) / 3


@pytest.mark.proof
def test_what_happens_where_loss_depends_on_leaving(capsys: pytest.CaptureFixture[str]) -> None:
    """Of one side: nothing. Of each for itself: little. Of both in one blow: it is too low."""
    cases = {
        "screen": {"screen_leaving": 0.5},
        "both sides, each for itself": {"screen_leaving": 0.5, "server_leaving": 0.25},
        "both in one blow, of those who leave": {"both_leaving": 0.1},
        "both in one blow, of all": {"both_leaving": 0.1, "both": 0.1},
    }
    found = {
        name: trial(Random(3), 250, (0.1, 0.1), server=0.1, **case) for name, case in cases.items()
    }
    with capsys.disabled():
        for name, one in found.items():
            _tell(name, one)
    assert mean(found["screen"].covered) >= 0.93
    assert abs(mean(found["both sides, each for itself"].shifts)) < 0.01
    assert mean(found["both in one blow, of those who leave"].shifts) < -0.01
    assert found["both in one blow, of all"].refused > 600


def _tell(name: str, found: Trial) -> None:
    print(  # noqa: T201 - figures for the page
        f"\n{name}: sizes covered {mean(found.covered):.1%}, drop-off covered"
        f" {mean(found.left_covered):.1%}, error {100 * mean(found.errors):.2f} points, by the"
        f" screen {100 * mean(found.naive):.2f}, shift {mean(found.shifts):+.2%}, refused for a"
        f" dependence {found.refused} of {len(found.covered) + found.refused}"
    )
