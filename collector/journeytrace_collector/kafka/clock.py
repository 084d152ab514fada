"""The clock that settles sessions, where events lie in a log (DESIGN section 11)."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from typing import Final

from journeytrace_collector.clock import Clock
from journeytrace_collector.kafka.watermark import reached
from journeytrace_collector.store.base import Store

__all__ = ["SourceClock"]

_SECONDS: Final = 1.0
_SECONDS_WITHOUT: Final = 5.0
"""Between two looks where nothing is read from a log: somebody may begin to."""


class SourceClock:
    """Tells the time up to which everything has come in: the wall's, where nothing lies unread.

    All collectors on one store go by the same watermarks, also those that read no log themselves.
    What is known here may be a second old, which makes the time too early and never too late.
    """

    def __init__(self, wall: Clock, store: Store, topics: Collection[str] = ()) -> None:
        """Go by `wall` and what `store` tells; `topics` are those that this collector reads.

        Raises:
            StoreUnavailableError: the store cannot be read.
        """
        self._wall = wall
        self._begun = wall()
        self._store = store
        self._topics = topics
        self._reached: int | None = None
        self._known: frozenset[str] = frozenset()
        self.look()

    def __call__(self) -> int:
        """Tell the time, in ns."""
        now = self._wall()
        return now if self._reached is None else min(now, self._reached)

    @property
    def behind(self) -> float:
        """How far it is behind the wall, in seconds; while nothing is known, since it began."""
        return max(0, self._wall() - (self() or self._begun)) / 1e9

    @property
    def bound(self) -> bool:
        """Whether it goes by watermarks at all."""
        return self._reached is not None

    def look(self) -> None:
        """Read the watermarks.

        Raises:
            StoreUnavailableError: the store cannot be read.
        """
        marks = self._store.watermarks()
        self._known = frozenset(topic for topic, _ in marks)
        self._reached = reached(marks, self._topics)

    def others(self, topics: Collection[str]) -> list[str]:
        """Give topics that it goes by and that are none of these."""
        return sorted(self._known.difference(topics))

    async def step(self) -> float:
        """Read them, and give the seconds until the next time: see `background.keep_doing`."""
        await asyncio.to_thread(self.look)
        return _SECONDS if self.bound else _SECONDS_WITHOUT
