"""What time alone brings: sessions settle, what has expired is erased, the disk is scrubbed.

Each finds what is due through an index and goes in small steps, between which requests are stored.
None hinders another: what cannot settle is erased all the same.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from journeytrace.conventions import COLLECTOR_EXPORT_FAILURES_TOTAL
from journeytrace_collector.background import keep_doing
from journeytrace_collector.clock import Clock
from journeytrace_collector.core.retention import NS_PER_DAY
from journeytrace_collector.health import Health
from journeytrace_collector.ingest import Ingest
from journeytrace_collector.store.base import Store

__all__ = ["Chores"]

_log = logging.getLogger(__name__)

T = TypeVar("T")

SETTLE_AT_ONCE: Final = 100
ERASE_AT_ONCE: Final = 500
SECONDS_BETWEEN: Final = 1.0


class Chores:
    """Settles and erases."""

    def __init__(
        self,
        store: Store,
        ingest: Ingest,
        clock: Clock,
        health: Health | None = None,
        outbox_retention: int = 30 * NS_PER_DAY,
        *,
        source: Clock | None = None,
    ) -> None:
        """Tend `store`; `outbox_retention` in ns: parcels older than that are erased.

        Sessions settle by the time of `source`: what has come in so far. None: by `clock`.
        """
        self._store = store
        self._ingest = ingest
        self._clock = clock
        self._source = source or clock
        self._health = health or Health()
        self._outbox_retention = outbox_retention

    async def run(self) -> None:
        """Do what is due, again and again, until cancelled."""
        async with asyncio.TaskGroup() as chores:
            for name, chore in self._chores().items():
                chores.create_task(self._keep_doing(name, chore))
            chores.create_task(keep_doing("scrub", self._scrub, self._health))

    def _chores(self) -> dict[str, Callable[[], Awaitable[None]]]:
        return {
            "settle": self._settle,
            "erase sessions": self._erase,
            "erase parcels": self._erase_parcels,
        }

    async def _keep_doing(self, name: str, chore: Callable[[], Awaitable[None]]) -> None:
        async def step() -> float:
            await chore()
            return SECONDS_BETWEEN

        await keep_doing(name, step, self._health)

    async def _scrub(self) -> float:
        # Requests may have to wait for it, so it takes up a tenth of the time at most, however
        # often somebody asks for an erasure.
        clock = asyncio.get_running_loop().time
        begun = clock()
        await asyncio.to_thread(self._store.scrub)
        return max(SECONDS_BETWEEN, 9 * (clock() - begun))

    async def step(self) -> None:
        """Do all that is due now, once, and raise what goes wrong."""
        for chore in self._chores().values():
            await chore()

    async def _settle(self) -> None:
        due, now = self._source(), self._clock()
        while (
            await self._do(lambda: self._store.settle(due, SETTLE_AT_ONCE, now)) == SETTLE_AT_ONCE
        ):
            pass

    async def _erase(self) -> None:
        now = self._clock()
        while await self._do(lambda: self._store.erase(now, ERASE_AT_ONCE)):
            pass

    async def _erase_parcels(self) -> None:
        before = self._clock() - self._outbox_retention
        while gone := await self._do(lambda: self._store.erase_parcels(before, ERASE_AT_ONCE)):
            undelivered = Counter(row.parcel.destination for row in gone if row.reason is None)
            for destination, count in undelivered.items():
                self._health.add(COLLECTOR_EXPORT_FAILURES_TOTAL, (destination, "expired"), count)
                _log.error(
                    "%s: %d parcels had waited for longer than they may be kept and are erased"
                    " undelivered",
                    destination,
                    count,
                )
            if parked := sum(row.reason is not None for row in gone):
                _log.warning("%d parked parcels may be kept no longer and are erased", parked)

    async def _do(self, job: Callable[[], T]) -> T:
        return await asyncio.wrap_future(self._ingest.run(job))
