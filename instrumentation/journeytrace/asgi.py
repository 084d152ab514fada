"""Middleware for ASGI applications: every request knows the journey it belongs to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

from journeytrace._incoming import Carrier

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, MutableMapping

    Scope: TypeAlias = MutableMapping[str, Any]
    Message: TypeAlias = MutableMapping[str, Any]
    Receive: TypeAlias = Callable[[], Awaitable[Message]]
    Send: TypeAlias = Callable[[Message], Awaitable[None]]
    Application: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]

__all__ = ["JourneyMiddleware"]


class JourneyMiddleware:
    """Resumes and activates the journey whose session id a header or a cookie brings.

    A request without one, or with an unusable one, goes on without a journey. The server's own
    span, if it is current here, gets the session's id.

    Args:
        app: the application inside.
        header: the header's name, in any case. None: do not look.
        cookie: the cookie's name, looked for if the header is not there. None: do not look.

    Raises:
        TypeError: neither header nor cookie is named.
    """

    def __init__(
        self, app: Application, *, header: str | None = None, cookie: str | None = None
    ) -> None:
        self._app = app
        self._carrier = Carrier(header, cookie)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, websocket or lifespan; the last has no journey."""
        if scope["type"] not in {"http", "websocket"}:
            await self._app(scope, receive, send)
            return
        journey = self._carrier.journey(lambda name: _header(scope, name))
        if journey:
            with journey.activate():
                await self._app(scope, receive, send)
        else:
            await self._app(scope, receive, send)


def _header(scope: Scope, wanted: str) -> str | None:
    name = wanted.encode("latin-1", "replace")
    # HTTP/2 may split the cookies over several headers.
    values = [value.decode("latin-1") for key, value in scope["headers"] if key.lower() == name]
    if not values:
        return None
    return "; ".join(values) if wanted == "cookie" else str(values[0])
