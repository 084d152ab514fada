"""What the sessions add up to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from journeytrace_collector.cli.client import Summary

__all__ = ["decisions", "most_telling", "statuses"]


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
