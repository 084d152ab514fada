"""Who is answered, with which headers, and what they are told when something is wrong.

Until there is sign-in the desk is for one person: whoever sits at the machine that it runs on.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from journeytrace_collector.admin.api import BadParameterError
from journeytrace_collector.errors import (
    ForeignOriginError,
    MisdirectedError,
    StoreUnavailableError,
    UnavailableError,
)
from journeytrace_collector.hosts import Hosts
from journeytrace_desk.access.actor import LOCAL, Actor, known_as
from journeytrace_desk.access.origin import SAFE, check_origin

if TYPE_CHECKING:
    from journeytrace_desk.pages import Pages

__all__ = ["Recognise", "answer_errors", "guard", "secure", "whoever_sits_here"]

Recognise = Callable[[web.Request], Actor]
"""Tells who asks; what it raises is the answer."""

_log = logging.getLogger(__name__)

_HEADERS: Final = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self';"
        " connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    # Addresses of pages hold ids and e-mail addresses.
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}

_SAID: Final = {
    400: "This address does not say what to show",
    403: "The desk does not answer here",
    404: "There is nothing here",
    405: "This address is for looking",
    409: "The configuration says otherwise",
    413: "This is too much at once",
    421: "The desk is not known by this name",
    503: "The store does not answer",
}


async def secure(_: web.Request, response: web.StreamResponse) -> None:
    """Put on every answer what keeps a browser from doing more with it than showing it."""
    response.headers.update(_HEADERS)
    # Pages hold personal data, which no cache is to keep.
    response.headers.setdefault("Cache-Control", "no-store")


def whoever_sits_here(_: web.Request) -> Actor:
    """Take everybody for the one who sits at the machine."""
    return LOCAL


def guard(hosts: Hosts, recognise: Recognise) -> Middleware:
    """Answer whoever asks this machine by its own name, and nobody through a proxy."""

    @web.middleware
    async def check(request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.method in SAFE:
            hosts.check(request)
        else:
            # Pages that send no referrer say that their origin is null.
            hosts.check_host(request)
            check_origin(request, None)
        for name in request.headers:
            if name.lower() == "forwarded" or name.lower().startswith("x-forwarded-"):
                raise web.HTTPForbidden(
                    text=f"The header {name} says that a proxy stands in front of the desk, which"
                    " would let in whoever the proxy lets in, and cannot ask who that is."
                )
        known_as(request, recognise(request))
        return await handler(request)

    return check


def answer_errors(pages: Pages) -> Middleware:
    """Answer with a page that says what was wrong and what to do, whatever happens."""

    @web.middleware
    async def answer(request: web.Request, handler: Handler) -> web.StreamResponse:
        with pages.answering(request):
            return await attempt(request, handler)

    async def attempt(request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            return await handler(request)
        except BadParameterError as error:
            return _page(400, str(error))
        except (ForeignOriginError, MisdirectedError) as error:
            status = 421 if isinstance(error, MisdirectedError) else 403
            return _page(status, str(error))
        except UnavailableError as error:
            _log.warning("the desk has no answer from the store: %s", error)
            away = isinstance(error, StoreUnavailableError)
            text = "Nothing is lost by it. Try again in a moment."
            return _page(503, text if away else str(error), {"Retry-After": "2"})
        except web.HTTPRedirection:
            raise
        except web.HTTPException as error:
            told = (
                error.text if error.text and not error.text.startswith(f"{error.status}:") else ""
            )
            headers = {"Allow": error.headers["Allow"]} if "Allow" in error.headers else {}
            return _page(error.status, told, headers)
        except Exception:
            _log.exception("%s %s failed", request.method, request.path)
            return _page(500, "The collector's log says why.")

    def _page(status: int, text: str, headers: dict[str, str] | None = None) -> web.StreamResponse:
        said = _SAID.get(status, "The desk failed on this request")
        reply = pages.answer("error.html", status=status, code=status, said=said, told=text)
        reply.headers.update(headers or {})
        return reply

    return answer
