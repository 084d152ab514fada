"""What the sessions add up to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from journeytrace.catalogue import builtin_catalogue

if TYPE_CHECKING:
    from journeytrace_collector.cli.client import Summary

__all__ = ["Reached", "decisions", "funnel", "most_telling", "statuses"]


@dataclass(frozen=True, slots=True)
class Reached:
    """One step of the funnel."""

    stage: str
    sessions: int
    """How many came this far or further."""
    kept: float
    """Share of those who came to the stage before, 0 to 1. Of the first stage: of all sessions."""


def funnel(sessions: Sequence[Summary]) -> list[Reached]:
    """Count the sessions that came to each ordered stage, or past it."""
    catalogue = builtin_catalogue()
    furthest = [catalogue.rank(session["stage"]) for session in sessions]
    steps: list[Reached] = []
    before = len(sessions)
    for rank, stage in enumerate(catalogue.ordered_stages):
        count = sum(1 for far in furthest if far is not None and far >= rank)
        steps.append(Reached(stage, count, count / before if before else 0.0))
        before = count
    return steps


def decisions(sessions: Iterable[Summary]) -> Counter[tuple[str, str]]:
    """Count decisions with their reasons; an empty text: none."""
    return Counter((session["decision"] or "", session["reason"] or "") for session in sessions)


def statuses(sessions: Iterable[Summary]) -> Counter[str]:
    """Count how far the sessions got."""
    return Counter(session["status"] for session in sessions)


def most_telling(sessions: Iterable[Summary]) -> Summary:
    """Pick the session worth looking at first: rejected, if possible after retakes."""
    return max(
        sessions,
        key=lambda session: (
            session["decision"] == "REJECTED",
            session["impacts"].get("RETAKE", 0) > 0,
            session["created_at"],
        ),
    )
