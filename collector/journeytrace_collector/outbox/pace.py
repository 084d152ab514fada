"""How fast a destination is asked: at full speed while it takes something, else a few at a time."""

from __future__ import annotations

from typing import Final

from journeytrace_collector.background import backoff

__all__ = ["AT_ONCE", "Pace"]

AT_ONCE: Final = 32
"""Parcels that are taken up at once, unless their exporter wants more."""
PROBES: Final = 4
"""The same while nothing arrives."""
TOLERATED: Final = 8
"""Lines that may fail in a row before it is the destination that seems to be at fault."""
POLL_SECONDS: Final = 0.25
"""How long an empty outbox is left alone."""
PROBE_SECONDS: Final = 5.0
"""The longest that a destination is left alone. It bounds what a good line waits for bad ones."""


class Pace:
    """That of one destination, learned from one round to the next."""

    def __init__(self, at_once: int = AT_ONCE) -> None:
        """Take up so many parcels at once while they arrive."""
        self._at_once = at_once
        self._failed = 0
        """Lines in a row."""
        self._fruitless = 0
        """Rounds in a row, once more lines have failed than are tolerated."""

    @property
    def limit(self) -> int:
        """How many parcels to try in the next round."""
        return PROBES if self._fruitless else self._at_once

    def skip(self, chance: float) -> float:
        """Give the part of what waits to pass over in the next round; `chance` is 0 to 1.

        While nothing arrives, every other round tries parcels from anywhere: however many bad ones
        stand in front, they do not hide the good.
        """
        return chance if self._fruitless % 2 else 0.0

    def note(self, arrived: int, failed: int) -> None:
        """Learn how many parcels arrived in a round, and how many lines failed."""
        if arrived:
            self._failed = self._fruitless = 0
        elif failed:
            self._failed += failed
            self._fruitless += self._failed >= TOLERATED

    def pause(self, tried: int, chance: float) -> float:
        """Give the seconds until the next round after one that tried so many parcels."""
        if not tried:
            return POLL_SECONDS
        return backoff(self._fruitless, chance, PROBE_SECONDS) if self._fruitless else 0.0
