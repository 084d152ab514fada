"""What the sessions of one cohort add up to, each counted once. Pure.

In how many a check failed counts, not how often. Those that go on are left out, for nobody knows
what becomes of them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from math import log
from typing import Final, NamedTuple

from journeytrace.conventions import Result, Status
from journeytrace_collector.insight.comparing import Spread

__all__ = ["Course", "Passed", "Tally"]

_SECOND: Final = 1_000_000_000


class Passed(NamedTuple):
    """An event of a session, none of it passive."""

    name: str
    stage: str | None
    result: str | None
    at: int
    """ns"""
    duration: int
    """ns"""


class Course(NamedTuple):
    """What became of one session, and what it went through."""

    status: Status
    stage: str | None
    """The highest ordered one; None: none."""
    decision: str | None
    reason: str | None
    events: Sequence[Passed]


class Tally:
    """What the sessions of one side add up to."""

    def __init__(self, stages: Sequence[str]) -> None:
        """Count by `stages`, the ordered ones, first to last."""
        self._ranks = {stage: number for number, stage in enumerate(stages, 1)}
        self.stages = stages
        self.sessions = self.going_on = 0
        self.reached: Counter[int] = Counter()
        """By number of the stage from 1 on: how many have it as the highest."""
        self.statuses: Counter[Status] = Counter()
        self.decided: Counter[tuple[str, str | None]] = Counter()
        self.ran: Counter[str] = Counter()
        self.failed: Counter[str] = Counter()
        self._took: dict[str, list[float]] = {}

    def add(self, course: Course) -> None:
        """Count a session."""
        if course.status is Status.IN_PROGRESS:
            self.going_on += 1
            return
        self.sessions += 1
        highest = self._ranks.get(course.stage or "", 0)
        self.reached[highest] += 1
        self.statuses[course.status] += 1
        if course.decision is not None:
            self.decided[course.decision, course.reason] += 1
        checks: dict[str, tuple[int, int]] = {}
        failed: set[str] = set()
        spans: dict[str, tuple[int, int]] = {}
        start = end = None
        for name, stage, result, at, duration in course.events:
            ends = at + duration
            start = at if start is None or at < start else start
            end = ends if end is None or ends > end else end
            if stage is not None:
                first, last = spans.get(stage, (at, ends))
                spans[stage] = (min(at, first), max(ends, last))
            if result is not None:
                times, whole = checks.get(name, (0, 0))
                checks[name] = times + 1, whole + duration
                if result == Result.FAIL:
                    failed.add(name)
        self.ran.update(checks.keys())
        self.failed.update(failed)
        for name, (times, whole) in checks.items():
            self._note(name, whole / times)
        for stage, (first, last) in spans.items():
            # Of who left there it is how long they waited before they did.
            if self._ranks.get(stage, highest) < highest:
                self._note(f"stage {stage}", last - first)
        if course.status is Status.COMPLETED and start is not None and end is not None:
            self._note("session", end - start)

    def _note(self, name: str, duration: float) -> None:
        if duration > 0:
            value = log(duration / _SECOND)
            sums = self._took.setdefault(name, [0, 0.0, 0.0])
            sums[0] += 1
            sums[1] += value
            sums[2] += value * value

    @property
    def took(self) -> dict[str, Spread]:
        """How long things took, in seconds: checks, stages and whole sessions, by name."""
        return {name: Spread(int(n), *sums) for name, (n, *sums) in self._took.items()}
