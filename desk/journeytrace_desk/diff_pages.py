"""Two cohorts side by side: what differs between them."""

from __future__ import annotations

from collections.abc import Mapping

from aiohttp import web

from journeytrace_collector.admin.api import BadParameterError
from journeytrace_collector.admin.cohorts import parse_pair
from journeytrace_desk.access.actor import actor_of
from journeytrace_desk.pages import Pages
from journeytrace_desk.reading import Reading
from journeytrace_desk.views import diff as views
from journeytrace_desk.views.asked import link, stated

__all__ = ["DiffPages"]

_PARAMETERS = ("a", "b", "project", "since", "until", "all")
_HOUR = ("from", "to", "project")
MOST_PROJECTS = 200


class DiffPages:
    """Answers with what differs."""

    def __init__(self, reading: Reading, pages: Pages) -> None:
        self._reading = reading
        self._pages = pages

    async def diff(self, request: web.Request) -> web.Response:
        """Answer with a comparison, or with the form for one."""
        given = stated(request.query)
        now = self._reading.now()
        if "from" in given or "to" in given:
            _check(given, _HOUR)
            until = now - self._reading.context.idle_timeout
            raise web.HTTPSeeOther(link("/diff", views.last_week(given, until)))
        _check(given, _PARAMETERS)
        if given != dict(request.query):
            raise web.HTTPSeeOther(link("/diff", given))
        reader = self._reading.of(actor_of(request))
        every = given.pop("all", None) is not None
        found = None
        if given.get("a"):
            found = await reader.compare(parse_pair(given), now)
        seen = set(await reader.seen_projects(MOST_PROJECTS))
        return self._pages.answer(
            "diff.html",
            given={name: given.get(name, "") for name in _PARAMETERS},
            found=found,
            board=views.board(found, every=every) if found else None,
            every=link("/diff", {**given, "all": "yes"}),
            ideas=views.ideas(given, await reader.versions(), now),
            projects=sorted({*reader.projects, *seen, given.get("project", "")} - {""}),
        )


def _check(given: Mapping[str, str], known: tuple[str, ...]) -> None:
    for name in given:
        if name not in known:
            raise BadParameterError(name, "is no parameter here", ", ".join(known))
