"""The web application: which address is answered by what."""

from __future__ import annotations

from aiohttp import web

from journeytrace_collector.admin.desk import DeskContext
from journeytrace_desk.assets import Assets
from journeytrace_desk.guard import answer_errors, guard, secure
from journeytrace_desk.list_pages import ListPages
from journeytrace_desk.pages import Pages
from journeytrace_desk.reading import Reading
from journeytrace_desk.session_pages import SessionPages

__all__ = ["create"]

MOST_BYTES = 64 * 1024
"""Of a request's body: nothing here takes one."""


def create(context: DeskContext) -> web.Application:
    """Make the desk of one collector."""
    assets = Assets()
    pages = Pages(assets)
    reading = Reading(context)
    lists = ListPages(reading, pages)
    sessions = SessionPages(reading, pages)
    app = web.Application(
        middlewares=[answer_errors(pages), guard(context.hosts)], client_max_size=MOST_BYTES
    )
    app.on_response_prepare.append(secure)
    app.router.add_get("/", lists.home)
    app.router.add_get("/sessions", lists.sessions)
    app.router.add_get("/sessions/counts", lists.counts)
    app.router.add_get("/sessions/live", lists.live)
    app.router.add_get("/sessions.csv", lists.csv)
    app.router.add_get("/find", sessions.find)
    # Ids stand behind the question mark, for one may be called "..".
    app.router.add_get("/session", sessions.session)
    app.router.add_get("/person", sessions.person)
    app.router.add_get("/help", pages.help)
    app.router.add_get("/static/{name}", assets.serve)
    return app
