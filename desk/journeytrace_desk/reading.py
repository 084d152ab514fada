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
from journeytrace_collector.core.attempts import Per
from journeytrace_collector.core.derive import Summary
from journeytrace_collector.core.model import Event
from journeytrace_collector.core.overview import Blocks, Overview, blocks, overview
from journeytrace_collector.store.base import Cohort, Counted, Cursor, Known, SessionQuery
from journeytrace_desk.views.filters import MOST_COUNTED

__all__ = ["Found", "Listed", "Reading"]


@dataclass(frozen=True, slots=True)
class Listed:
    """One page of sessions."""

    sessions: list[Summary]
    first: int | None
    """When the newest of them was created, in ns; None: there is none."""
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
        first = page.sessions[0].state.created_at if page.sessions else None
        sessions = [self._told(known, now) for known in page.sessions]
        return Listed(sessions, first, page.next, page.searched_until)

    async def count(
        self, queries: Sequence[SessionQuery], now: int, *, hasty: bool = False
    ) -> list[Counted]:
        """Count the sessions of each query, whatever page it asks for; `hasty`: see `Store`."""
        whole = [replace(query, limit=MOST_COUNTED, after=None) for query in queries]

        def count() -> list[Counted]:
            found = {one: self._store.count(one, now, hasty=hasty) for one in dict.fromkeys(whole)}
            return [found[one] for one in whole]

        return await asyncio.to_thread(count)

    async def overview(self, cohort: Cohort, now: int) -> tuple[Overview, Blocks, int | None]:
        """Tell what became of the sessions of a cohort, what blocked them, and where people are
        counted, how many sessions they have had; else None.
        """

        def read() -> tuple[Overview, Blocks, int | None]:
            found = overview(self._store.outcomes(cohort, now), self.catalogue)
            blocked = blocks(self._store.blocks(cohort), found.sessions, self.catalogue)
            if cohort.per is Per.SESSION:
                return found, blocked, None
            every = self._store.outcomes(replace(cohort, per=Per.SESSION), now)
            return found, blocked, sum(one.sessions for one in every)

        return await asyncio.to_thread(read)

    async def projects(self, limit: int) -> list[str]:
        """Give the projects that sessions are of."""
        return await asyncio.to_thread(self._store.projects, limit)

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
