"""Who is let in to the admin port, and how errors are answered."""

from __future__ import annotations

import logging
from typing import Any, Final

import msgspec
from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from journeytrace_collector.admin.answers import Error, ErrorAnswer
from journeytrace_collector.admin.api import BadParameterError
from journeytrace_collector.errors import (
    ForeignOriginError,
    MisdirectedError,
    NotSetUpError,
    UnauthenticatedError,
    UnavailableError,
)
from journeytrace_collector.hosts import Hosts
from journeytrace_collector.security import Tokens

__all__ = [
    "NotYetKnownError",
    "SharedCodeError",
    "UnknownSessionError",
    "answer_errors",
    "answered",
    "guard",
    "hung_up",
]

_log = logging.getLogger(__name__)

OPEN: Final = ("/healthz", "/readyz")
"""Asked by machinery that has no token, and telling nothing about anybody."""


class UnknownSessionError(Exception):
    """No session has this id. Becomes a 404."""

    def __init__(self, session_id: str) -> None:
        super().__init__(f"no session has the id {session_id!r}")


class NotYetKnownError(UnknownSessionError):
    """The session had not begun by then, as far as was known. Becomes a 404."""

    def __init__(self, session_id: str, first_received: str) -> None:
        super().__init__(session_id)
        message = f"nothing that begins the session {session_id!r} had arrived by then"
        self.args = (f"{message}; the first of it did at {first_received}",)


class SharedCodeError(Exception):
    """Several sessions have this support code. Becomes a 409."""


def guard(readers: Tokens, hosts: Hosts) -> Middleware:
    """Let in who shows a token, or where none is asked for, who is at home here."""

    @web.middleware
    async def check(request: web.Request, handler: Handler) -> web.StreamResponse:
        if not readers:
            hosts.check(request)
        if request.path not in OPEN:
            readers.check(request.headers.get("Authorization"))
        return await handler(request)

    return check


@web.middleware
async def answer_errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer every error as JSON: see `ErrorAnswer`."""
    try:
        return await handler(request)
    except BadParameterError as error:
        return _error(400, str(error), field=error.field, allowed=error.allowed)
    except UnknownSessionError as error:
        return _error(404, str(error))
    except SharedCodeError as error:
        message = f"several sessions have the support code {error.args[0]!r}: search for it"
        return _error(409, message, field="support_code")
    except UnauthenticatedError as error:
        reply = _error(401, str(error))
        reply.headers["WWW-Authenticate"] = "Bearer"
        return reply
    except MisdirectedError as error:
        return _error(421, str(error))
    except ForeignOriginError as error:
        return _error(403, str(error))
    except NotSetUpError as error:
        return _error(501, str(error))
    except UnavailableError as error:
        reply = _error(503, str(error))
        reply.headers["Retry-After"] = "1"
        return reply
    except web.HTTPException as error:
        reply = _error(error.status, f"{error.reason}: {request.method} {request.path}")
        if isinstance(error, web.HTTPMethodNotAllowed):
            reply.headers["Allow"] = error.headers["Allow"]
        return reply
    except Exception as error:
        if hung_up(request, error):
            return _error(400, "the connection ended before the request did")
        _log.exception("%s %s failed", request.method, request.path)
        return _error(500, "the collector failed on this request; its log says why")


def hung_up(request: web.Request, error: Exception) -> bool:
    """Whether an error is that somebody left amid their own request, which is no fault of ours."""
    # A RuntimeError is what aiohttp raises when the connection ended before its body was asked for.
    return request.transport is None and isinstance(error, (ConnectionError, RuntimeError))


def answered(value: Any, status: int = 200) -> web.Response:
    """Answer with this as JSON."""
    return web.Response(
        body=msgspec.json.encode(value), content_type="application/json", status=status
    )


def _error(status: int, message: str, **details: str) -> web.Response:
    return answered(ErrorAnswer(Error(message, **details)), status)
