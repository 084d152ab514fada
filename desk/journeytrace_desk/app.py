"""The web application: which address is answered by what."""

from __future__ import annotations

from aiohttp import web

from journeytrace_collector.admin.desk import DeskContext
from journeytrace_collector.errors import ConfigError
from journeytrace_collector.settings import Settings
from journeytrace_desk.access.admins import admins
from journeytrace_desk.access.gate import Gate, Recognise, whoever_sits_here
from journeytrace_desk.acts_pages import ActsPages
from journeytrace_desk.administering import Administering
from journeytrace_desk.assets import Assets
from journeytrace_desk.audit_pages import AuditPages
from journeytrace_desk.data_pages import DataPages
from journeytrace_desk.diff_pages import DiffPages
from journeytrace_desk.document_pages import DocumentPages
from journeytrace_desk.form_pages import FormPages
from journeytrace_desk.guard import answer_errors, secure
from journeytrace_desk.invitation_pages import InvitationPages
from journeytrace_desk.list_pages import ListPages
from journeytrace_desk.loss_pages import LossPages
from journeytrace_desk.note_pages import NotePages
from journeytrace_desk.overview_pages import OverviewPages
from journeytrace_desk.pages import Pages
from journeytrace_desk.project_pages import ProjectPages
from journeytrace_desk.reading import Reading
from journeytrace_desk.report_pages import ReportPages
from journeytrace_desk.screening_pages import ScreeningPages
from journeytrace_desk.session_pages import SessionPages
from journeytrace_desk.tabs import Tabs
from journeytrace_desk.task_pages import TaskPages
from journeytrace_desk.verdict_pages import VerdictPages

__all__ = ["create"]

MOST_BYTES = 64 * 1024
"""Of a request's body: forms are short."""


def create(context: DeskContext, recognise: Recognise = whoever_sits_here) -> web.Application:
    """Make the desk of one collector; `recognise` tells who asks.

    Raises:
        ConfigError, StartError: the settings cannot be used.
    """
    _check_two_people(context.settings, recognise)
    assets = Assets()
    gate = Gate(context, context.act, recognise)
    invites = bool(context.settings.invitations.journeys)
    pages = Pages(assets, signs_out=gate.signs_out, invites=invites, rules=context.rules)
    reading = Reading(context)
    overviews = OverviewPages(reading, pages)
    lists = ListPages(reading, pages, context.act)
    tabs = Tabs(reading, pages)
    sessions = SessionPages(tabs, pages)
    verdicts = VerdictPages(tabs)
    screening = ScreeningPages(tabs)
    reports = ReportPages(tabs)
    app = web.Application(middlewares=[answer_errors(pages)], client_max_size=MOST_BYTES)
    gate.join(app)
    app.on_response_prepare.append(secure)
    app.router.add_get("/", overviews.home)
    app.router.add_get("/overview", overviews.overview)
    app.router.add_get("/diff", DiffPages(reading, pages).diff)
    app.router.add_get("/losses", LossPages(reading, pages).losses)
    app.router.add_get("/sessions", lists.sessions)
    app.router.add_get("/sessions/counts", lists.counts)
    app.router.add_get("/sessions/live", lists.live)
    app.router.add_get("/sessions.csv", lists.csv)
    app.router.add_get("/find", sessions.find)
    # Ids stand behind the question mark, for one may be called "..".
    app.router.add_get("/session", sessions.session)
    app.router.add_post("/session", sessions.reveal)
    app.router.add_get("/session/verdict", verdicts.ask)
    app.router.add_post("/session/verdict", verdicts.decide)
    app.router.add_get("/session/screening", screening.screening)
    app.router.add_post("/session/screening", screening.ask)
    app.router.add_post("/session/screening/hit", screening.mark)
    app.router.add_get("/session/report", reports.report)
    app.router.add_post("/session/report", reports.issue)
    app.router.add_get("/session/report.pdf", reports.pdf)
    app.router.add_get("/person", sessions.person)
    _join_tabs(app.router, tabs, sessions, pages)
    _invite(app.router, InvitationPages(reading, pages))
    _administer(app.router, context, pages)
    app.router.add_get("/help", pages.help)
    app.router.add_get("/static/{name}", assets.serve)
    return app


def _join_tabs(router: web.UrlDispatcher, tabs: Tabs, sessions: SessionPages, pages: Pages) -> None:
    """Add the further pages of a session, and what can be done there: that is a POST."""
    form, document = FormPages(tabs), DocumentPages(tabs)
    audit, tasks, notes = AuditPages(tabs), TaskPages(tabs, pages), NotePages(tabs, sessions)
    router.add_get("/session/form", form.form)
    router.add_get("/session/document", document.document)
    router.add_get("/session/audit", audit.audit)
    router.add_post("/session/audit.csv", audit.csv)
    router.add_get("/session/tasks", tasks.of_session)
    router.add_post("/session/task", tasks.act)
    router.add_post("/session/assign", tasks.assign)
    router.add_post("/session/note", notes.add)
    router.add_get("/tasks", tasks.every)


def _check_two_people(settings: Settings, recognise: Recognise) -> None:
    one_alone = recognise is whoever_sits_here and not settings.desk_access.known
    if settings.asks_for_two and one_alone:
        raise ConfigError(
            "two_people: nobody is told from anybody else at this desk, so there is no second"
            " person: say in desk_access how people are known"
        )


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
