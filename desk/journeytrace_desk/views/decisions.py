"""Decisions in words: whose they are is part of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from journeytrace.conventions import Decision
from journeytrace_collector.core.derive import AUTOMATIC, Summary
from journeytrace_desk.views.words import DECISION

__all__ = ["AUTOMATICALLY", "BY_PERSON", "Shown", "decision_shown"]

AUTOMATICALLY: Final = {
    Decision.APPROVED: "Approved by AI",
    Decision.REJECTED: "Rejected by AI",
    Decision.PENDING: "To review by AI",
}
BY_PERSON: Final = {
    Decision.APPROVED: "Approved by user",
    Decision.REJECTED: "Rejected by user",
    Decision.PENDING: "To review by user",
}


@dataclass(frozen=True, slots=True)
class Shown:
    """A decision as pages show it."""

    decision: Decision
    sign: str
    word: str


def decision_shown(session: Summary) -> Shown | None:
    """Say what is decided of a session, and by what; None: nothing is.

    What a person confirmed is still what was decided automatically.
    """
    decision = session.decision
    if decision is None:
        return None
    automatic = session.decided_by == AUTOMATIC or session.decision_confirmed
    word = (AUTOMATICALLY if automatic else BY_PERSON)[decision]
    return Shown(decision, DECISION[decision][0], word)
