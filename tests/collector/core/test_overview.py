"""What became of a number of sessions, in figures that add up."""

from __future__ import annotations

import pytest

from journeytrace.catalogue import builtin_catalogue
from journeytrace.conventions import Decision, Status
from journeytrace_collector.core.attempts import standing
from journeytrace_collector.core.overview import Outcome, Reason, blocks, overview

CATALOGUE = builtin_catalogue()
STAGES = CATALOGUE.ordered_stages


def test_shares_say_of_what() -> None:
    """Completion leaves out what goes on, approval what is not decided."""
    made = overview(
        [
            Outcome(Status.COMPLETED, "POST", Decision.APPROVED, None, 6),
            Outcome(Status.COMPLETED, "POST", Decision.REJECTED, "LIVENESS_FAIL", 1),
            Outcome(Status.DROPPED, "STEP1", Decision.REJECTED, "our own", 2),
            Outcome(Status.DROPPED, "STEP1", None, None, 4),
            Outcome(Status.ERROR, None, Decision.PENDING, None, 1),
            Outcome(Status.IN_PROGRESS, "STEP1", None, None, 6),
        ],
        CATALOGUE,
    )
    assert made.sessions == 20
    assert made.completion == 7 / 14
    assert made.approval == 6 / 10
    assert made.undecided == 10
    steps = {step.stage: step for step in made.funnel.steps}
    assert (steps["STEP1"].sessions, steps["STEP1"].dropped) == (19, 6)
    meaning = CATALOGUE.reasons[Decision.REJECTED, "LIVENESS_FAIL"].meaning
    assert made.reasons.reasons == [
        Reason(Decision.REJECTED, "our own", None, 2, 2 / 3),
        Reason(Decision.REJECTED, "LIVENESS_FAIL", meaning, 1, 1 / 3),
        Reason(Decision.PENDING, None, None, 1, 1.0),
    ]


def test_of_nothing_there_is_no_share() -> None:
    """And nothing is divided."""
    made = overview([], CATALOGUE)
    assert (made.sessions, made.completion, made.approval) == (0, None, None)
    assert blocks({}, 0, CATALOGUE).blocks == []


def test_what_blocks_most_comes_first() -> None:
    """By sessions, then by name."""
    found = blocks({"B": 1, "IP_RISK_CHECK": 3, "A": 1}, 4, CATALOGUE).blocks
    assert [(one.event, one.of_all) for one in found] == [
        ("IP_RISK_CHECK", 0.75),
        ("A", 0.25),
        ("B", 0.25),
    ]


@pytest.mark.parametrize(
    ("better", "worse"),
    [
        ((Decision.APPROVED, None), (Decision.REJECTED, "POST")),
        ((None, "STEP2"), (Decision.REJECTED, "STEP1")),
        ((Decision.APPROVED, "POST"), (Decision.APPROVED, "DECISION")),
        ((None, "ENTRY"), (None, "gone")),
    ],
    ids=str,
)
def test_an_approved_attempt_stands_before_the_furthest(
    better: tuple[Decision | None, str | None], worse: tuple[Decision | None, str | None]
) -> None:
    """Then the furthest, whatever else was decided."""
    assert standing(*better, STAGES) > standing(*worse, STAGES)
