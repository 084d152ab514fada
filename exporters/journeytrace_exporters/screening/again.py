"""When lists change, undecided sessions are screened again: at a pace, and each once a version."""

from __future__ import annotations

import asyncio
import logging
from hashlib import sha256
from typing import Final

from journeytrace import conventions as names
from journeytrace.conventions import Decision
from journeytrace_collector.background import Once
from journeytrace_collector.core.screening import REQUESTED, screening
from journeytrace_collector.outbox.exporter import Context
from journeytrace_collector.store.base import Cursor, SessionQuery
from journeytrace_exporters.screening.screener import Screener, ScreenerError
from journeytrace_exporters.screening.settings import ScreeningSettings

__all__ = ["Again"]

_log = logging.getLogger(__name__)

_ACTOR: Final = "screening"
_AT_ONCE: Final = 20
"""Sessions that are looked at in one step."""
_UNDECIDED: Final = (SessionQuery(undecided=True), SessionQuery(decision=Decision.PENDING))


class Again:
    """Walks through the undecided sessions whenever the lists have another version.

    It asks for a screening as a person does. What was asked is an event, whose id follows from the
    session and the version: so it is asked once, whoever else walks and however often.
    """

    def __init__(self, settings: ScreeningSettings, screener: Screener, context: Context) -> None:
        self._settings = settings
        self._screener = screener
        self._context = context
        self._said = Once()
        self._done: str | None = None
        """The version for which all have been walked through."""
        self._walking: str | None = None
        self._part = 0
        self._after: Cursor | None = None

    async def step(self) -> float:
        """Look at a few sessions if there is a reason to; gives the seconds until the next step."""
        rest = self._settings.look_for_changes.total_seconds()
        if self._walking is None:
            version = await self._version()
            if version is None or version == self._done:
                return rest
            self._walking, self._part, self._after = version, 0, None
        asked, goes_on = await self._walk(self._walking)
        if not goes_on:
            self._done, self._walking = self._walking, None
            return rest
        return max(1, asked) * 60 / self._settings.again_per_minute

    async def _version(self) -> str | None:
        try:
            version = await self._screener.version()
        except ScreenerError as error:
            if self._said.first(str(error)):
                _log.warning("screening: the version of the lists is not known: %s", error)
            return None
        self._said.forget()
        return version

    async def _walk(self, version: str) -> tuple[int, bool]:
        """Take one step of the walk; gives how many screenings it asked for, and whether there is
        another step.
        """
        query = _UNDECIDED[self._part]
        now, store = self._context.clock(), self._context.store
        page = await asyncio.to_thread(
            store.sessions,
            SessionQuery(
                undecided=query.undecided,
                decision=query.decision,
                projects=self._settings.projects or None,
                limit=_AT_ONCE,
                after=self._after,
            ),
            now,
        )
        asked = 0
        for known in page.sessions:
            asked += await self._ask(known.state.session_id, version)
        self._after = page.next
        if page.next is None:
            self._part += 1
        return asked, self._part < len(_UNDECIDED)

    async def _ask(self, session_id: str, version: str) -> bool:
        events = await asyncio.to_thread(self._context.store.events, session_id, "OP")
        before = screening(events)
        if before is None or before.lists == version:
            return False
        text = f"journey.screening.again:{session_id}:{version}"
        asked = sha256(text.encode()).digest()[:8]
        if any(event.event_id == asked for event in events):
            return False
        attributes = {names.SCREENING_LISTS: version}
        await self._context.record(REQUESTED, session_id, _ACTOR, attributes, event_id=asked)
        return True
