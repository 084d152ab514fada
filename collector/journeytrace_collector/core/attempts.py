"""Which of a person's sessions counts where people are counted. Here alone it is defined.

A person is who has the very same user id; a session without one is a person of its own. Among the
sessions that are looked at, each of them an attempt, one stands for its person: an approved one
before all others, then the one that came furthest, of equals the newest. So a retry is no drop-off,
and who was rejected and then approved is approved.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Final

from journeytrace.conventions import Decision

__all__ = ["BEST_DECISION", "Per", "standing"]

BEST_DECISION: Final = Decision.APPROVED
"""What comes before all stages."""


class Per(StrEnum):
    """What counts as one."""

    SESSION = "session"
    PERSON = "person"


def standing(decision: str | None, stage: str | None, stages: Sequence[str]) -> int:
    """Tell how far an attempt came: of a person's attempts the one with the greatest counts.

    `stage` is its highest one, None: none that is among the ordered `stages`, first to last.
    """
    further = stages.index(stage) + 1 if stage in stages else 0
    return further + (len(stages) + 1) * (decision == BEST_DECISION)
