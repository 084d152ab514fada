"""What only admins may do, and where."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from aiohttp import web
from aiohttp.typedefs import Handler

from journeytrace_collector.store.base import Scope
from journeytrace_desk.access.actor import Role, actor_of
from journeytrace_desk.access.scope import scope_of
from journeytrace_desk.pages import Pages

__all__ = ["Admin", "NoAdminError", "admins"]


@dataclass(frozen=True, slots=True)
class Admin:
    """An admin of at least one project."""

    id: str
    scope: Scope
    """Where they are one."""
    said: Mapping[str, str] = field(default_factory=dict)
    """See `Actor.said`."""

    def check(self, project: str | None) -> None:
        """Check that they are one of this project; None: of what has no project.

        Raises:
            NoAdminError: they are not.
        """
        if project not in self.scope:
            raise NoAdminError(project)


class NoAdminError(Exception):
    """Somebody is no admin of a project. Becomes a 403."""

    def __init__(self, project: str | None) -> None:
        whose = f"the project {project}" if project else "what has no project"
        super().__init__(f"This takes the role admin in {whose}, and you do not have it there.")


Administer = Callable[[web.Request, Admin], Awaitable[web.StreamResponse]]


def admins(pages: Pages) -> Callable[[Administer], Handler]:
    """Give what makes a handler answer admins alone: it is told where they are one."""

    def refuse(told: str) -> web.Response:
        return pages.answer(
            "error.html", status=403, code=403, said="This is for admins", told=told
        )

    def only(handler: Administer) -> Handler:
        async def answer(request: web.Request) -> web.StreamResponse:
            actor = actor_of(request)
            scope = scope_of(actor, Role.ADMIN)
            if scope is None:
                return refuse("It takes the role admin in at least one project. Ask an admin.")
            try:
                return await handler(request, Admin(actor.id, scope, actor.said))
            except NoAdminError as error:
                return refuse(str(error))

        return answer

    return only
