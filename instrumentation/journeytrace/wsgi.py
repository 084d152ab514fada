"""Middleware for WSGI applications: every request knows the journey it belongs to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from journeytrace._incoming import Carrier

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

    from journeytrace._journey import Journey

__all__ = ["JourneyMiddleware"]


class JourneyMiddleware:
    """Resumes and activates the journey whose session id a header or a cookie brings.

    A request without one, or with an unusable one, goes on without a journey. The journey stays
    active while the server takes the body from the application. The server's own span, if it is
    current here, gets the session's id.

    Args:
        app: the application inside.
        header: the header's name, in any case. None: do not look.
        cookie: the cookie's name, looked for if the header is not there. None: do not look.

    Raises:
        TypeError: neither header nor cookie is named.
    """

    def __init__(
        self, app: WSGIApplication, *, header: str | None = None, cookie: str | None = None
    ) -> None:
        self._app = app
        self._carrier = Carrier(header, cookie)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Serve one request."""
        journey = self._carrier.journey(
            lambda name: environ.get("HTTP_" + name.upper().replace("-", "_"))
        )
        if not journey:
            return self._app(environ, start_response)
        with journey.activate():
            body = self._app(environ, start_response)
        # A finished body runs no code of the application, and a file the server may send faster.
        if isinstance(body, list | tuple) or _is_file(body, environ):
            return body
        return _Body(body, journey)


class _Body:
    """A response body that has its journey active whenever the application's code runs."""

    def __init__(self, body: Iterable[bytes], journey: Journey) -> None:
        self._body = body
        self._journey = journey
        with journey.activate():
            self._chunks = iter(body)

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        with self._journey.activate():
            return next(self._chunks)

    def close(self) -> None:
        if close := getattr(self._body, "close", None):
            with self._journey.activate():
                close()


def _is_file(body: object, environ: WSGIEnvironment) -> bool:
    wrapper = environ.get("wsgi.file_wrapper")
    return isinstance(wrapper, type) and isinstance(body, wrapper)
