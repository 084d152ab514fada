"""What the desk asks of the store."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace

from journeytrace.catalogue import Catalogue
from journeytrace.errors import InvalidSessionIdError
from journeytrace.identity import normalise_session_id
from journeytrace_collector.admin.api import code_query
from journeytrace_collector.admin.desk import DeskContext
from journeytrace_collector.admin.told import told
from journeytrace_collector.core.derive import Summary
from journeytrace_collector.core.model import Event
from journeytrace_collector.store.base import Counted, Cursor, Known, SessionQuery
from journeytrace_desk.views.filters import MOST_COUNTED

__all__ = ["Found", "Listed", "Reading"]


@dataclass(frozen=True, slots=True)
class Listed:
    """One page of sessions."""

    sessions: list[Summary]
    next: Cursor | None
    searched_until: int | None
    """See `Page`."""


@dataclass(frozen=True, slots=True)
class Found:
    """One session."""

    known: Known
    summary: Summary


class Reading:
    """Reads in threads, for a store waits for its disk."""

    def __init__(self, context: DeskContext) -> None:
        self._store = context.store
        self._clock = context.clock
        self._idle_timeout = context.idle_timeout
        self.catalogue: Catalogue = context.catalogue
        self.settings = context.settings

    def now(self) -> int:
        """Give the time in ns."""
        return self._clock()

    async def sessions(self, query: SessionQuery, now: int) -> Listed:
        """List sessions, newest first."""
        page = await asyncio.to_thread(self._store.sessions, query, now)
        sessions = [self._told(known, now) for known in page.sessions]
        return Listed(sessions, page.next, page.searched_until)

    async def count(
        self, queries: Sequence[SessionQuery], now: int, *, hasty: bool = False
    ) -> list[Counted]:
        """Count the sessions of each query, whatever page it asks for; `hasty`: see `Store`."""
        whole = [replace(query, limit=MOST_COUNTED, after=None) for query in queries]

        def count() -> list[Counted]:
            found = {one: self._store.count(one, now, hasty=hasty) for one in dict.fromkeys(whole)}
            return [found[one] for one in whole]

        return await asyncio.to_thread(count)

    async def session(self, text: str, now: int) -> Found | None:
        """Find a session by its id or its support code, as somebody pasted or heard it.

        None: there is none, or several have the code.
        """
        try:
            session_id = normalise_session_id(text.strip())
        except InvalidSessionIdError:
            return None
        known = await asyncio.to_thread(self._store.session, session_id)
        if known is None and (query := code_query(text)) is not None:
            page = await asyncio.to_thread(self._store.sessions, query, now)
            known = page.sessions[0] if len(page.sessions) == 1 else None
        return Found(known, self._told(known, now)) if known is not None else None

    async def events(self, session_id: str) -> list[Event]:
        """Give the events of a session in their order."""
        return await asyncio.to_thread(self._store.events, session_id)

    def _told(self, known: Known, now: int) -> Summary:
        return told(known, now, self._idle_timeout, self.catalogue)
