"""What the events of a session were like, as bits: most sessions can be passed over by them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from journeytrace.conventions import TIME_SENT, Impact, Result, Source
from journeytrace_collector.core.model import Event

__all__ = ["CORRECTED", "FAILED", "IN_THE_WAY", "OneEvent", "is_corrected", "marks_of"]

_IMPACTS: Final = {
    Impact.BLOCKED.value: 1,
    Impact.RETAKE.value: 2,
    Impact.PENDING.value: 4,
    Impact.REJECTED.value: 8,
    Impact.APPROVED.value: 16,
    Impact.COMPLETED.value: 32,
}
IN_THE_WAY: Final = frozenset((Impact.BLOCKED, Impact.RETAKE, Impact.PENDING, Impact.REJECTED))
"""What keeps a user from going on."""
FAILED: Final = 64
"""An event had the result FAIL."""
CORRECTED: Final = 128
"""The time of an event was not believed."""

_CORRECTED: Final = f'"{TIME_SENT}":'


def is_corrected(event: Event) -> bool:
    """Whether its sender told a time that was not believed (DESIGN section 4)."""
    return _CORRECTED in event.metadata


def marks_of(impact: str, *, failed: bool, corrected: bool) -> int:
    """Give the bits of an event with this impact."""
    return _IMPACTS.get(impact, 0) | FAILED * failed | CORRECTED * corrected


@dataclass(frozen=True, slots=True)
class OneEvent:
    """What one and the same event of a session has to be. None anywhere: anything."""

    name: str | None = None
    source: Source | None = None
    result: Result | None = None
    impact: Impact | None = None
    corrected: bool = False
    """Its sender told a time that was not believed."""

    @property
    def marks(self) -> int:
        """The bits that a session with such an event has."""
        marks = _IMPACTS.get(self.impact, 0) if self.impact else 0
        return marks | FAILED * (self.result is Result.FAIL) | CORRECTED * self.corrected

    @property
    def told_by_marks(self) -> bool:
        """Whether every session with these bits has such an event: it has to be one thing alone."""
        asked = (self.name, self.source, self.result, self.impact, self.corrected or None)
        return self.marks != 0 and sum(one is not None for one in asked) == 1

    @property
    def indexed(self) -> bool:
        """Whether stores keep such events apart: they failed or stood in the user's way."""
        return self.result is Result.FAIL or self.impact in IN_THE_WAY

    def is_like(self, event: Event) -> bool:
        """Whether this is such an event."""
        return (
            self.name in {None, event.name}
            and self.source in {None, event.source}
            and self.result in {None, event.result}
            and self.impact in {None, event.impact}
            and (not self.corrected or is_corrected(event))
        )
