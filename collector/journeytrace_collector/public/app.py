"""The application that browsers talk to: who may ask from where, and how they are answered."""

from __future__ import annotations

import asyncio
import json
import logging
import math
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from aiohttp import web

from journeytrace import conventions as names
from journeytrace_collector.background import Once
from journeytrace_collector.errors import (
    MalformedRequestError,
    RequestError,
    RequestTimeoutError,
    RequestTooLargeError,
    UnavailableError,
)
from journeytrace_collector.health import Health
from journeytrace_collector.public.invited import InvitedPages
from journeytrace_collector.public.listener import Listener
from journeytrace_collector.public.refusal import STATUS, Outcome, RefusedError
from journeytrace_collector.receiver.otlp import RETRY_AFTER_SECONDS
from journeytrace_collector.receiver.status import failure_of
from journeytrace_collector.settings.public import Public

__all__ = ["load_script", "public_app"]

_log = logging.getLogger(__name__)

_SCRIPT: Final = Path(__file__).with_name("journeytrace.js")
"""What pages load that have no bundler."""

_PREFLIGHT_SECONDS: Final = 86_400
"""For which a browser need not ask again; Chromium makes two hours of it."""

_OUTCOMES: Final = (
    (RequestTimeoutError, Outcome.TIMEOUT),
    (RequestTooLargeError, Outcome.TOO_LARGE),
    (MalformedRequestError, Outcome.MALFORMED),
    (UnavailableError, Outcome.UNAVAILABLE),
)


def public_app(
    settings: Public,
    listener: Listener,
    health: Health,
    script: bytes | None,
    invited: InvitedPages | None = None,
) -> web.Application:
    """Give the application.

    Run it with ``auto_decompress=False``: the size limit must hold while decompressing.

    Args:
        settings: under which paths, and for which origins.
        listener: what takes the events.
        health: where the outcomes are counted.
        script: what pages load; None: there is none.
        invited: the pages behind links; None: nobody is invited to anything.
    """
    edge = _Edge(settings, listener, health)
    app = web.Application()
    app.router.add_post(settings.path, edge.post)
    app.router.add_route("OPTIONS", settings.path, edge.preflight)
    app.router.add_get("/healthz", _healthz)
    if invited is not None:
        invited.join(app)
    if script is not None:
        app.router.add_get(settings.script_path, partial(_script, script, _etag(script)))
    return app


def load_script() -> bytes | None:
    """Read the script as it was built; None: it is not there."""
    return _SCRIPT.read_bytes() if _SCRIPT.is_file() else None


class _Edge:
    def __init__(self, settings: Public, listener: Listener, health: Health) -> None:
        self._origins = frozenset(settings.origins)
        self._listener = listener
        self._health = health
        self._said = Once()

    async def post(self, request: web.Request) -> web.Response:
        outcome, after, message, rejected = Outcome.ACCEPTED, None, "", 0
        try:
            self._check_origin(request)
            answer = await self._listener.take(request)
            message, rejected = answer.message, answer.rejected
            outcome = Outcome.PARTIAL if answer.message else Outcome.ACCEPTED
        except RefusedError as error:
            outcome, after, message = error.outcome, error.after, str(error)
        except (RequestError, UnavailableError) as error:
            outcome, message = _outcome_of(error), failure_of(error).message
            after = RETRY_AFTER_SECONDS if outcome is Outcome.UNAVAILABLE else None
        except asyncio.CancelledError:
            raise
        except Exception as error:
            # Whoever has found a fault of ours can fill no disk with it.
            if self._said.first(f"{type(error).__name__}"):
                _log.exception("a browser's request failed (others like it are only counted)")
            outcome, message = Outcome.FAILED, failure_of(error).message
        self._health.add(names.COLLECTOR_PUBLIC_REQUESTS_TOTAL, (outcome.value,))
        reply = _reply(outcome, message, rejected, after)
        reply.headers.update(self._allowing(request))
        return reply

    async def preflight(self, request: web.Request) -> web.Response:
        try:
            self._check_origin(request)
        except RefusedError as error:
            return _reply(error.outcome, str(error), 0, None)
        allow = {
            "Access-Control-Allow-Methods": "POST",
            "Access-Control-Allow-Headers": "Authorization, Content-Type, Content-Encoding",
            "Access-Control-Max-Age": str(_PREFLIGHT_SECONDS),
        }
        return web.Response(status=204, headers=allow | self._allowing(request))

    def _check_origin(self, request: web.Request) -> None:
        origins = request.headers.getall("Origin", [])
        if len(origins) > 1 or not self._origins.issuperset(origin.lower() for origin in origins):
            shown = origins[0][:128]
            message = f"pages of {shown!r} may send nothing here: list it under public.origins"
            raise RefusedError(Outcome.ORIGIN, message)

    def _allowing(self, request: web.Request) -> dict[str, str]:
        """Give the headers by which a browser lets its page read the answer."""
        origin = request.headers.get("Origin")
        if origin is None or origin.lower() not in self._origins:
            return {"Vary": "Origin"}
        return {
            "Access-Control-Allow-Origin": origin,
            "Access-Control-Expose-Headers": "Retry-After",
            "Vary": "Origin",
        }


def _outcome_of(error: Exception) -> Outcome:
    found = (outcome for kind, outcome in _OUTCOMES if isinstance(error, kind))
    return next(found, Outcome.FAILED)


def _reply(outcome: Outcome, message: str, rejected: int, after: float | None) -> web.Response:
    """Answer as OTLP/HTTP does, with the outcome in a word where nothing was taken."""
    status = STATUS[outcome]
    body: dict[str, Any] = {}
    if status != 200:
        body = {"reason": outcome.value, "message": message}
    elif message:
        body = {"partialSuccess": {"rejectedSpans": str(rejected), "errorMessage": message}}
    reply = web.Response(
        body=json.dumps(body).encode(), content_type="application/json", status=status
    )
    reply.headers["X-Content-Type-Options"] = "nosniff"
    if after is not None:
        reply.headers["Retry-After"] = str(math.ceil(after))
    if status == 401:
        reply.headers["WWW-Authenticate"] = "Bearer"
    return reply


def _etag(script: bytes) -> str:
    return f'"{sha256(script).hexdigest()[:32]}"'


async def _script(script: bytes, etag: str, request: web.Request) -> web.Response:
    headers = {
        "Access-Control-Allow-Origin": "*",
        # Asked for each time, and answered without a body while it is the same.
        "Cache-Control": "no-cache",
        "Cross-Origin-Resource-Policy": "cross-origin",
        "ETag": etag,
        "X-Content-Type-Options": "nosniff",
    }
    known = {tag.strip() for tag in request.headers.get("If-None-Match", "").split(",")}
    if known & {etag, f"W/{etag}", "*"}:
        return web.Response(status=304, headers=headers)
    return web.Response(
        body=script, content_type="text/javascript", charset="utf-8", headers=headers
    )


async def _healthz(_: web.Request) -> web.Response:
    return web.Response(text="ok\n")
