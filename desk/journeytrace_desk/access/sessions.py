"""Who has signed in, for how long, and that they have signed out again.

A browser brings along who somebody is, signed. So nothing is stored for those who are signed in;
only that somebody has signed out has to be remembered, until what they had would have ended anyway.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final

from aiohttp import web

from journeytrace_collector.clock import Clock
from journeytrace_desk.access.cookies import Signer, put
from journeytrace_desk.access.people import Person

__all__ = ["COOKIE", "Sessions", "SignedIn"]

COOKIE: Final = "__Host-journeytrace"
"""The prefix makes browsers take it from this very host alone, and over TLS."""
_KIND: Final = "session"
_RENEWED_AFTER: Final = 60
"""Seconds: a click does not need a cookie each time."""


@dataclass(frozen=True, slots=True)
class SignedIn:
    """Somebody's session at the desk. Times in s since 1970."""

    id: str
    person: Person
    began: int
    seen: int
    """When they last did something, as far as their cookie knows."""


class Sessions:
    """Gives out cookies, and believes them for a while."""

    def __init__(
        self, signer: Signer, clock: Clock, *, idle: timedelta, lifetime: timedelta
    ) -> None:
        self._signer = signer
        self._clock = clock
        self._idle = round(idle.total_seconds())
        self._lifetime = round(lifetime.total_seconds())
        self._ended: dict[str, int] = {}
        """When the sessions that somebody ended would have ended by themselves, by id."""

    def begin(self, person: Person, response: web.StreamResponse) -> None:
        """Sign somebody in, by an id that nobody knew before. Raises `ValueError`: see `Signer`."""
        now = self._now()
        self._put(SignedIn(secrets.token_urlsafe(16), person, now, now), response)

    def read(self, request: web.Request) -> SignedIn | None:
        """Give who has signed in; None: nobody, or no longer."""
        said = self._signer.read(_KIND, request.cookies.get(COOKIE, ""))
        if said is None:
            return None
        person = Person(said["sub"], frozenset(said["groups"]))
        session = SignedIn(said["jti"], person, said["began"], said["seen"])
        now = self._now()
        idle = now - session.seen >= self._idle
        return None if idle or session.id in self._ended or now >= self._end(session) else session

    def renew(self, session: SignedIn, response: web.StreamResponse) -> None:
        """Note that they do something, once a minute."""
        now = self._now()
        if now - session.seen >= _RENEWED_AFTER and session.id not in self._ended:
            self._put(replace(session, seen=now), response)

    def end(self, session: SignedIn) -> None:
        """Sign somebody out: their cookie opens nothing any more, whoever has it."""
        now = self._now()
        self._ended = {id_: end for id_, end in self._ended.items() if end > now}
        self._ended[session.id] = self._end(session)

    def _end(self, session: SignedIn) -> int:
        return session.began + self._lifetime

    def _put(self, session: SignedIn, response: web.StreamResponse) -> None:
        said = {
            "jti": session.id,
            "sub": session.person.id,
            "groups": sorted(session.person.groups),
            "began": session.began,
            "seen": session.seen,
        }
        put(response, COOKIE, self._signer.sign(_KIND, said))

    def _now(self) -> int:
        return self._clock() // 10**9
