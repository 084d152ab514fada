"""Makes the reports of one collector: see `Reporting`."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from hashlib import sha256
from typing import Final

import msgspec

from journeytrace.catalogue import Catalogue
from journeytrace_collector.admin.reporting import ISSUED, SealedReport
from journeytrace_collector.admin.told import told, told_event
from journeytrace_collector.clock import Clock
from journeytrace_collector.core.screening import screening
from journeytrace_collector.errors import OverloadedError
from journeytrace_collector.recording import Record
from journeytrace_collector.report.content import content
from journeytrace_collector.report.key import SigningKey
from journeytrace_collector.report.seal import seal
from journeytrace_collector.report.told import told as chosen
from journeytrace_collector.report.typeset import typeset
from journeytrace_collector.settings import Settings
from journeytrace_collector.store.base import Store

__all__ = ["Reports"]

_AT_ONCE: Final = 2
_MOST_WAITING: Final = 16
_ROUNDS: Final = 3
_REMEMBERED: Final = 16
_LARGEST_REMEMBERED: Final = 4 * 1024 * 1024


class Reports:
    """Makes reports from the store, a few at a time, each in a process of its own."""

    def __init__(
        self, settings: Settings, store: Store, record: Record, clock: Clock, catalogue: Catalogue
    ) -> None:
        """Read the key.

        Raises:
            ConfigError: it cannot be used.
        """
        file = settings.report.key_file
        self._key = None if file is None else SigningKey("report.key_file", file)
        self._fonts = settings.report.fonts
        self._idle_timeout = round(settings.idle_timeout.total_seconds() * 1e9)
        self._store = store
        self._record = record
        self._clock = clock
        self._catalogue = catalogue
        self._turn = asyncio.Semaphore(_AT_ONCE)
        self._waiting = 0
        self._made: OrderedDict[bytes, SealedReport] = OrderedDict()

    @property
    def key_id(self) -> str | None:
        """Of the key that reports are signed with: see `Reporting`."""
        return None if self._key is None else self._key.key_id

    async def make(self, session_id: str) -> SealedReport | None:
        """Make the report of a session: see `Reporting`."""
        if self._waiting >= _MOST_WAITING:
            raise OverloadedError("too many reports are being made: ask again in a moment")
        self._waiting += 1
        try:
            async with self._turn:
                return await asyncio.to_thread(self._make, session_id)
        finally:
            self._waiting -= 1

    async def issue(self, session_id: str, actor: str) -> SealedReport | None:
        """Make a report and record it: see `Reporting`."""
        made = await self.make(session_id)
        if made is not None:
            event_id = made.event_id(session_id)
            await self._record(ISSUED, session_id, actor, made.said, event_id=event_id)
        return made

    def _make(self, session_id: str) -> SealedReport | None:
        known = self._store.session(session_id)
        for _ in range(_ROUNDS):
            if known is None:
                return None
            events = self._store.events(session_id)
            # What comes in between must not make a report whose events say something else.
            before, known = known, self._store.session(session_id)
            if known == before:
                break
        if known is None or not events:
            return None
        kept, body = chosen([told_event(one, self._catalogue.error_codes) for one in events])
        if not kept:
            return None
        says = content(
            told(known, self._clock(), self._idle_timeout, self._catalogue),
            kept,
            self._catalogue,
            screening=screening(events),
            digest=sha256(body).hexdigest(),
            key_id=self.key_id,
        )
        mark = sha256(msgspec.json.encode(says) + b"\n" + body).digest()
        if (made := self._made.get(mark)) is not None:
            self._made.move_to_end(mark)
            return made
        return self._keep(mark, self._sealed(typeset(says, body, self._fonts)))

    def _sealed(self, pdf: bytes) -> SealedReport:
        key = self._key
        whole = seal(pdf) if key is None else seal(pdf, key.key_id, key.sign)
        return SealedReport(whole, sha256(whole).hexdigest(), self.key_id)

    def _keep(self, mark: bytes, made: SealedReport) -> SealedReport:
        if len(made.pdf) <= _LARGEST_REMEMBERED:
            self._made[mark] = made
            while len(self._made) > _REMEMBERED:
                self._made.popitem(last=False)
        return made
