"""The overview: what became of the sessions of the last days."""

from __future__ import annotations

from aiohttp import web

from journeytrace_collector.admin.api import WITHOUT
from journeytrace_collector.core.derive import rfc3339
from journeytrace_desk.access.actor import actor_of
from journeytrace_desk.pages import Pages
from journeytrace_desk.reading import Reading
from journeytrace_desk.views import overview as views
from journeytrace_desk.views.asked import link, stated

__all__ = ["OverviewPages"]

MOST_PROJECTS = 200


class OverviewPages:
    """Answers with figures."""

    def __init__(self, reading: Reading, pages: Pages) -> None:
        self._reading = reading
        self._pages = pages

    async def home(self, _: web.Request) -> web.Response:
        """Lead to the overview."""
        raise web.HTTPSeeOther("/overview")

    async def overview(self, request: web.Request) -> web.Response:
        """Answer with what became of the sessions that were created in some days."""
        given = stated(request.query)
        now = self._reading.now()
        asked = views.read(given, now)
        if given != dict(request.query):
            # So that what is shared and kept says no more than it has to.
            raise web.HTTPSeeOther(link("/overview", given))
        reader = self._reading.of(actor_of(request))
        found, blocks, attempts = await reader.overview(asked.cohort, now)
        seen = set(await reader.seen_projects(MOST_PROJECTS))
        chosen = {asked.project} - {"", WITHOUT}
        return self._pages.answer(
            "overview.html",
            asked=asked,
            board=views.board(asked, found, blocks, attempts),
            days=[
                (value, words, link("/overview", {**asked.given, "days": value}))
                for value, words in views.DAYS.items()
            ],
            per=[
                ("session", "sessions", link("/overview", {**asked.given, "per": None})),
                ("person", "people", link("/overview", {**asked.given, "per": "person"})),
            ],
            projects=sorted({*reader.projects, *seen, *chosen}),
            without=WITHOUT,
            losses=link("/losses", {**asked.given, "per": None}),
            at=rfc3339(now),
            # Nothing at all, ever: somebody has just begun.
            begins=not found.sessions and not seen,
        )
