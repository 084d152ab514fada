"""Signing in at a provider and out again: three addresses, and the cookies between them."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Awaitable, Callable
from typing import Final
from urllib.parse import urlencode

from aiohttp import web

from journeytrace_collector.clock import Clock
from journeytrace_collector.core.acts import SIGN_IN, SIGN_OUT
from journeytrace_collector.errors import UnavailableError
from journeytrace_desk.access.cookies import Signer, drop, put
from journeytrace_desk.access.fetching import AwayError
from journeytrace_desk.access.people import Person, Roles, UnnamedError
from journeytrace_desk.access.provider import Attempt, Provider
from journeytrace_desk.access.refusal import Refusal, away, not_begun
from journeytrace_desk.access.returning import own_path
from journeytrace_desk.access.sessions import COOKIE, Sessions
from journeytrace_desk.access.tokens import BadTokenError

__all__ = ["ATTEMPT_COOKIE", "Note", "SignIn", "begin_at"]

_log = logging.getLogger(__name__)

Note = Callable[[str, str], Awaitable[None]]
"""Keeps an act that belongs to no session: whose, and which one. Raises `UnavailableError`."""

ATTEMPT_COOKIE: Final = "__Host-journeytrace-sign-in"
_KIND: Final = "sign-in"
_SECONDS: Final = 600
"""For signing in at the provider, a second factor and all."""


def begin_at(to: str) -> str:
    """Give the address where signing in begins, to come back to a path."""
    return f"/sign-in?{urlencode({'to': to})}"


class SignIn:
    """Sends people to the provider, and takes them in when they come back."""

    def __init__(
        self,
        provider: Provider,
        sessions: Sessions,
        roles: Roles,
        *,
        signer: Signer,
        clock: Clock,
        note: Note,
    ) -> None:
        self._provider = provider
        self._sessions = sessions
        self._signer = signer
        self._roles = roles
        self._clock = clock
        self._note = note
        self._used: dict[str, int] = {}
        """When the sign-ins that were finished would have expired, by their state, in s."""

    async def begin(self, request: web.Request) -> web.Response:
        """Send somebody to the provider, and remember in their browser that it was they."""
        state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
        attempt = Attempt(state, nonce, verifier, own_path(request.query.get("to", "")))
        try:
            response = _redirect(await self._provider.address(attempt))
        except AwayError as error:
            _log.warning("nobody can sign in: %s", error)
            raise away("Nobody can sign in meanwhile.") from None
        said = {
            "state": attempt.state,
            "nonce": attempt.nonce,
            "verifier": attempt.verifier,
            "to": attempt.to,
            "end": self._now() + _SECONDS,
        }
        put(response, ATTEMPT_COOKIE, self._signer.sign(_KIND, said))
        return response

    async def finish(self, request: web.Request) -> web.Response:
        """Take somebody in who comes back from the provider."""
        attempt = self._attempt(request)
        if "error" in request.query:
            _log.info("the provider refuses somebody: %.100s", request.query["error"])
            raise not_begun("The provider has not let you in.")
        code = _single(request, "code")
        if not code:
            raise not_begun("The provider sent no code.")
        person = await self._person(code, attempt)
        await self._note(person.id, SIGN_IN)
        response = _redirect(attempt.to)
        # Whatever the browser held before ends here: nobody is slipped a session of somebody else.
        before = self._sessions.read(request)
        if before is not None:
            self._sessions.end(before)
        drop(response, ATTEMPT_COOKIE)
        try:
            self._sessions.begin(self._roles.known(person), response)
        except ValueError:
            raise Refusal(403, "You are in too many groups", "Ask an admin of the desk.") from None
        return response

    async def leave(self, request: web.Request) -> web.Response:
        """Sign somebody out, on this side too."""
        session = self._sessions.read(request)
        response = _redirect("/signed-out")
        drop(response, COOKIE)
        # Chromium keeps whole pages to go back to, whatever no-store says.
        response.headers["Clear-Site-Data"] = '"cache"'
        if session is not None:
            self._sessions.end(session)
            try:
                await self._note(session.person.id, SIGN_OUT)
            except UnavailableError as error:
                # Nobody stays signed in because of that.
                _log.warning("that %s signed out is not kept: %s", session.person.id, error)
        return response

    async def left(self, _: web.Request) -> web.Response:
        """Say that they are signed out."""
        raise Refusal(200, "You are signed out", "The provider may know you still.", to="/")

    async def _person(self, code: str, attempt: Attempt) -> Person:
        """Exchange the code, which nobody does twice."""
        now = self._now()
        self._used = {state: end for state, end in self._used.items() if end > now}
        if attempt.state in self._used:
            raise not_begun("It has been finished already.")
        self._used[attempt.state] = now + _SECONDS
        try:
            return await self._provider.person(code, attempt)
        except AwayError as error:
            del self._used[attempt.state]
            _log.warning("somebody cannot sign in: %s", error)
            raise away("You are not signed in.") from None
        except BadTokenError as error:
            del self._used[attempt.state]
            _log.warning("a sign-in is refused: %s", error)
            raise not_begun("What the provider says of it is refused.") from None
        except UnnamedError as error:
            _log.warning("a sign-in names nobody: %s", error)
            raise not_begun(f"The provider does not say who you are: {error}.") from None

    def _attempt(self, request: web.Request) -> Attempt:
        """Give what was begun in this browser, if this is its end."""
        said = self._signer.read(_KIND, request.cookies.get(ATTEMPT_COOKIE, ""))
        if said is None:
            raise not_begun("It was not begun in this browser.")
        if self._now() >= said["end"]:
            raise not_begun("It has taken too long.")
        given = _single(request, "state") or ""
        if not secrets.compare_digest(given.encode(), said["state"].encode()):
            raise not_begun("It was not begun in this browser, or another one was begun since.")
        if "iss" in request.query and not self._provider.is_issuer(_single(request, "iss") or ""):
            raise not_begun("It comes from another provider.")
        return Attempt(said["state"], said["nonce"], said["verifier"], said["to"])

    def _now(self) -> int:
        return self._clock() // 10**9


def _single(request: web.Request, name: str) -> str | None:
    found = request.query.getall(name, [])
    return found[0] if len(found) == 1 else None


def _redirect(address: str) -> web.Response:
    # Not by aiohttp's exception, which would write the address anew.
    return web.Response(status=303, headers={"Location": address})
