"""Writing a journey down step by step, with a clock that the steps move."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from random import Random
from typing import Literal

from journeytrace import Event, Reason
from journeytrace_collector.demo.people import Person

__all__ = ["Check", "Step", "Value", "Walk"]

Value = str | bool | int | float


@dataclass(frozen=True, slots=True)
class Step:
    """One event, to be played later."""

    at: float
    """Seconds since the session began."""
    event: Event | Literal["ANALYSIS_SUMMARY"]
    attributes: Mapping[str, Value]
    took: float = 0.0
    """Seconds; 0: a moment."""
    passed: bool | None = None
    """How a check ended; None: not a check."""
    error_code: str | None = None
    reason: Reason | None = None
    """Of a decision; None: it has none, or this is no decision."""


@dataclass(frozen=True, slots=True)
class Check:
    """What the server verifies, and how that ends."""

    event: Event
    attributes: Mapping[str, Value]
    quickest: float
    """Seconds."""
    slowest: float
    error_code: str | None = None
    """None: the check passes."""


class Walk:
    """One person's way through the form, as the steps taken so far."""

    def __init__(self, rng: Random, person: Person) -> None:
        self.rng = rng
        self.person = person
        self.now = 0.0
        self.steps: list[Step] = []

    def wait(self, shortest: float, longest: float) -> None:
        """Let the person take their time, in seconds."""
        self.now += self.rng.uniform(shortest, longest)

    def do(self, event: Event, error_code: str | None = None, **attributes: Value) -> None:
        """Record a moment, just after the one before."""
        self.wait(0.004, 0.060)
        self.steps.append(Step(self.now, event, attributes, error_code=error_code))

    def pair(self, screen: Event, server: Event, **attributes: Value) -> None:
        """Record a call from the screen and what the server made of it."""
        self.do(screen, http_method="POST", http_status=200)
        self.wait(0.02, 0.12)
        self.do(server, None, **attributes)

    def check(self, check: Check) -> bool:
        """Run a check to its end; say whether it passed."""
        return self.together(check)

    def together(self, *checks: Check) -> bool:
        """Run checks side by side until the slowest has ended; say whether all passed."""
        begin = self.now
        for check in checks:
            start = begin + self.rng.uniform(0.002, 0.020)
            took = self.rng.uniform(check.quickest, check.slowest)
            passed = check.error_code is None
            step = Step(start, check.event, check.attributes, took, passed, check.error_code)
            self.steps.append(step)
            self.now = max(self.now, start + took)
        return all(check.error_code is None for check in checks)

    def reached(self, event: Event) -> bool:
        """Say whether the event has happened."""
        return any(step.event is event for step in self.steps)

    def decide(self, event: Event, reason: Reason | None, error_code: str | None = None) -> None:
        """Record the decision."""
        self.wait(0.010, 0.080)
        step = Step(self.now, event, {}, error_code=error_code, reason=reason)
        self.steps.append(step)
