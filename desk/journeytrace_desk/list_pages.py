"""The list of sessions: its page, what is new, and its CSV."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from aiohttp import web

from journeytrace_collector.admin.acting import Note
from journeytrace_collector.admin.api import BadParameterError, write_cursor
from journeytrace_collector.core.acts import LIST
from journeytrace_collector.core.derive import rfc3339
from journeytrace_collector.store.base import Counted
from journeytrace_desk.access.actor import actor_of
from journeytrace_desk.export import stream
from journeytrace_desk.pages import Pages
from journeytrace_desk.reading import Reader, Reading
from journeytrace_desk.views import asked as addresses
from journeytrace_desk.views.filters import Filters, counted, facets, filters
from journeytrace_desk.views.sessions import row

__all__ = ["ListPages"]

_SEEN = "seen"


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
        news = {**asked.filters, _SEEN: str(found.first or now)}
        searched = found.searched_until
        answer = self._pages.answer(
            "sessions.html",
            rows=[row(session) for session in found.sessions],
            found=counted(counts[0]),
            filters=self._filters(reader, asked, counts[1:]),
            address=addresses.link("/sessions", asked.filters),
            first=asked.query.after is None,
            masked=reader.masks(asked.query.project),
            follows=addresses.link("/sessions", {**asked.filters, "cursor": follows})
            if follows
            else None,
            searched_until=rfc3339(searched) if searched is not None else None,
            news=addresses.link("/sessions/news", news),
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
        return filters(asked, counts, self._reading.catalogue, reader.projects)

    async def news(self, request: web.Request) -> web.Response:
        """Answer with a line that says how many sessions are newer than those that were seen."""
        given = addresses.stated(request.query)
        seen = given.pop(_SEEN, "")
        if not (seen.isascii() and seen.isdigit() and len(seen) < 20):
            raise BadParameterError(_SEEN, f"is {seen!r}", "a time in ns")
        now = self._reading.now()
        asked = addresses.read(given, now)
        newer = max(asked.query.since or 0, int(seen) + 1)
        reader = self._reading.of(actor_of(request))
        (fresh,) = await reader.count([replace(asked.query, since=newer)], now)
        if not fresh.number:
            return web.Response(status=204)
        address = addresses.link("/sessions", given)
        return self._pages.answer("news.html", fresh=fresh, text=counted(fresh), address=address)

    async def csv(self, request: web.Request) -> web.StreamResponse:
        """Answer with all that the filters leave, as a file; before, keep that somebody has it."""
        now = self._reading.now()
        asked = addresses.read(addresses.stated(request.query), now)
        actor = actor_of(request)
        detail = {"of": "sessions", "filters": addresses.without_persons(asked.filters)}
        await self._act(actor.id, LIST, asked.query.project or None, detail=detail)
        return await stream(request, self._reading.of(actor), asked.query, now)
