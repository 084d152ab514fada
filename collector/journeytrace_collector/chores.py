"""What time alone brings: sessions settle, expired ones are erased, and the disk is scrubbed.

The first two find what is due through an index and go in small steps, between which requests are
stored.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Final

from journeytrace_collector.clock import Clock
from journeytrace_collector.errors import UnavailableError
from journeytrace_collector.ingest import Ingest
from journeytrace_collector.store.base import Store

__all__ = ["Chores", "scrub"]

_log = logging.getLogger(__name__)

SETTLE_AT_ONCE: Final = 100
ERASE_AT_ONCE: Final = 500
SECONDS_BETWEEN: Final = 1.0
SECONDS_AFTER_FAILURE: Final = 30.0


class Chores:
    """Settles and erases."""

    def __init__(self, store: Store, ingest: Ingest, clock: Clock) -> None:
        self._store = store
        self._ingest = ingest
        self._clock = clock

    async def run(self) -> None:
        """Do what is due, again and again, until cancelled."""
        failure = ""
        while True:
            try:
                await self.step()
                failure = ""
            except UnavailableError as error:
                # Once, and not every second.
                if str(error) != failure:
                    _log.warning("the store cannot be tended for now: %s", error)
                failure = str(error)
            await asyncio.sleep(SECONDS_BETWEEN)

    async def step(self) -> None:
        """Do all that is due now.

        Raises:
            UnavailableError: the store takes nothing; what is left is done the next time.
        """
        now = self._clock()
        while True:
            job = self._ingest.run(lambda: self._store.settle(now, SETTLE_AT_ONCE))
            if await asyncio.wrap_future(job) < SETTLE_AT_ONCE:
                break
        while await asyncio.wrap_future(
            self._ingest.run(lambda: self._store.erase(now, ERASE_AT_ONCE))
        ):
            pass


async def scrub(store: Store) -> None:
    """Remove from the disk what was erased on request, again and again, until cancelled.

    Apart from the chores, which need not wait for it. Requests may have to, so it takes up a tenth
    of the time at most, however often somebody asks.
    """
    clock = asyncio.get_running_loop().time
    while True:
        begun = clock()
        try:
            await asyncio.to_thread(store.scrub)
            pause = max(SECONDS_BETWEEN, 9 * (clock() - begun))
        except Exception as error:
            # It stays due, over a restart, too.
            _log.warning("the disk still holds what was erased, for now: %s", error)
            pause = SECONDS_AFTER_FAILURE
        await asyncio.sleep(pause)
