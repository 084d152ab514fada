"""What admins ask of the store, and have done with it."""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import AsyncIterator
from dataclasses import replace
from operator import attrgetter
from typing import Final

from journeytrace.conventions import Source
from journeytrace_collector.admin.desk import DeskContext
from journeytrace_collector.admin.told import told
from journeytrace_collector.core.acts import ERASE
from journeytrace_collector.core.derive import Summary
from journeytrace_collector.core.model import Event
from journeytrace_collector.core.retention import Period
from journeytrace_collector.store.base import Act, ActQuery, Erased, Known, Subject
from journeytrace_desk.access.admins import Admin

__all__ = ["MOST_DEEDS", "MOST_PROJECTS", "Administering"]

MOST_DEEDS: Final = 1_000
"""Of what people did with somebody's sessions: the newest are shown."""
MOST_PROJECTS: Final = 1_000
_AT_ONCE: Final = 100


class Administering:
    """Reads in threads; what changes something goes through the one writer."""

    def __init__(self, context: DeskContext) -> None:
        self._store = context.store
        self._idle_timeout = context.idle_timeout
        self.now = context.clock
        self._source = context.source or context.clock
        self.catalogue = context.catalogue
        self.record = context.record
        self.act = context.act
        self.erase = context.acting.erase
        self.choose_period = context.acting.choose_period
        self.fixed = context.settings.fixed_retention
        self.named = context.settings.named_projects

    async def acts(self, limit: int, query: ActQuery) -> list[Act]:
        """Give acts, the newest first."""
        return await asyncio.to_thread(self._store.acts, limit, query)

    def digest(self, session_id: str) -> bytes:
        """Give by what an act names a session."""
        return self._store.digest(session_id)

    async def erasures(self, admin: Admin, since: int, until: int) -> list[Act]:
        """Give what somebody erased from one time to another, in ns."""
        query = ActQuery(admin.id, ERASE, since, until, scope=admin.scope)
        found: list[Act] = []
        while page := await self.acts(_AT_ONCE, query):
            found += page
            query = replace(query, after=page[-1].no)
        return found

    async def erasable(self, subject: Subject) -> Erased:
        """Tell how much there is of a subject."""
        return await asyncio.to_thread(self._store.erasable, subject)

    async def sessions(self, subject: Subject) -> AsyncIterator[Known]:
        """Give all sessions of a subject by their ids, begun or not."""
        after = ""
        while page := await asyncio.to_thread(self._store.of_subject, subject, _AT_ONCE, after):
            for known in page:
                yield known
            after = page[-1].state.session_id

    def summary(self, known: Known, now: int) -> Summary | None:
        """Describe a session at `now` (ns), and by what has come in; None: it has not begun."""
        if not known.state.begun:
            return None
        return told(known, min(now, self._source()), self._idle_timeout, self.catalogue)

    async def events(self, session_id: str, source: str | None = None) -> list[Event]:
        """Give the events of a session in their order."""
        return await asyncio.to_thread(self._store.events, session_id, source)

    async def deeds(self, subject: Subject) -> tuple[list[Event], bool]:
        """Give what people did with a subject's sessions, the newest first; whether there is more.

        At most `MOST_DEEDS`.
        """
        newest: list[Event] = []
        more = False
        async for known in self.sessions(subject):
            if known.state.operations is None:
                continue
            newest += await self.events(known.state.session_id, Source.OP.value)
            more = more or len(newest) > MOST_DEEDS
            newest = heapq.nlargest(MOST_DEEDS, newest, key=attrgetter("at", "event_id"))
        return newest, more

    async def periods(self) -> list[Period]:
        """Give how long projects have their sessions kept, each from when on."""
        return await asyncio.to_thread(self._store.periods)

    async def projects(self) -> list[str]:
        """Give projects that there are sessions of."""
        return await asyncio.to_thread(self._store.projects, MOST_PROJECTS)
