"""People as somebody else names them, and the roles that the settings give them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from journeytrace_collector.settings.access import DeskAccess
from journeytrace_desk.access.actor import EVERYWHERE, Actor, Role

__all__ = ["MOST_CHARACTERS", "Person", "Roles", "UnnamedError", "named", "of_claims"]

MOST_CHARACTERS: Final = 256
"""Of the name of a person or a group. E-mail addresses have 254 at most."""


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who has been recognised, whatever they may do."""

    id: str
    groups: frozenset[str] = frozenset()


class UnnamedError(Exception):
    """What was said of somebody does not tell who they are. The message says what is amiss."""


class Roles:
    """Who has which role where."""

    def __init__(self, settings: DeskAccess) -> None:
        self._people = {name: _roles(given) for name, given in settings.people.items()}
        self._groups = {name: _roles(given) for name, given in settings.groups.items()}

    def known(self, person: Person) -> Person:
        """Leave out the groups that have no role, of which there can be hundreds."""
        return Person(person.id, person.groups & self._groups.keys())

    def actor(self, person: Person) -> Actor | None:
        """Join what they have by themselves and by their groups; None: no role at all."""
        given = [self._groups[group] for group in sorted(person.groups & self._groups.keys())]
        if person.id in self._people:
            given.append(self._people[person.id])
        joined = _joined([Actor(person.id, roles) for roles in given])
        return Actor(person.id, joined) if joined else None


def _roles(given: Mapping[str, str]) -> dict[str, Role]:
    return {project: Role[name.upper()] for project, name in given.items()}


def _joined(actors: list[Actor]) -> dict[str, Role]:
    """Give the highest role in each project that one of them names."""
    joined = {}
    for project in {project for actor in actors for project in actor.roles}:
        asked = None if project == EVERYWHERE else project
        joined[project] = max(role for actor in actors if (role := actor.role(asked)) is not None)
    return joined


def named(value: object, what: str) -> str:
    """Give the name of a person or a group as it was sent.

    Raises:
        UnnamedError: that is no name; `what` says where it stood.
    """
    if not isinstance(value, str) or not 1 <= len(value) <= MOST_CHARACTERS:
        raise UnnamedError(f"{what} is no text of 1 to {MOST_CHARACTERS} characters")
    if not value.isprintable():
        raise UnnamedError(f"{what} holds characters that cannot be shown")
    return value


def of_claims(
    claims: Mapping[str, Any], id_claim: str | None, groups_claim: str, *, vouched: bool = False
) -> Person:
    """Read who somebody is from the claims of a token that was checked.

    Args:
        claims: what the token says.
        id_claim: which one names the person; None: email, else sub.
        groups_claim: which one names their groups.
        vouched: whether an e-mail address counts without ``email_verified``.

    Raises:
        UnnamedError: the claims do not tell.
    """
    name = id_claim or ("email" if _has_email(claims, vouched) else "sub")
    if name not in claims:
        raise UnnamedError(f"the claim {name} is missing")
    if name == "email" and claims.get("email_verified", True) is not True:
        raise UnnamedError("the address in the claim email is not verified")
    return Person(named(claims[name], f"the claim {name}"), _groups(claims, groups_claim))


def _has_email(claims: Mapping[str, Any], vouched: bool) -> bool:
    return "email" in claims and claims.get("email_verified", vouched) is True


def _groups(claims: Mapping[str, Any], claim: str) -> frozenset[str]:
    found = claims.get(claim, ())
    groups: Iterable[object] = [found] if isinstance(found, str) else found
    if not isinstance(groups, list | tuple):
        raise UnnamedError(f"the claim {claim} is no list")
    return frozenset(named(group, f"a group of the claim {claim}") for group in groups)
