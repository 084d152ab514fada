"""Whose data a page is about, in words and in addresses."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from journeytrace_collector.store.base import EVERY_PROJECT, Scope, Subject
from journeytrace_desk.views.asked import link

__all__ = ["NAMES", "Whose", "counted", "data_of", "whose", "within"]

NAMES: Final = ("session", "user", "email")
"""The parameters that name a subject, of which an address has one."""

_WORDS: Final = {
    "session_id": ("session", "session id"),
    "user_id": ("user", "user id"),
    "email": ("email", "e-mail address"),
}


@dataclass(frozen=True, slots=True)
class Whose:
    """A subject."""

    name: str
    """Of `NAMES`."""
    value: str
    word: str
    """What the value is."""
    within: str | None
    """To which projects the page is bound, in words; None: to none."""
    back: str
    """Address of the session, or of the sessions of the person."""
    data: str
    erase: str


def whose(subject: Subject) -> Whose:
    """Describe a subject."""
    name, word = _WORDS[subject.field]
    value = subject.value
    back = {
        "session": link("/session", {"id": value}),
        "user": link("/person", {"id": value}),
        "email": link("/sessions", {"search": value, "field": "email"}),
    }
    said = {name: value}
    return Whose(
        name,
        value,
        word,
        within(subject.scope),
        back[name],
        link("/data", said),
        link("/erase", said),
    )


def data_of(
    *, session: str | None = None, user: str | None = None, emails: Iterable[str] = ()
) -> list[tuple[str, str]]:
    """Give the subjects that a page speaks of, in words, with the addresses of their data."""
    named = [("this session", "session", session), ("this user", "user", user)]
    named += [(email, "email", email) for email in emails]
    return [(word, link("/data", {name: value})) for word, name, value in named if value]


def within(scope: Scope) -> str | None:
    """Tell to which projects somebody is bound; None: to none."""
    if scope == EVERY_PROJECT:
        return None
    if scope.only is not None:
        return f"in {_listed(scope.only - scope.but)} alone"
    return f"in all projects but {_listed(scope.but)}"


def _listed(projects: frozenset[str]) -> str:
    return ", ".join(sorted(projects))


def counted(number: int, word: str) -> str:
    """Write how many there are: ``1 session``, ``2 sessions``."""
    return f"{number:,} {word}{'' if number == 1 else 's'}"
