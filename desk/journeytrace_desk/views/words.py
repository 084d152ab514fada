"""The words and signs that pages use for what the store keeps in capitals."""

from __future__ import annotations

from typing import Final, Literal

from journeytrace.conventions import Decision, Impact, Result, Status

__all__ = ["DECISION", "FIELD", "STATUS", "Tone", "percent", "tone"]

STATUS: Final = {
    Status.IN_PROGRESS: "In progress",
    Status.COMPLETED: "Completed",
    Status.DROPPED: "Dropped",
    Status.ERROR: "Error",
}

DECISION: Final = {
    Decision.APPROVED: ("✓", "Approved"),
    Decision.REJECTED: ("✕", "Rejected"),
    Decision.PENDING: ("◔", "Pending"),
}
"""Sign and word: a status is a filled chip, so that the two never look alike."""

FIELD: Final = {
    "session_id": "session id",
    "user_id": "user id",
    "email": "e-mail",
    "submission_id": "submission id",
    "project_id": "project",
    "last_event": "last event",
    "support_code": "support code",
}

Tone = Literal["bad", "warn", "good", "plain"]

_TONES: Final[dict[str, Tone]] = {
    Impact.BLOCKED: "bad",
    Impact.REJECTED: "bad",
    Impact.RETAKE: "warn",
    Impact.PENDING: "warn",
    Impact.APPROVED: "good",
    Impact.COMPLETED: "good",
}


def tone(result: str | None, impact: str) -> Tone:
    """Tell how an event looks: colour is for what went wrong or was decided."""
    return "bad" if result == Result.FAIL else _TONES.get(impact, "plain")


def percent(share: float | None) -> str:
    """Write a share, 0 to 1. What is not nothing is not called 0 %, nor what is not all 100 %."""
    if share is None:
        return "–"  # noqa: RUF001 - as where lists have nothing
    if 0 < share < 0.01:
        return "< 1 %"
    if 0.99 < share < 1:
        return "> 99 %"
    return f"{share:.0%}".replace("%", " %")
