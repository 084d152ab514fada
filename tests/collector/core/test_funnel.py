"""The funnel: who came at least this far."""

from __future__ import annotations

from collections import Counter
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.events import journeys

from journeytrace.catalogue import builtin_catalogue
from journeytrace.conventions import STAGE_REACHED_TOTAL
from journeytrace_collector.core.change import Change, SessionChange, Tally
from journeytrace_collector.core.derive import highest_stage
from journeytrace_collector.core.funnel import Funnel, Step, funnel, passed
from journeytrace_collector.core.measure import Measure
from journeytrace_collector.core.model import Event
from journeytrace_collector.core.sessionize import SessionState, fold, merge, state_of

CATALOGUE = builtin_catalogue()
STAGES = CATALOGUE.ordered_stages


def test_who_came_further_counts_for_every_stage_before() -> None:
    """Two of four sessions finish, one stays at STEP1, one comes to no stage; none is lost."""
    made = funnel({"POST": 2, "STEP1": 1, None: 1}, STAGES)
    assert made.sessions == 4
    steps = {step.stage: step for step in made.steps}
    assert list(steps) == list(STAGES)
    assert steps["ENTRY"] == Step("ENTRY", 3, 0.75, 0.75)
    assert steps["STEP1"] == Step("STEP1", 3, 1.0, 0.75)
    assert steps["PRE_STEP2"] == Step("PRE_STEP2", 2, 2 / 3, 0.5)
    assert steps["POST"] == Step("POST", 2, 1.0, 0.5)


def test_of_nobody_there_is_no_share() -> None:
    """An empty funnel has all its stages, and divides nothing."""
    steps = [Step(stage, 0, None, None) for stage in STAGES]
    assert funnel({}, STAGES) == Funnel(0, steps)


def test_a_stage_that_left_the_catalogue_is_no_step() -> None:
    """Its sessions are among all sessions and nowhere else."""
    assert funnel({"gone": 3, "ENTRY": 1}, STAGES).steps[0] == Step("ENTRY", 1, 0.25, 0.25)


@given(st.lists(st.sampled_from([None, "gone", *STAGES])))
def test_no_stage_has_more_than_the_one_before(highest: list[str | None]) -> None:
    """So no share exceeds 100 %, whichever stages are skipped."""
    made = funnel(Counter(highest), STAGES)
    counts = [made.sessions, *(step.sessions for step in made.steps)]
    assert counts == sorted(counts, reverse=True)


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (None, "ENTRY", ["ENTRY"]),
        ("STEP1", "STEP2", ["PRE_STEP2", "STEP2"]),
        ("STEP2", "STEP2", []),
        (None, None, []),
        ("gone", "ENTRY", ["ENTRY"]),
    ],
)
def test_a_way_passes_every_stage_on_it(
    before: str | None, after: str | None, expected: list[str]
) -> None:
    """Also those that were skipped, and none that had been passed."""
    assert list(passed(before, after, STAGES)) == expected


@given(journeys(), st.randoms())
def test_the_counter_is_the_funnel_in_any_order(events: list[Event], random: Random) -> None:
    """One event after the other, shuffled: in the end the counter says what the sessions say."""
    distinct = {(one.session_id, one.event_id): one for one in events}
    shuffled = list(distinct.values())
    random.shuffle(shuffled)
    states: dict[str, SessionState] = {}
    counted: Counter[str] = Counter()
    for one in shuffled:
        before, own = states.get(one.session_id), state_of([one], CATALOGUE)
        after = own if before is None else merge(before, own)
        states[one.session_id] = after
        counted.update(reached(Measure(CATALOGUE).tally(change(before, after, one))))
    whole = fold(shuffled, CATALOGUE).values()
    expected = funnel(Counter(map(highest_stage, whole)), STAGES)
    assert {step.stage: step.sessions for step in expected.steps} == {
        stage: counted[stage] for stage in STAGES
    }


def change(before: SessionState | None, after: SessionState, fresh: Event) -> Change:
    """Make the change of one event."""
    return Change(fresh.received, [SessionChange(before, after, [fresh])])


def reached(tally: Tally) -> dict[str, int]:
    """Give how often a tally raises each stage, over all projects."""
    found: Counter[str] = Counter()
    for (name, labels), by in tally.rises.items():
        if name == STAGE_REACHED_TOTAL.name:
            found[labels[1]] += round(by)
    return found


def test_a_stage_between_two_others_is_passed_too() -> None:
    """Order is the place in the journey, whatever numbers it is made of."""
    stages = ("ENTRY", "CONSENT", "PRE_CHECKS")
    assert list(passed("ENTRY", "PRE_CHECKS", stages)) == ["CONSENT", "PRE_CHECKS"]
