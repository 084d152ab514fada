"""Lost beacons told apart from lost users, over the sessions of the last days."""

from __future__ import annotations

from aiohttp import web

from journeytrace_collector.admin.api import WITHOUT
from journeytrace_collector.core.derive import rfc3339
from journeytrace_desk.access.actor import actor_of
from journeytrace_desk.pages import Pages
from journeytrace_desk.reading import Reading
from journeytrace_desk.views import losses as views
from journeytrace_desk.views.asked import link, stated
from journeytrace_desk.views.overview import DAYS

__all__ = ["LossPages"]

MOST_PROJECTS = 200


class LossPages:
    """Answers with what was lost."""

    def __init__(self, reading: Reading, pages: Pages) -> None:
        self._reading = reading
        self._pages = pages

    async def losses(self, request: web.Request) -> web.Response:
        """Answer with what screen and server saw of the sessions that were created in some days."""
        given = stated(request.query)
        now = self._reading.now()
        asked = views.read(given, now)
        if given != dict(request.query):
            raise web.HTTPSeeOther(link("/losses", given))
        reader = self._reading.of(actor_of(request))
        found = await reader.losses(asked.overview.cohort, asked.by or None)
        seen = set(await reader.seen_projects(MOST_PROJECTS))
        chosen = {asked.overview.project} - {"", WITHOUT}
        return self._pages.answer(
            "losses.html",
            asked=asked.overview,
            by=asked.by,
            board=views.board(found, asked.by),
            days=[(value, words, asked.to(days=value)) for value, words in DAYS.items()],
            apart=[(value, words, asked.to(by=value)) for value, words in views.APART.items()],
            projects=sorted({*reader.projects, *seen, *chosen}),
            without=WITHOUT,
            back=link("/overview", asked.overview.given),
            at=rfc3339(now),
        )
