"""With which headers everybody is answered, and what they are told when something is wrong."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from journeytrace_collector.admin.api import BadParameterError
from journeytrace_collector.admin.guard import hung_up
from journeytrace_collector.errors import (
    ForeignOriginError,
    MisdirectedError,
    NotSetUpError,
    StoreUnavailableError,
    UnavailableError,
)
from journeytrace_desk.access.refusal import Refusal
from journeytrace_desk.access.sign_in import begin_at

if TYPE_CHECKING:
    from journeytrace_desk.pages import Pages

__all__ = ["answer_errors", "framed", "framing", "secure"]

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

_CSP: Final = "Content-Security-Policy"
_POLICY: Final = web.ResponseKey("policy", str)
"""What stands in the place of the policy of all others."""
_FRAMED: Final = "default-src 'none'; frame-ancestors 'self'"
"""Of a file that the browser's own viewer shows."""

_SAID: Final = {
    400: "This address does not say what to show",
    403: "The desk does not answer here",
    404: "There is nothing here",
    405: "This address is for looking",
    409: "The configuration says otherwise",
    413: "This is too much at once",
    501: "The collector is not set up for this",
    421: "The desk is not known by this name",
    503: "The store does not answer",
}


async def secure(_: web.Request, response: web.StreamResponse) -> None:
    """Put on every answer what keeps a browser from doing more with it than showing it."""
    response.headers.update(_HEADERS)
    if (policy := response.get(_POLICY)) is not None:
        response.headers[_CSP] = policy
    # Pages hold personal data, which no cache is to keep.
    response.headers.setdefault("Cache-Control", "no-store")


def framing(response: web.Response) -> web.Response:
    """Let a page hold frames, of the desk alone."""
    response[_POLICY] = f"{_HEADERS[_CSP]}; frame-src 'self'"
    return response


def framed(response: web.Response) -> web.Response:
    """Let a file stand in a frame, on the desk's pages alone."""
    response[_POLICY] = _FRAMED
    return response


def answer_errors(pages: Pages) -> Middleware:
    """Answer with a page that says what was wrong and what to do, whatever happens."""

    @web.middleware
    async def answer(request: web.Request, handler: Handler) -> web.StreamResponse:
        with pages.answering(request):
            return await attempt(request, handler)

    async def attempt(request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            return await handler(request)
        except Refusal as refusal:
            sign_in = begin_at(refusal.to) if refusal.to and pages.signs_out else None
            return pages.answer(
                "refused.html", status=refusal.status, refusal=refusal, sign_in=sign_in
            )
        except BadParameterError as error:
            return _page(400, str(error))
        except (ForeignOriginError, MisdirectedError) as error:
            status = 421 if isinstance(error, MisdirectedError) else 403
            return _page(status, str(error))
        except NotSetUpError as error:
            return _page(501, str(error))
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
        except Exception as error:
            if hung_up(request, error):
                return _page(400, "The connection ended before the request did.")
            _log.exception("%s %s failed", request.method, request.path)
            return _page(500, "The collector's log says why.")

    def _page(status: int, text: str, headers: dict[str, str] | None = None) -> web.StreamResponse:
        said = _SAID.get(status, "The desk failed on this request")
        reply = pages.answer("error.html", status=status, code=status, said=said, told=text)
        reply.headers.update(headers or {})
        return reply

    return answer
