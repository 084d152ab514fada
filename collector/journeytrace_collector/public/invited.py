"""The pages behind the links of invitations.

A GET only shows a page, however often it is asked for: scanners of mails open every link. The
button's POST is what opens it, once and for one browser: the one that had shown the page, by a
cookie. So neither a lost answer nor a second touch of the button locks anybody out.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Final
from urllib.parse import urlencode, urlsplit

from aiohttp import web

from journeytrace import conventions as names
from journeytrace.browser import AUDIENCE, MAX_MINUTES, Key, mint
from journeytrace_collector.background import Once
from journeytrace_collector.clock import Clock
from journeytrace_collector.core.invitations import (
    OPENED,
    Invitation,
    Standing,
    act_id,
    browser_hash,
    digest_of,
    standing,
)
from journeytrace_collector.errors import UnavailableError
from journeytrace_collector.health import Health
from journeytrace_collector.invitations.inviting import PATH, TOKEN, find
from journeytrace_collector.public.invited_page import Said, page
from journeytrace_collector.public.refusal import Outcome, RefusedError
from journeytrace_collector.recording import Record
from journeytrace_collector.settings.invitations import Invitations, InvitedJourney
from journeytrace_collector.store.base import Store

__all__ = ["InvitedPages"]

_log = logging.getLogger(__name__)

ACTOR: Final = "invited person"
"""Who opens a link."""

_SECOND: Final = 1_000_000_000
_CSS: Final = Path(__file__).with_name("invited.css")
_HEADERS: Final = {
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    # The address is the secret.
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex, nofollow, noarchive",
}
_POLICY: Final = (
    "default-src 'none'; style-src 'self'; img-src data:; form-action 'self'{};"
    " base-uri 'none'; frame-ancestors 'none'"
)
_ASK: Final = "Please ask whoever sent it to you for a new one."
_UNKNOWN: Final = Said(
    404,
    "This link leads nowhere",
    ("Perhaps a part of it got lost on the way: open it from the message as it is.", _ASK),
)
_EXPIRED: Final = Said(410, "This link has expired", ("Links are good for a limited time.", _ASK))
_REVOKED: Final = Said(410, "This link is not valid any more", ("It was taken back.", _ASK))
_USED: Final = Said(
    410,
    "This link has been used",
    (
        "It can be opened once. If it was you, go on in the browser in which you opened it first.",
        "If it was not you, tell whoever sent it to you, and ask for a new one.",
    ),
)
_FOREIGN: Final = Said(
    403, "This did not come from our page", ("Open the link from the message, and try again.",)
)
_MANY: Final = Said(
    429, "One moment, please", ("Too much comes from your network. Try again in a minute.",)
)
_AWAY: Final = Said(
    503, "One moment, please", ("We cannot open it just now. Try again in a minute.",)
)
_FAILED: Final = Said(500, "This did not work", ("Something is wrong with us. Try again later.",))

Check = Callable[[web.Request], None]
"""Raises `RefusedError` if an address asks too often."""


class InvitedPages:
    """Answers whoever follows a link."""

    def __init__(
        self,
        settings: Invitations,
        key: Key,
        *,
        store: Store,
        record: Record,
        clock: Clock,
        check_address: Check,
        health: Health,
    ) -> None:
        """Hand over to the forms of `settings`, with tokens that `key` signs."""
        self._settings = settings
        self._key = key
        self._store = store
        self._record = record
        self._clock = clock
        self._check_address = check_address
        self._health = health
        self._css = _CSS.read_bytes()
        self._secure = (settings.url or "").startswith("https:")
        # Nobody but this very host can set a cookie of such a name.
        self._cookie = "__Host-invitation" if self._secure else "invitation"
        self._said = Once()

    def join(self, app: web.Application) -> None:
        """Add the pages to an application."""
        app.router.add_get(f"{PATH}page.css", self._style)
        app.router.add_get(f"{PATH}{{token}}", self._answering(self.show))
        app.router.add_post(f"{PATH}{{token}}", self._answering(self.open))

    def _answering(
        self, handler: Callable[[web.Request], Awaitable[web.Response]]
    ) -> Callable[[web.Request], Awaitable[web.Response]]:
        """Answer with a page whatever happens. No line of the log says which link it was."""

        async def answer(request: web.Request) -> web.Response:
            try:
                self._check_address(request)
                return await handler(request)
            except RefusedError:
                self._count(Outcome.LIMITED_ADDRESS)
                return _answer(_MANY, {"Retry-After": "60"})
            except UnavailableError:
                self._count(Outcome.UNAVAILABLE)
                return _answer(_AWAY, {"Retry-After": "2"})
            except asyncio.CancelledError:
                raise
            except Exception as error:
                if self._said.first(type(error).__name__):
                    _log.exception("a link could not be opened (others like it are only counted)")
                self._count(Outcome.FAILED)
                return _answer(_FAILED)

        return answer

    def _count(self, outcome: Outcome) -> None:
        self._health.add(names.COLLECTOR_PUBLIC_REQUESTS_TOTAL, (outcome.value,))

    async def show(self, request: web.Request) -> web.Response:
        """Answer with the page that a link leads to. It opens nothing."""
        found, journey = await self._find(request)
        if found is None or journey is None:
            return _answer(_UNKNOWN if found is None else _REVOKED)
        secret = self._secret(request) or secrets.token_urlsafe(32)
        if closed := self._closed(found, secret):
            return _answer(closed)
        name = self._settings.called(found.journey)
        if found.opened_at is None:
            said = Said(
                200,
                name,
                ("You were asked to verify who you are. It takes a few minutes.",),
                "Begin",
                f"This link can be opened once, until {_moment(found.expires_at)}.",
            )
        else:
            said = Said(
                200, name, ("You have begun in this browser already.",), "Go on where you were"
            )
        answer = _answer(said, form=journey.form)
        self._remember(answer, secret, found)
        return answer

    async def open(self, request: web.Request) -> web.Response:
        """Open a link, and lead to the form with the session in the fragment of its address."""
        if not self._is_ours(request):
            return _answer(_FOREIGN)
        found, journey = await self._find(request)
        if found is None or journey is None:
            return _answer(_UNKNOWN if found is None else _REVOKED)
        # Who refuses cookies gets in all the same, and cannot come back.
        secret = self._secret(request) or secrets.token_urlsafe(32)
        if closed := self._closed(found, secret):
            return _answer(closed)
        if found.opened_at is None:
            attributes = {
                names.INVITATION_ID: found.id,
                names.INVITATION_BROWSER: browser_hash(secret, found.id),
            }
            once = act_id(OPENED, found.id)
            await self._record(OPENED, found.session_id, ACTOR, attributes, event_id=once)
            # Of two at the same moment the store has kept one.
            again, _ = await self._find(request)
            if again is None:
                return _answer(_UNKNOWN)
            if closed := self._closed(again, secret):
                return _answer(closed)
            found = again
        fragment = urlencode(
            {"journey.session": found.session_id, "journey.token": self._token(found, journey)}
        )
        headers = {**_HEADERS, "Location": f"{journey.form}#{fragment}"}
        answer = web.Response(status=303, headers=headers)
        self._remember(answer, secret, found)
        return answer

    async def _find(self, request: web.Request) -> tuple[Invitation | None, InvitedJourney | None]:
        """Give the invitation and its journey; None: unknown, or offered no more."""
        token = request.match_info["token"]
        if not TOKEN.fullmatch(token):
            return None, None
        found = await find(self._store, digest_of(token))
        journey = self._settings.journeys.get(found.journey) if found else None
        # Who may speak for one project invites nobody into another's.
        if found and journey and journey.project != found.project:
            return None, None
        return found, journey

    def _closed(self, found: Invitation, secret: str) -> Said | None:
        """Say why a browser cannot open a link, which it is told; None: it can."""
        now = self._clock()
        match standing(
            now,
            expires_at=found.expires_at,
            opened_at=found.opened_at,
            revoked_at=found.revoked_at,
        ):
            case Standing.REVOKED:
                return _REVOKED
            case Standing.EXPIRED:
                return _EXPIRED
            case Standing.OPENED:
                same = secrets.compare_digest(browser_hash(secret, found.id), found.browser)
                if not same:
                    return _USED
                return _EXPIRED if now >= found.open_until else None
        return None

    def _is_ours(self, request: web.Request) -> bool:
        """Whether our own page sent it. Where a browser is too old to say so, and tells no origin
        because our page asks it not to, that is taken for one of ours: no harm is done by it."""
        sites = request.headers.getall("Sec-Fetch-Site", [])
        if sites:
            return all(site in {"same-origin", "none"} for site in sites)
        own = {self._settings.url, "null"}
        return all(origin.lower() in own for origin in request.headers.getall("Origin", []))

    def _secret(self, request: web.Request) -> str | None:
        found = request.cookies.get(self._cookie, "")
        return found if TOKEN.fullmatch(found) else None

    def _remember(self, answer: web.Response, secret: str, found: Invitation) -> None:
        """Let the browser come back for as long as it may."""
        longest = found.open_until if found.opened_at else 2 * found.expires_at - found.invited_at
        answer.set_cookie(
            self._cookie,
            secret,
            max_age=max(1, (longest - self._clock()) // _SECOND),
            path="/",
            secure=self._secure,
            httponly=True,
            # Strict would not come along from a mail; no other site's form gets it.
            samesite="Lax",
        )

    def _token(self, found: Invitation, journey: InvitedJourney) -> str:
        now = self._clock() // _SECOND
        return mint(
            self._key,
            {
                "sub": found.session_id,
                "aud": AUDIENCE,
                "project": journey.project,
                "iat": now,
                "exp": now + MAX_MINUTES * 60,
                "start": (found.opened_at or self._clock()) // _SECOND,
            },
        )

    async def _style(self, _: web.Request) -> web.Response:
        headers = {"Cache-Control": "max-age=3600", "X-Content-Type-Options": "nosniff"}
        return web.Response(
            body=self._css, content_type="text/css", charset="utf-8", headers=headers
        )


def _answer(
    said: Said, more: dict[str, str] | None = None, *, form: str | None = None
) -> web.Response:
    """Give a page; `form`: where its button may lead, which browsers look at, too."""
    parts = urlsplit(form) if form else None
    policy = _POLICY.format(f" {parts.scheme}://{parts.netloc}" if parts else "")
    return web.Response(
        body=page(said),
        status=said.status,
        content_type="text/html",
        charset="utf-8",
        headers={**_HEADERS, "Content-Security-Policy": policy, **(more or {})},
    )


def _moment(ns: int) -> str:
    moment = datetime.fromtimestamp(ns // _SECOND, UTC)
    return f"{moment.day} {moment:%b %Y, %H:%M} UTC".replace(" ", "\N{NO-BREAK SPACE}")
