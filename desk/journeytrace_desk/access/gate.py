"""Before every page: whoever asks is somebody, and may."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Final
from urllib.parse import urlsplit

from aiohttp import web
from aiohttp.typedefs import Handler

from journeytrace_collector.admin.desk import DeskContext
from journeytrace_collector.errors import ConfigError
from journeytrace_collector.hosts import Hosts
from journeytrace_collector.public.addresses import seen_from
from journeytrace_collector.settings.access import CALLBACK, OpenIdConnect
from journeytrace_collector.settings.files import read_file
from journeytrace_desk.access.actor import LOCAL, Actor, known_as
from journeytrace_desk.access.cookies import Signer, keys_of
from journeytrace_desk.access.fetching import Fetching
from journeytrace_desk.access.origin import SAFE, check_origin
from journeytrace_desk.access.people import Person, Roles
from journeytrace_desk.access.provider import Provider
from journeytrace_desk.access.proxies import HeaderProxy, Proxy, TokenProxy
from journeytrace_desk.access.refusal import Refusal
from journeytrace_desk.access.sessions import Sessions, SignedIn
from journeytrace_desk.access.sign_in import Note, SignIn

__all__ = ["UNASKED", "Gate", "Recognise", "whoever_sits_here"]

Recognise = Callable[[web.Request], Actor]
"""Tells who asks; what it raises is the answer."""

UNASKED: Final = "Desk-Unasked"
"""Header of what a page asks for by itself, which keeps nobody signed in."""

_OPEN: Final = frozenset({"/sign-in", CALLBACK, "/sign-out", "/signed-out"})
"""For whoever has not signed in, too; and what pages are drawn with."""
_SESSION: Final = web.RequestKey("signed in", SignedIn)


def whoever_sits_here(_: web.Request) -> Actor:
    """Take everybody for the one who sits at the machine."""
    return LOCAL


class Gate:
    """Decides who somebody is, as the settings say: by a proxy, by a provider, or not at all."""

    def __init__(
        self, context: DeskContext, note: Note, local: Recognise = whoever_sits_here
    ) -> None:
        """Read the files that the settings name.

        `note` keeps who signs in and out; `local` tells who asks where the settings say nothing.

        Raises:
            ConfigError, StartError: they cannot be used.
        """
        settings = context.settings.desk_access
        self._local = local
        self._own = settings.url
        trusted = settings.proxy_header.proxies if settings.proxy_header else ()
        self._proxies = (*(settings.proxies or ()), *trusted)
        self._contact = settings.contact
        named = (urlsplit(settings.url).hostname or "",) if settings.url else ()
        self._hosts = Hosts((*context.settings.hosts, *named))
        self._roles = Roles(settings)
        self._fetching = Fetching()
        self._proxy: Proxy | None = None
        self._sessions: Sessions | None = None
        self._sign_in: SignIn | None = None
        clock = context.clock
        if settings.proxy_header is not None:
            self._proxy = HeaderProxy(settings.proxy_header)
        elif settings.proxy_token is not None:
            self._proxy = TokenProxy(settings.proxy_token, clock, self._fetching)
        elif settings.oidc is not None and settings.url is not None:
            signer = Signer(keys_of(context.settings))
            self._sessions = Sessions(signer, clock, idle=settings.idle, lifetime=settings.lifetime)
            provider = Provider(
                settings.oidc, settings.url, _secret(settings.oidc), clock, self._fetching
            )
            self._sign_in = SignIn(
                provider, self._sessions, self._roles, signer=signer, clock=clock, note=note
            )

    @property
    def signs_out(self) -> bool:
        """Whether people sign out here; else whoever let them in does that."""
        return self._sign_in is not None

    def join(self, app: web.Application) -> None:
        """Stand before all pages of an application, with pages of its own."""
        app.middlewares.append(self.middleware)
        app.on_response_prepare.append(self._renew)
        app.on_cleanup.append(self._close)
        if self._sign_in is not None:
            app.router.add_get("/sign-in", self._sign_in.begin)
            app.router.add_get(CALLBACK, self._sign_in.finish)
            app.router.add_post("/sign-out", self._sign_in.leave)
            app.router.add_get("/signed-out", self._sign_in.left)

    @web.middleware
    async def middleware(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Let pass who may, and say who it is."""
        check_origin(request, self._own)
        if self._proxy is None and self._sessions is None:
            self._check_local(request)
            self._know(request, self._local(request))
        else:
            self._hosts.check_host(request)
            if request.path not in _OPEN and not request.path.startswith("/static/"):
                self._know(request, self._actor(await self._person(request)))
        return await handler(request)

    def _know(self, request: web.Request, actor: Actor) -> None:
        peer = request.transport.get_extra_info("peername") if request.transport else None
        forwarded = request.headers.getall("X-Forwarded-For", [])
        found = seen_from(str(peer[0]), forwarded, self._proxies) if peer else None
        known_as(request, replace(actor, address=str(found) if found else None))

    def _check_local(self, request: web.Request) -> None:
        """Answer who asks this machine by its own name, and nobody through a proxy."""
        if request.method in SAFE:
            self._hosts.check(request)
        else:
            # Of a form whose page tells no referrer the origin is "null".
            self._hosts.check_host(request)
        for name in request.headers:
            if name.lower() == "forwarded" or name.lower().startswith("x-forwarded-"):
                raise web.HTTPForbidden(
                    text=f"The header {name} says that a proxy stands in front of the desk, which"
                    " would let in whoever the proxy lets in, and does not ask who that is: say in"
                    " desk_access how it knows people."
                )

    async def _person(self, request: web.Request) -> Person:
        if self._proxy is not None:
            return await self._proxy.person(request)
        session = self._sessions.read(request) if self._sessions is not None else None
        if session is None:
            to = request.path_qs if request.method in SAFE else "/"
            raise Refusal(401, "You are not signed in", "", to=to)
        request[_SESSION] = session
        return session.person

    def _actor(self, person: Person) -> Actor:
        actor = self._roles.actor(person)
        if actor is None:
            whom = self._contact or "an admin of the desk"
            raise Refusal(
                403,
                "You have no role here",
                f"The desk knows you as {person.id}. Ask {whom}.",
                leaves=True,
            )
        return actor

    async def _renew(self, request: web.Request, response: web.StreamResponse) -> None:
        session = request.get(_SESSION)
        if self._sessions is not None and session is not None and UNASKED not in request.headers:
            self._sessions.renew(session, response)

    async def _close(self, _: web.Application) -> None:
        await self._fetching.close()


def _secret(settings: OpenIdConnect) -> str | None:
    file = settings.client_secret_file
    if file is None:
        return None
    key = "desk_access.oidc.client_secret_file"
    found = read_file(key, file).strip()
    if not found:
        raise ConfigError(f"{key}: {file} holds no secret")
    return found
