"""Out of the outbox: each destination has a loop of its own, and none holds up ingest or another.

Retries are ours and not a library's, for the line that waits is on disk and outlives the process.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable, Mapping
from itertools import groupby
from typing import Final

from journeytrace.conventions import COLLECTOR_EXPORT_FAILURES_TOTAL
from journeytrace_collector.core.change import Change, Followup, Parcel
from journeytrace_collector.core.measure import Measure
from journeytrace_collector.errors import (
    PermanentExportError,
    RetryableExportError,
    UnavailableError,
)
from journeytrace_collector.health import Health
from journeytrace_collector.ingest import Ingest
from journeytrace_collector.outbox.bundles import bundles, joined
from journeytrace_collector.outbox.exporter import Exporter
from journeytrace_collector.store.base import LEASE_SECONDS, OutboxRow, Store

__all__ = ["Delivery", "backoff", "effects"]

_log = logging.getLogger(__name__)

LINES_AT_ONCE: Final = 32
"""Sessions of a destination whose parcels are on their way one by one."""
POLL_SECONDS: Final = 0.25
"""How long an empty line is left alone."""
MAX_REASON: Final = 500


def effects(
    measure: Measure, exporters: Mapping[str, Exporter], health: Health
) -> Callable[[Change], Followup]:
    """Give what is committed with a change: counters, and each exporter's parcels."""

    def follow(change: Change) -> Followup:
        tally = measure.tally(change)
        parcels: list[Parcel] = []
        for name, exporter in exporters.items():
            try:
                parcels += exporter.parcels(change)
            except Exception:
                # A fault of one exporter must cost neither the events nor the other exporters.
                _log.exception("the exporter %s could not say what has to leave", name)
                health.add(COLLECTOR_EXPORT_FAILURES_TOTAL, (name, "internal"))
        return Followup(tally, parcels, lambda: measure.learn(tally))

    return follow


def backoff(failures: int, chance: float) -> float:
    """Give the seconds to wait after so many failures in a row; `chance` 0 to 1 spreads senders."""
    ceiling = min(30.0, 0.5 * 2.0 ** min(failures, 10))
    return ceiling * (0.5 + chance / 2)


class Delivery:
    """Delivers what waits in the outbox."""

    def __init__(
        self, exporters: Mapping[str, Exporter], store: Store, ingest: Ingest, health: Health
    ) -> None:
        self._exporters = {
            destination: exporter
            for exporter in exporters.values()
            for destination in exporter.destinations()
        }
        self._store = store
        self._ingest = ingest
        self._health = health
        for destination in self._exporters:
            for kind in ("permanent", "retryable"):
                health.add(COLLECTOR_EXPORT_FAILURES_TOTAL, (destination, kind), 0)

    async def run(self) -> None:
        """Deliver until cancelled."""
        async with asyncio.TaskGroup() as loops:
            for destination in self._exporters:
                loops.create_task(self._loop(destination))

    async def _loop(self, destination: str) -> None:
        failures = 0
        while True:
            try:
                seen, failed, after = await self.step(destination)
            except UnavailableError as error:
                # Delivered, but that could not be noted: it will be delivered again.
                _log.warning("%s: the outbox could not be updated: %s", destination, error)
                seen, failed, after = 0, True, None
            except Exception:
                # Whatever it is, a line that has ended would never be served again.
                _log.exception("%s: the outbox could not be served", destination)
                seen, failed, after = 0, True, None
            failures = failures + 1 if failed else 0
            if failed:
                await asyncio.sleep(max(after or 0, backoff(failures, random.random())))  # noqa: S311
            elif not seen:
                await asyncio.sleep(POLL_SECONDS)

    async def step(self, destination: str) -> tuple[int, bool, float | None]:
        """Try the first parcels of a line once.

        Gives how many were tried, whether any has to be tried again, and the seconds that the
        receiver asked for.
        """
        # Counted from before the store is asked, so that it ends before the lease does.
        deadline = asyncio.get_running_loop().time() + LEASE_SECONDS
        limit = self._exporters[destination].at_once
        rows = await asyncio.to_thread(self._store.waiting, destination, limit, LEASE_SECONDS)
        delivered, left, hint = await self._deliver_bundles(destination, rows, deadline)
        lines = groupby(sorted(left, key=_line), key=_line)
        turns = asyncio.Semaphore(LINES_AT_ONCE)

        async def deliver(line: list[OutboxRow]) -> tuple[list[int], RetryableExportError | None]:
            async with turns:
                return await self._deliver_line(destination, line, deadline)

        found = await asyncio.gather(*(deliver(list(line)) for _, line in lines))
        delivered += [row_id for ids, _ in found for row_id in ids]
        if delivered:
            await asyncio.wrap_future(self._ingest.run(lambda: self._store.delivered(delivered)))
        errors = [error for error in (hint, *(error for _, error in found)) if error is not None]
        after = max((error.after for error in errors if error.after is not None), default=None)
        return len(rows), bool(errors), after

    async def _deliver_bundles(
        self, destination: str, rows: list[OutboxRow], deadline: float
    ) -> tuple[list[int], list[OutboxRow], RetryableExportError | None]:
        """Deliver what can be delivered together; gives what arrived and what is left.

        Behind a bundle that fails everything goes one by one: so the fault of one parcel is its
        own, and none overtakes another of its session. But where the receiver says when to come
        back, nothing more goes: the third is what it said.
        """
        exporter = self._exporters[destination]
        delivered: list[int] = []
        left: list[OutboxRow] = []
        for group in bundles(rows, exporter):
            if left or len(group) == 1:
                left += group
                continue
            try:
                async with asyncio.timeout_at(deadline):
                    await exporter.deliver(joined(group))
            except Exception as error:
                if isinstance(error, RetryableExportError) and error.after is not None:
                    return delivered, [], self._retry(destination, error)
                _log.info("%s: %d parcels go one by one: %s", destination, len(group), error)
                left += group
            else:
                delivered += [row.id for row in group]
        return delivered, left, None

    async def _deliver_line(
        self, destination: str, rows: list[OutboxRow], deadline: float
    ) -> tuple[list[int], RetryableExportError | None]:
        """Deliver the parcels of one session in order, up to the first that has to wait."""
        delivered: list[int] = []
        for row in sorted(rows, key=lambda row: row.id):
            try:
                async with asyncio.timeout_at(deadline):
                    await self._exporters[destination].deliver(row.parcel)
            except PermanentExportError as error:
                await self._park(destination, row, str(error))
            except Exception as error:
                retry = self._retry(destination, error)
                return delivered, retry
            else:
                delivered.append(row.id)
        return delivered, None

    async def _park(self, destination: str, row: OutboxRow, reason: str) -> None:
        _log.error("%s: parcel %d is parked: %s", destination, row.id, reason)
        self._health.add(COLLECTOR_EXPORT_FAILURES_TOTAL, (destination, "permanent"))
        parking = self._ingest.run(lambda: self._store.park(row.id, reason[:MAX_REASON]))
        await asyncio.wrap_future(parking)

    def _retry(self, destination: str, error: Exception) -> RetryableExportError:
        self._health.add(COLLECTOR_EXPORT_FAILURES_TOTAL, (destination, "retryable"))
        if isinstance(error, RetryableExportError):
            _log.warning("%s: will be tried again: %s", destination, error)
            return error
        _log.error("%s: failed unexpectedly", destination, exc_info=error)
        return RetryableExportError(str(error))


def _line(row: OutboxRow) -> str:
    return row.parcel.session_id or ""
