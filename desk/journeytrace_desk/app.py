"""The web application: which address is answered by what."""

from __future__ import annotations

from aiohttp import web

from journeytrace_collector.admin.desk import DeskContext
from journeytrace_desk.access.admins import admins
from journeytrace_desk.access.gate import Gate, Recognise, whoever_sits_here
from journeytrace_desk.acts_pages import ActsPages
from journeytrace_desk.administering import Administering
from journeytrace_desk.assets import Assets
from journeytrace_desk.data_pages import DataPages
from journeytrace_desk.guard import answer_errors, secure
from journeytrace_desk.invitation_pages import InvitationPages
from journeytrace_desk.list_pages import ListPages
from journeytrace_desk.overview_pages import OverviewPages
from journeytrace_desk.pages import Pages
from journeytrace_desk.project_pages import ProjectPages
from journeytrace_desk.reading import Reading
from journeytrace_desk.session_pages import SessionPages
from journeytrace_desk.tabs import Tabs

__all__ = ["create"]

MOST_BYTES = 64 * 1024
"""Of a request's body: forms are short."""


def create(context: DeskContext, recognise: Recognise = whoever_sits_here) -> web.Application:
    """Make the desk of one collector; `recognise` tells who asks."""
    assets = Assets()
    gate = Gate(context, context.act, recognise)
    invites = bool(context.settings.invitations.journeys)
    pages = Pages(assets, signs_out=gate.signs_out, invites=invites)
    reading = Reading(context)
    overviews = OverviewPages(reading, pages)
    lists = ListPages(reading, pages, context.act)
    tabs = Tabs(reading, pages)
    sessions = SessionPages(tabs, pages)
    app = web.Application(middlewares=[answer_errors(pages)], client_max_size=MOST_BYTES)
    gate.join(app)
    app.on_response_prepare.append(secure)
    app.router.add_get("/", overviews.home)
    app.router.add_get("/overview", overviews.overview)
    app.router.add_get("/sessions", lists.sessions)
    app.router.add_get("/sessions/counts", lists.counts)
    app.router.add_get("/sessions/live", lists.live)
    app.router.add_get("/sessions.csv", lists.csv)
    app.router.add_get("/find", sessions.find)
    # Ids stand behind the question mark, for one may be called "..".
    app.router.add_get("/session", sessions.session)
    app.router.add_post("/session", sessions.reveal)
    app.router.add_get("/person", sessions.person)
    _invite(app.router, InvitationPages(reading, pages))
    _administer(app.router, context, pages)
    app.router.add_get("/help", pages.help)
    app.router.add_get("/static/{name}", assets.serve)
    return app


def _invite(router: web.UrlDispatcher, invitations: InvitationPages) -> None:
    """Add what only analysts may do."""
    router.add_get("/new", invitations.new)
    router.add_post("/new", invitations.invite)
    router.add_post("/new/link", invitations.link)
    router.add_post("/new/send", invitations.send)
    router.add_get("/invitations", invitations.list)
    router.add_post("/invitations/revoke", invitations.revoke)


def _administer(router: web.UrlDispatcher, context: DeskContext, pages: Pages) -> None:
    """Add what only admins may do. What changes or hands over something is a POST."""
    store = Administering(context)
    only = admins(pages)
    acts, data = ActsPages(store, pages), DataPages(store, pages)
    projects = ProjectPages(store, pages)
    router.add_get("/acts", only(acts.acts))
    router.add_get("/acts.csv", only(acts.csv))
    router.add_get("/data", only(data.data))
    router.add_post("/export", only(data.export))
    router.add_get("/erase", only(data.ask))
    router.add_post("/erase", only(data.erase))
    router.add_get("/erased", only(data.erased))
    router.add_get("/projects", only(projects.projects))
    router.add_post("/projects", only(projects.choose))
