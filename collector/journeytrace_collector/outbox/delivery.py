"""Out of the outbox: what fails waits by itself, and holds up neither ingest nor anything else.

Each destination has two loops: one for what has not failed yet, one for the sessions whose time to
be tried again has come. So somebody who lets us wait for an answer holds up the latter at most.
Retries are ours and not a library's, for the line that waits is on disk and outlives the process.
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Final, NamedTuple

from journeytrace.conventions import COLLECTOR_EXPORT_FAILURES_TOTAL
from journeytrace_collector.background import Once, backoff, keep_doing
from journeytrace_collector.clock import Clock
from journeytrace_collector.errors import PermanentExportError, RetryableExportError
from journeytrace_collector.health import Health
from journeytrace_collector.ingest import Ingest
from journeytrace_collector.outbox.bundles import bundles, joined
from journeytrace_collector.outbox.exporter import Exporter
from journeytrace_collector.outbox.pace import Pace
from journeytrace_collector.store.base import LEASE_SECONDS, OutboxRow, Store

__all__ = ["Delivery", "Round"]

_log = logging.getLogger(__name__)

LINES_AT_ONCE: Final = 32
"""Sessions of a destination whose parcels are on their way one by one."""
LINE_SECONDS: Final = 120.0
"""The longest that a line which fails is left alone of our own accord."""
HINT_SECONDS: Final = 3_600.0
"""The longest that it is because its receiver asked for it."""
MAX_REASON: Final = 500


class Round(NamedTuple):
    """What became of the parcels that were taken up at once."""

    tried: int
    arrived: int
    """Parcels that are out of the way: delivered, or parked because they were answered for good."""
    failed: int
    """Lines that wait to be tried again."""


@dataclass(slots=True)
class _Line:
    """What became of the parcels of one line."""

    delivered: list[int] = field(default_factory=list)
    parked: int = 0
    put_off: dict[int, int] = field(default_factory=dict)
    """At most one parcel, with the time (ns) of its next attempt."""
    reason: str = ""
    """Why it is put off."""
    trouble: Exception | None = None
    """What went wrong with the outbox itself."""

    def wait(self, row: OutboxRow, error: Exception, now: int) -> None:
        """Leave the line alone from this parcel on, as one before it may have asked already."""
        if self.put_off:
            return
        hint = error.after if isinstance(error, RetryableExportError) else None
        own = backoff(row.failures + 1, random.random(), LINE_SECONDS)  # noqa: S311
        self.put_off[row.id] = now + round(max(own, min(hint or 0.0, HINT_SECONDS)) * 1e9)
        self.reason = str(error) or type(error).__name__


class Delivery:
    """Delivers what waits in the outbox."""

    def __init__(
        self,
        exporters: Mapping[str, Exporter],
        store: Store,
        ingest: Ingest,
        health: Health,
        clock: Clock = time.time_ns,
    ) -> None:
        """Deliver what is in `store`. `clock` is what real time waits for, not that of events."""
        self._exporters = {
            destination: exporter
            for exporter in exporters.values()
            for destination in exporter.destinations()
        }
        self._store = store
        self._ingest = ingest
        self._health = health
        self._clock = clock
        self._unforeseen = Once()
        self._said = {destination: Once() for destination in self._exporters}
        for destination in self._exporters:
            for kind in ("permanent", "retryable"):
                health.add(COLLECTOR_EXPORT_FAILURES_TOTAL, (destination, kind), 0)

    async def run(self) -> None:
        """Deliver until cancelled."""
        async with asyncio.TaskGroup() as loops:
            for destination in self._exporters:
                for again in (False, True):
                    rounds = self._rounds(destination, again=again)
                    task = f"{'deliver again' if again else 'deliver'} {destination}"
                    loops.create_task(keep_doing(task, rounds, self._health))

    def _rounds(self, destination: str, *, again: bool) -> Callable[[], Awaitable[float]]:
        pace = Pace(self._exporters[destination].at_once)

        async def step() -> float:
            done = await self.step(destination, pace, again=again)
            return pace.pause(done.tried, random.random())  # noqa: S311

        return step

    async def step(
        self, destination: str, pace: Pace | None = None, *, again: bool = False
    ) -> Round:
        """Try what comes first once; `again`: of what has failed before and is due."""
        pace = pace or Pace(self._exporters[destination].at_once)
        # Counted from before the store is asked, so that it ends before the lease does.
        deadline = asyncio.get_running_loop().time() + LEASE_SECONDS
        rows = await asyncio.to_thread(self._hand_out, destination, pace, again=again)
        lines, alone = ({}, rows) if again else await self._join(destination, rows, deadline)
        turns = asyncio.Semaphore(LINES_AT_ONCE)

        async def in_turn(mine: Sequence[OutboxRow], line: _Line) -> None:
            async with turns:
                await self._deliver_line(destination, mine, line, deadline)

        async with asyncio.TaskGroup() as group:
            for name, mine in groupby(sorted(alone, key=_line_and_number), key=_line):
                group.create_task(in_turn(list(mine), lines.setdefault(name, _Line())))
        await self._note(lines.values())
        waiting = [line.reason for line in lines.values() if line.put_off]
        self._tell(destination, waiting)
        for line in lines.values():
            if line.trouble is not None:
                raise line.trouble
        arrived = sum(len(line.delivered) + line.parked for line in lines.values())
        pace.note(arrived, len(waiting))
        return Round(len(rows), arrived, len(waiting))

    def _hand_out(self, destination: str, pace: Pace, *, again: bool) -> list[OutboxRow]:
        now = self._clock()
        if again:
            return self._store.again(destination, pace.limit, now)
        skip = pace.skip(random.random())  # noqa: S311
        rows = self._store.waiting(destination, pace.limit, now=now, skip=skip) if skip else []
        return rows or self._store.waiting(destination, pace.limit, now=now)

    async def _join(
        self, destination: str, rows: Sequence[OutboxRow], deadline: float
    ) -> tuple[dict[str, _Line], list[OutboxRow]]:
        """Deliver together what can be; gives what became of it, and what goes one by one.

        A bundle that is refused for good goes one by one, so that the fault of one parcel is its
        own. One that fails for now puts off all its lines, which are tried again one by one.
        """
        exporter = self._exporters[destination]
        lines: defaultdict[str, _Line] = defaultdict(_Line)
        alone: list[OutboxRow] = []
        refused = False
        for group in bundles(rows, exporter):
            if refused or exporter.joins(group[0].parcel) is None:
                alone += group
                continue
            if len(group) == 1:
                line = lines[_line(group[0])]
                await self._deliver_line(destination, group, line, deadline)
                if line.put_off or line.trouble:
                    break
                continue
            try:
                async with asyncio.timeout_at(deadline):
                    await exporter.deliver(joined(group))
            except PermanentExportError as error:
                _log.info("%s: %d parcels go one by one: %s", destination, len(group), error)
                alone += group
                refused = True
            except Exception as error:
                self._count_failure(destination, error)
                for row in group:
                    lines[_line(row)].wait(row, error, self._clock())
                # What comes behind may be of the same lines: it has to wait for its next turn.
                break
            else:
                for row in group:
                    lines[_line(row)].delivered.append(row.id)
        return lines, alone

    async def _deliver_line(
        self, destination: str, rows: Sequence[OutboxRow], line: _Line, deadline: float
    ) -> None:
        """Deliver parcels in order, up to the first that has to wait. Raises nothing."""
        for row in rows:
            try:
                async with asyncio.timeout_at(deadline):
                    await self._exporters[destination].deliver(row.parcel)
            except PermanentExportError as error:
                try:
                    await self._park(destination, row, str(error))
                except Exception as trouble:
                    # What comes next must not arrive before it is known what became of this one.
                    line.trouble = trouble
                    return
                line.parked += 1
            except Exception as error:
                self._count_failure(destination, error)
                line.wait(row, error, self._clock())
                return
            else:
                line.delivered.append(row.id)

    async def _note(self, lines: Collection[_Line]) -> None:
        """Write down what became of lines, before any of them is taken up again."""
        delivered = [row_id for line in lines for row_id in line.delivered]
        put_off = {row_id: until for line in lines for row_id, until in line.put_off.items()}

        def write() -> None:
            if delivered:
                self._store.delivered(delivered)
            if put_off:
                self._store.put_off(put_off)

        if delivered or put_off:
            await asyncio.wrap_future(self._ingest.run(write))

    def _tell(self, destination: str, reasons: Sequence[str]) -> None:
        """Log each reason once, until a round in which nothing fails."""
        said = self._said[destination]
        if not reasons:
            said.forget()
        for reason in filter(said.first, reasons):
            _log.warning("%s: will be tried again: %s", destination, reason)

    async def _park(self, destination: str, row: OutboxRow, reason: str) -> None:
        parking = self._ingest.run(lambda: self._store.park(row.id, reason[:MAX_REASON]))
        await asyncio.wrap_future(parking)
        _log.error("%s: parcel %d is parked: %s", destination, row.id, reason)
        self._health.add(COLLECTOR_EXPORT_FAILURES_TOTAL, (destination, "permanent"))

    def _count_failure(self, destination: str, error: Exception) -> None:
        self._health.add(COLLECTOR_EXPORT_FAILURES_TOTAL, (destination, "retryable"))
        if not isinstance(error, RetryableExportError) and self._unforeseen.first(repr(error)):
            _log.error("%s: failed unexpectedly", destination, exc_info=error)


def _line(row: OutboxRow) -> str:
    return row.parcel.session_id or ""


def _line_and_number(row: OutboxRow) -> tuple[str, int]:
    return _line(row), row.id
