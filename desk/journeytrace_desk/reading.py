"""What the desk asks of the store, and what of the answer somebody may see.

There is no other way to it: whoever asks is named first (`Reading.of`), and then no list, count or
session holds what they may not see, and no session is given out before it is on record that they
looked.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from journeytrace.catalogue import Catalogue
from journeytrace.conventions import Status
from journeytrace.errors import InvalidSessionIdError
from journeytrace.identity import normalise_session_id
from journeytrace_collector.admin.api import MOST_COUNTED, code_query
from journeytrace_collector.admin.cohorts import Pair
from journeytrace_collector.admin.desk import DeskContext
from journeytrace_collector.admin.diffing import Comparer
from journeytrace_collector.admin.guard import NotYetKnownError
from journeytrace_collector.admin.losses import loss_of
from journeytrace_collector.admin.told import known_at, told
from journeytrace_collector.core.attempts import Per
from journeytrace_collector.core.derive import Summary, rfc3339
from journeytrace_collector.core.model import Event
from journeytrace_collector.core.overview import Blocks, Overview, blocks, overview
from journeytrace_collector.insight.as_known import by
from journeytrace_collector.insight.diff import Diff
from journeytrace_collector.insight.loss import LossGroup
from journeytrace_collector.store.base import (
    Cohort,
    Counted,
    Cursor,
    Known,
    SessionQuery,
    TaskMark,
    TaskQuery,
    TaskRow,
)
from journeytrace_desk.access.actor import Actor, Role
from journeytrace_desk.access.cursors import Cursors
from journeytrace_desk.access.looks import Looks
from journeytrace_desk.access.masking import Mask

__all__ = ["Detail", "Found", "Listed", "Reader", "Reading", "Todo"]

_PERSONAL: Final = frozenset({"user_id", "email"})
"""Fields that are masked, and found by the whole value alone where they are."""


@dataclass(frozen=True, slots=True)
class Listed:
    """One page of sessions."""

    sessions: list[Summary]
    last: int | None
    """When the last one was created that was looked at, in ns; None: there is no further page."""
    next: Cursor | None
    searched_until: int | None
    """See `Page`."""
    masked: bool
    """Whether something of one of them is."""


@dataclass(frozen=True, slots=True)
class Found:
    """One session."""

    summary: Summary
    masked: bool
    """Whether that is told with the e-mail address and the user id masked."""
    goes_on: bool
    """Whether more is to be expected: until it has settled."""
    known: Known = field(repr=False)
    clear: Summary = field(repr=False)
    """The whole summary, like `known` for `Reader` alone: no page shows of it."""


@dataclass(frozen=True, slots=True)
class Detail:
    """All that is told of one session."""

    summary: Summary
    events: list[Event]
    """In their order, at least one."""
    stages: Mapping[str, tuple[int, int, int]]
    """As in `SessionState`."""
    every: list[Event]
    """All that there are now, where those are of an earlier time."""


@dataclass(frozen=True, slots=True)
class Todo:
    """One page of open tasks."""

    rows: list[tuple[TaskRow, str, bool]]
    """Each with the id of its session as they may know it, and whether it is masked."""
    next: TaskMark | None
    """Where the next page starts, as `Reader.tasks` reads it again; None: there is none."""


class Reading:
    """What is asked, whoever asks."""

    def __init__(self, context: DeskContext) -> None:
        self.context = context
        self.catalogue: Catalogue = context.catalogue
        self.settings = context.settings
        self.looks = Looks(context.record, context.clock)
        self.cursors = Cursors()
        self.comparer = Comparer(context.store, context.catalogue, context.idle_timeout)

    def now(self) -> int:
        """Give the time (ns) by which a status holds: what has come in so far."""
        return (self.context.source or self.context.clock)()

    def of(self, actor: Actor) -> Reader:
        """Ask for somebody."""
        return Reader(self, actor)


class Reader:
    """Reads for somebody, in threads, for a store waits for its disk."""

    def __init__(self, reading: Reading, actor: Actor) -> None:
        self.actor = actor
        self._reading = reading
        self._store = reading.context.store

    @property
    def projects(self) -> list[str]:
        """The projects that are known beforehand."""
        own, named = self.actor.projects, self._reading.settings.named_projects
        return sorted(named if own is None else named & own)

    async def sessions(self, query: SessionQuery, now: int) -> Listed:
        """List sessions, newest first."""
        after = query.after
        if after is not None and self.actor.projects is not None:
            query = replace(query, after=self._reading.cursors.read(after))
        page = await asyncio.to_thread(self._store.sessions, self._bound(query), now)
        last = None if page.next is None else page.next[0]
        found = [one for known in page.sessions if (one := self._found(known, now))]
        follows = page.next
        if follows is not None and self.actor.projects is not None:
            follows = self._reading.cursors.hidden(follows)
        sessions, masked = [one.summary for one in found], any(one.masked for one in found)
        return Listed(sessions, last, follows, page.searched_until, masked)

    async def count(
        self, queries: Sequence[SessionQuery], now: int, *, hasty: bool = False
    ) -> list[Counted]:
        """Count the sessions of each query, whatever page it asks for; `hasty`: see `Store`."""
        whole = [self._bound(replace(query, limit=MOST_COUNTED, after=None)) for query in queries]

        def count() -> list[Counted]:
            once = list(dict.fromkeys(whole))
            found = dict(zip(once, self._store.counts(once, now, hasty=hasty), strict=True))
            return [found[one] for one in whole]

        return await asyncio.to_thread(count)

    async def overview(self, cohort: Cohort, now: int) -> tuple[Overview, Blocks, int | None]:
        """Tell what became of the sessions of a cohort, what blocked them, and where people are
        counted, how many sessions they have had; else None.
        """
        mine = replace(cohort, projects=self.actor.projects)
        catalogue = self._reading.catalogue

        def read() -> tuple[Overview, Blocks, int | None]:
            found = overview(self._store.outcomes(mine, now), catalogue)
            blocked = blocks(self._store.blocks(mine), found.sessions, catalogue)
            if mine.per is Per.SESSION:
                return found, blocked, None
            every = self._store.outcomes(replace(mine, per=Per.SESSION), now)
            return found, blocked, sum(one.sessions for one in every)

        return await asyncio.to_thread(read)

    async def compare(self, pair: Pair, now: int) -> Diff:
        """Tell what differs between two cohorts of the sessions that they may see."""
        return await self._reading.comparer.compare(pair, now, self.actor.projects)

    async def versions(self) -> dict[tuple[str, str], int]:
        """Give when releases of services were seen first, in ns, to who may see all projects."""
        every = self.actor.projects is None
        return await asyncio.to_thread(self._store.versions) if every else {}

    async def losses(self, cohort: Cohort, by: str | None) -> list[LossGroup]:
        """Tell what screen and server saw of a cohort; `by`: apart by one of `insight.loss.BY`."""
        mine = replace(cohort, projects=self.actor.projects)
        found = await asyncio.to_thread(loss_of, self._store, mine, self._reading.catalogue, by)
        return found or []

    async def seen_projects(self, limit: int) -> list[str]:
        """Give projects that there are sessions of, or where they may not see all: their own."""
        own = self.actor.projects
        return await asyncio.to_thread(self._store.projects, limit) if own is None else sorted(own)

    async def tasks(self, query: TaskQuery, now: int) -> Todo:
        """List open tasks of the sessions that they may see, the earliest day first."""
        cursors, after = self._reading.cursors, query.after
        if after is not None:
            since, no = cursors.read(after[1:3])
            after = after[0], since, no, after[3]
        asked = replace(query, projects=self.actor.projects, limit=query.limit + 1, after=after)

        def read() -> list[tuple[TaskRow, str, bool]]:
            rows = []
            for row in self._store.tasks(asked):
                masked = self.masks(row.project or "")
                # Its id can hold whose it is.
                known = self._store.session(row.session_id) if masked else None
                found = self._found(known, now) if known else None
                shown = found.summary.session_id if found else row.session_id
                rows.append((row, shown, masked))
            return rows

        rows = await asyncio.to_thread(read)
        shown = rows[: query.limit]
        if len(rows) <= query.limit:
            return Todo(shown, None)
        due, since, no, name = shown[-1][0].mark
        return Todo(shown, (due, *cursors.hidden((since, no)), name))

    async def session(self, text: str, now: int) -> Found | None:
        """Find a session by its id or its support code, as somebody pasted or heard it.

        None: there is none that they may see, or several have the code.
        """
        try:
            session_id = normalise_session_id(text.strip())
        except InvalidSessionIdError:
            return None
        known = await asyncio.to_thread(self._store.session, session_id)
        found = None if known is None else self._found(known, now)
        # Of one that they may not see just what is done of none.
        if found is None and (query := code_query(text)) is not None:
            page = await asyncio.to_thread(self._store.sessions, self._bound(query), now)
            if len(page.sessions) == 1:
                found = self._found(page.sessions[0], now)
        return found

    async def detail(self, found: Found, as_of: int | None = None) -> Detail | None:
        """Give all of a session, once it is on record that they looked; None: it is gone.

        `as_of`: as it was known then, in ns; None: as it is now.

        Raises:
            NotRecordedError: it cannot be recorded.
            NotYetKnownError: it had not begun by then.
        """
        session_id = found.clear.session_id
        await self._reading.looks.viewed(self.actor, [session_id])
        events = await asyncio.to_thread(self._store.events, session_id)
        if not events:
            return None
        return await asyncio.to_thread(self._detail, found, events, as_of)

    def _detail(self, found: Found, events: list[Event], as_of: int | None) -> Detail:
        clear, stages = found.clear, found.known.state.stages
        then = events
        if as_of is not None:
            known, then = self._then(found.known, events, as_of), by(events, as_of)
            context = self._reading.context
            clear = told(known, as_of, context.idle_timeout, context.catalogue)
            stages = known.state.stages
        if not found.masked:
            return Detail(clear, then, stages, events)
        # By all that is known now, or a name that came later would stand where it stood before.
        mask = Mask(found.clear, events)
        shown = {one.event_id: mask.event(one) for one in events}
        names = {mask.text(name): times for name, times in stages.items()}
        mine = [shown[one.event_id] for one in then]
        return Detail(mask.summary(clear), mine, names, list(shown.values()))

    def _then(self, known: Known, events: list[Event], as_of: int) -> Known:
        context = self._reading.context
        then = known_at(known, events, as_of, context.idle_timeout, context.catalogue)
        if then is None:
            state = known.state
            raise NotYetKnownError(state.session_id, rfc3339(state.first_received))
        return then

    async def attempts(self, of: Found | str, limit: int, now: int) -> Listed:
        """List the sessions of a person, once it is on record that they looked at each of them.

        `of`: one of the sessions, or the whole user id. What leads on from a masked session are
        masked ones alone, for another one would tell whose it is.

        Raises:
            NotRecordedError: it cannot be recorded.
        """
        user_id = of if isinstance(of, str) else of.clear.user_id
        query = self._bound(SessionQuery(user=user_id, limit=limit))
        page = await asyncio.to_thread(self._store.sessions, query, now)
        found = [one for known in page.sessions if (one := self._found(known, now))]
        if not isinstance(of, str):
            found = [one for one in found if one.masked == of.masked]
        await self._reading.looks.viewed(self.actor, [one.clear.session_id for one in found])
        sessions, masked = [one.summary for one in found], any(one.masked for one in found)
        return Listed(sessions, None, page.next, None, masked)

    async def reveal(self, found: Found, purpose: str) -> Summary:
        """Give a session with nothing masked, once it is on record what for.

        Raises:
            NotRecordedError: it cannot be recorded.
        """
        await self._reading.looks.revealed(self.actor, found.clear.session_id, purpose)
        return found.clear

    def _bound(self, query: SessionQuery) -> SessionQuery:
        exact = _PERSONAL if self.masks(query.project) else frozenset()
        return replace(query, projects=self.actor.projects, exact=exact)

    def masks(self, project: str | None) -> bool:
        """Whether e-mail and user id are masked in a project; empty: in none; None: in any."""
        if project is None:
            return min(self.actor.roles.values(), default=Role.VIEWER) < Role.ANALYST
        return not self.actor.may(Role.ANALYST, project or None)

    def _found(self, known: Known, now: int) -> Found | None:
        """Tell of a session what they may see; None: nothing."""
        context = self._reading.context
        clear = told(known, now, context.idle_timeout, context.catalogue)
        if not self.actor.may(Role.VIEWER, clear.project_id):
            return None
        masked = not self.actor.may(Role.ANALYST, clear.project_id)
        summary = Mask(clear).summary(clear) if masked else clear
        goes_on = clear.status is Status.IN_PROGRESS or known.settled_at is None
        return Found(summary, masked, goes_on, known, clear)
