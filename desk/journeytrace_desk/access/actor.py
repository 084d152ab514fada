"""The person in front of the desk, and their rights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Final

from aiohttp import web

from journeytrace.conventions import ACTOR_ADDRESS

__all__ = ["EVERYWHERE", "LOCAL", "Actor", "Role", "actor_of", "known_as"]

EVERYWHERE: Final = "*"
"""Stands for all projects, and for sessions without one."""


class Role(IntEnum):
    """What somebody may do; each may do what those before it may."""

    VIEWER = 1
    """Look, with e-mail addresses and user ids masked."""
    ANALYST = 2
    """See them, and work with sessions."""
    ADMIN = 3
    """Erase, export and change settings."""


@dataclass(frozen=True, slots=True)
class Actor:
    """Somebody who has been recognised."""

    id: str
    """As it is recorded, ``journey.actor.id``."""
    roles: Mapping[str, Role]
    """By project. What is said for `EVERYWHERE` holds for all that are not named."""
    address: str | None = field(default=None, compare=False)
    """Where they are, as an address of IP; None: not known."""

    @property
    def said(self) -> dict[str, str]:
        """What is recorded of them with whatever they do, beside their id."""
        return {ACTOR_ADDRESS: self.address} if self.address else {}

    def role(self, project: str | None) -> Role | None:
        """Give their role in a project, None: in what has no project. None: they may see nothing
        of it.
        """
        if project is not None and project in self.roles:
            return self.roles[project]
        return self.roles.get(EVERYWHERE)

    def may(self, role: Role, project: str | None) -> bool:
        """Whether they have at least this role there."""
        has = self.role(project)
        return has is not None and has >= role

    @property
    def projects(self) -> frozenset[str] | None:
        """The only projects that they may see anything of; None: all."""
        return None if EVERYWHERE in self.roles else frozenset(self.roles)


LOCAL: Final = Actor("local", {EVERYWHERE: Role.ADMIN})
"""Whoever sits at the machine, where nothing says how to recognise people."""


_KEY: Final = web.RequestKey("actor", Actor)


def known_as(request: web.Request, actor: Actor) -> None:
    """Remember who asks."""
    request[_KEY] = actor


def actor_of(request: web.Request) -> Actor:
    """Give who asks. Raises `KeyError` where nobody was asked, which no handler is behind."""
    return request[_KEY]
