"""The list of sessions: its page, what becomes of that while it is open, and its CSV."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from aiohttp import web

from journeytrace_collector.admin.acting import Note
from journeytrace_collector.admin.api import BadParameterError, write_cursor
from journeytrace_collector.core.acts import LIST
from journeytrace_collector.core.derive import Summary, rfc3339
from journeytrace_collector.store.base import Counted, SessionQuery
from journeytrace_desk.access.actor import actor_of
from journeytrace_desk.export import stream
from journeytrace_desk.pages import Pages
from journeytrace_desk.reading import Reader, Reading
from journeytrace_desk.views import asked as addresses
from journeytrace_desk.views.asked import PAGE_ROWS
from journeytrace_desk.views.filters import Filters, counted, facets, filters
from journeytrace_desk.views.live import MOST_SHOWN, Live, live, support_codes
from journeytrace_desk.views.sessions import row

__all__ = ["ListPages"]


class ListPages:
    """Answers with lists."""

    def __init__(self, reading: Reading, pages: Pages, act: Note) -> None:
        self._reading = reading
        self._pages = pages
        self._act = act

    async def sessions(self, request: web.Request) -> web.Response:
        """Answer with one page of the list."""
        given = addresses.stated(request.query)
        if dict(given) != dict(request.query) and "HX-Request" not in request.headers:
            # So that what is shared and kept says no more than it has to.
            raise web.HTTPSeeOther(addresses.link("/sessions", given))
        reader = self._reading.of(actor_of(request))
        now = self._reading.now()
        asked = addresses.read(given, now)
        found = await reader.sessions(asked.query, now)
        counts = await reader.count([asked.query, *facets(asked.query)], now, hasty=True)
        follows = write_cursor(found.next)
        searched = found.searched_until
        # What is older than this page is not new. One that is as old as its end may be on the next.
        oldest = 0 if found.last is None else found.last + 1
        live_from = {**asked.filters, "from": str(oldest)}
        answer = self._pages.answer(
            "sessions.html",
            **self._table(asked, live((), found.sessions, (), more=False)),
            found=counted(counts[0]),
            filters=self._filters(reader, asked, counts[1:]),
            first=asked.query.after is None,
            masked=reader.masks(asked.query.project),
            follows=addresses.link("/sessions", {**asked.filters, "cursor": follows})
            if follows
            else None,
            searched_until=rfc3339(searched) if searched is not None else None,
            live=addresses.link("/sessions/live", live_from),
            csv=addresses.link("/sessions.csv", asked.filters),
        )
        answer.headers["HX-Push-Url"] = addresses.link("/sessions", given)
        return answer

    async def counts(self, request: web.Request) -> web.Response:
        """Answer with the counts beside the filters, after a longer look."""
        reader = self._reading.of(actor_of(request))
        now = self._reading.now()
        asked = addresses.read(addresses.stated(request.query), now)
        counts = await reader.count([asked.query, *facets(asked.query)], now)
        found = replace(self._filters(reader, asked, counts[1:]), recount=None)
        return self._pages.answer("counts.html", filters=found, found=counted(counts[0]))

    def _filters(
        self, reader: Reader, asked: addresses.Asked, counts: Sequence[Counted]
    ) -> Filters:
        reading = self._reading
        return filters(
            asked, counts, reading.catalogue, reader.projects, reading.context.rules.names
        )

    async def live(self, request: web.Request) -> web.Response:
        """Answer with the rows that a page shows, as they are now, and with what is new above."""
        given = addresses.stated(request.query)
        was, oldest = given.pop("was", ""), given.pop("from", "0")
        given.pop("row", None)
        shown = request.query.getall("row", [])
        if len(shown) > MOST_SHOWN:
            raise BadParameterError("row", "is there too often", f"up to {MOST_SHOWN}")
        shown = list(dict.fromkeys(shown))
        if not (oldest.isascii() and oldest.isdigit() and len(oldest) < 20):
            raise BadParameterError("from", f"is {oldest!r}", "a time in ns")
        now = self._reading.now()
        asked = addresses.read(given, now)
        if asked.query.after is not None:
            raise BadParameterError("cursor", "is no parameter here", "the filters")
        reader = self._reading.of(actor_of(request))
        # What has come to match may be older than what is shown: a session that was decided late.
        since, limit = max(asked.query.since or 0, int(oldest)), len(shown) + PAGE_ROWS
        found = await reader.sessions(replace(asked.query, since=since, limit=limit), now)
        there = {row(session).key for session in found.sessions}
        codes = support_codes(key for key in shown if key not in there)
        others: list[Summary] = []
        if codes:
            those = SessionQuery(codes=codes, limit=2 * len(codes))
            others = (await reader.sessions(those, now)).sessions
        seen = live(shown, found.sessions, others, more=found.next is not None)
        if seen.state == was:
            return web.Response(status=204)
        return self._pages.answer(
            "sessions.html",
            **self._table(asked, seen),
            live=addresses.link("/sessions/live", {**asked.filters, "from": oldest}),
            filters=None,
            masked=reader.masks(asked.query.project),
            first=True,
            follows=None,
            searched_until=None,
        )

    def _table(self, asked: addresses.Asked, seen: Live) -> dict[str, Any]:
        return {
            "seen": seen,
            "filtered": bool(asked.filters),
            "address": addresses.link("/sessions", asked.filters),
            "recount": addresses.link("/sessions/counts", asked.filters),
        }

    async def csv(self, request: web.Request) -> web.StreamResponse:
        """Answer with all that the filters leave, as a file; before, keep that somebody has it."""
        now = self._reading.now()
        asked = addresses.read(addresses.stated(request.query), now)
        actor = actor_of(request)
        detail = {"of": "sessions", "filters": addresses.without_persons(asked.filters)}
        await self._act(actor.id, LIST, asked.query.project or None, detail=detail)
        return await stream(request, self._reading.of(actor), asked.query, now)
