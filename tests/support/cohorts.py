"""Made-up sessions of a cohort whose chances are known, to see what a comparison finds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from random import Random

from tests.support.events import NOON, SECOND

from journeytrace.catalogue import builtin_catalogue
from journeytrace.conventions import Status
from journeytrace_collector.insight.diff import Diff, Side, diff
from journeytrace_collector.insight.tally import Course, Passed, Tally

__all__ = ["STAGES", "Chances", "compare", "tally"]

STAGES = builtin_catalogue().ordered_stages
_CHECKS = {f"CHECK_{n}": rate for n, rate in enumerate((0.001, 0.003, 0.01, 0.03, 0.1, 0.3) * 3)}
_REASONS = {f"REASON_{n}": 2.0**-n for n in range(9)}
_NS = 1_000_000_000


@dataclass(frozen=True)
class Chances:
    """How likely what is."""

    steps: Mapping[str, float] = field(default_factory=lambda: dict.fromkeys(STAGES, 0.9))
    """That who came to the stage before comes to this one."""
    checks: Mapping[str, float] = field(default_factory=lambda: _CHECKS)
    """That a check fails."""
    slower: Mapping[str, float] = field(default_factory=dict)
    """How many times as long something takes."""


def tally(chances: Chances, sessions: int, rng: Random) -> Tally:
    """Give what so many sessions add up to."""
    found = Tally(STAGES)
    for _ in range(sessions):
        found.add(course(chances, rng))
    return found


def course(chances: Chances, rng: Random) -> Course:
    """Give one session: its stages one after the other, each with its share of the checks."""
    stage, at, events, draw = None, NOON, [], rng.random
    checks = iter(chances.checks.items())
    for name in STAGES:
        if draw() >= chances.steps[name]:
            break
        stage = name
        for check, rate in [one for one in (next(checks, None) for _ in range(3)) if one]:
            if draw() < 0.1:
                continue
            took = rng.lognormvariate(0, 1.5) * chances.slower.get(check, 1)
            result = "FAIL" if draw() < rate else "PASS"
            events.append(Passed(check, stage, result, at, int(took * _NS)))
            at += SECOND
    decision = reason = None
    if stage == STAGES[-1] or draw() < 0.1:
        decision = "APPROVED" if draw() < 0.7 else "REJECTED"
        if decision == "REJECTED":
            (reason,) = rng.choices(list(_REASONS), list(_REASONS.values()))
    status = Status.COMPLETED if stage == STAGES[-1] else Status.DROPPED
    return Course(status, stage, decision, reason, events)


def compare(a: Tally, b: Tally) -> Diff:
    """Compare two cohorts that were read as a whole."""
    sides = [Side("", one.sessions, 0, one.sessions, sampled=False) for one in (a, b)]
    return diff(a, b, sides[0], sides[1])
