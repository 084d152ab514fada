"""Settings of projects: how long their sessions are kept."""

from __future__ import annotations

from typing import Final

from aiohttp import web

from journeytrace.conventions import RETENTION_DAYS_ALLOWED
from journeytrace_collector.admin.api import BadParameterError
from journeytrace_collector.core.acts import RETENTION
from journeytrace_collector.core.fields import MAX_FIELD, printable
from journeytrace_collector.core.retention import Retention
from journeytrace_collector.store.base import ActQuery
from journeytrace_desk.access.admins import Admin
from journeytrace_desk.administering import Administering
from journeytrace_desk.forms import typed
from journeytrace_desk.pages import Pages
from journeytrace_desk.views.acts import line
from journeytrace_desk.views.projects import rows

__all__ = ["ProjectPages"]

MOST_CHANGES: Final = 50


class ProjectPages:
    """Answers admins with the projects of which they are one."""

    def __init__(self, store: Administering, pages: Pages) -> None:
        self._store = store
        self._pages = pages

    async def projects(self, _: web.Request, admin: Admin) -> web.Response:
        """Answer with all projects and how long they have their sessions kept."""
        periods = await self._store.periods()
        known = {*await self._store.projects(), *self._store.named, *(admin.scope.only or ())}
        known |= {period.project_id for period in periods}
        changes = await self._store.acts(MOST_CHANGES, ActQuery(act=RETENTION, scope=admin.scope))
        return self._pages.answer(
            "projects.html",
            rows=rows(known, Retention(periods), self._store.fixed, admin.scope),
            days=RETENTION_DAYS_ALLOWED,
            changes=[line(act) for act in changes],
            others=admin.scope.only is None,
        )

    async def choose(self, request: web.Request, admin: Admin) -> web.Response:
        """Keep what was chosen for one project, and lead back."""
        given = await typed(request, "project", "new", "without", "days")
        # One that is typed loses what was pasted around it, one that is there is as it is.
        project = given.get("project") or given.get("new", "").strip()
        days = given.get("days", "")
        if ("without" in given) is bool(project):
            raise BadParameterError("project", "is missing", "a project, or those without one")
        if len(project) > MAX_FIELD or printable(project) != project:
            allowed = f"up to {MAX_FIELD} printable characters"
            raise BadParameterError("project", "can be none", allowed)
        if days not in map(str, RETENTION_DAYS_ALLOWED):
            allowed = ", ".join(map(str, RETENTION_DAYS_ALLOWED))
            raise BadParameterError("days", f"is {days!r}", allowed)
        admin.check(project or None)
        if project in self._store.fixed:
            raise web.HTTPConflict(
                text=f"The configuration keeps sessions of {project} for"
                f" {self._store.fixed[project]} days. What it says is changed there, and not here."
            )
        await self._store.choose_period(project, int(days), admin.id)
        raise web.HTTPSeeOther("/projects")
