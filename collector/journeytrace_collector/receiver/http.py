"""OTLP/HTTP: protobuf and JSON on one port, gzip or not."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Final

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware
from google.protobuf import json_format
from google.protobuf.message import Message
from google.rpc.status_pb2 import Status

from journeytrace_collector.clock import Clock
from journeytrace_collector.core.rights import Rights
from journeytrace_collector.errors import (
    ForeignOriginError,
    MisdirectedError,
    RequestError,
    UnauthenticatedError,
)
from journeytrace_collector.hosts import Hosts
from journeytrace_collector.ingest import Hold, Intake
from journeytrace_collector.receiver.body import gunzip, read_limited
from journeytrace_collector.receiver.otlp import RETRY_AFTER_SECONDS, Signal
from journeytrace_collector.receiver.status import failure_of
from journeytrace_collector.security import Access, Senders

__all__ = ["http_receiver"]

JSON: Final = "application/json"
PROTOBUF: Final = "application/x-protobuf"
_ENCODINGS: Final = ("", "identity", "gzip")
_RIGHTS: Final = web.RequestKey("rights", Rights)
_GUNZIPPING: Final = 2
"""Bodies that are decompressed at a time: each may take the largest request's memory twice."""


def http_receiver(
    signals: tuple[Signal, ...],
    ingest: Intake,
    clock: Clock,
    access: Access,
    max_request_bytes: int,
) -> web.Application:
    """Give the application that serves the signals to those who have `access`.

    Run it with ``auto_decompress=False``: the size limit must hold while decompressing.
    """
    app = web.Application(middlewares=[_guard(access.senders, access.hosts)])
    for signal in signals:
        app.router.add_post(signal.path, _handler(signal, ingest, clock, max_request_bytes))
    return app


def _guard(senders: Senders, hosts: Hosts) -> Middleware:
    @web.middleware
    async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            if not senders:
                hosts.check(request)
            request[_RIGHTS] = senders.check(request.headers.get("Authorization"))
        except RequestError as error:
            kind = PROTOBUF if request.content_type == PROTOBUF else JSON
            reply = _failed(error, kind)
            if isinstance(error, MisdirectedError):
                senders.refused["host"] += 1
            elif isinstance(error, ForeignOriginError):
                senders.refused["origin"] += 1
            if isinstance(error, UnauthenticatedError):
                reply.headers["WWW-Authenticate"] = "Bearer"
            return reply
        return await handler(request)

    return guard


def _handler(
    signal: Signal, ingest: Intake, clock: Clock, limit: int
) -> Callable[[web.Request], Awaitable[web.Response]]:
    gunzipping = asyncio.Semaphore(_GUNZIPPING)

    async def export(request: web.Request) -> web.Response:
        kind = request.content_type
        if kind not in {JSON, PROTOBUF}:
            message = f"the content type is {kind!r}, allowed are {PROTOBUF} and {JSON}"
            return _reply(Status(code=3, message=message), JSON, 415)
        encoding = request.headers.get("Content-Encoding", "").strip().lower()
        if encoding not in _ENCODINGS:
            message = f"the content encoding is {encoding!r}, allowed are gzip and identity"
            return _reply(Status(code=3, message=message), kind, 415)
        try:
            with Hold(ingest) as hold:
                body = await read_limited(request.content, limit, hold)
                if encoding == "gzip":
                    async with gunzipping:
                        body = await asyncio.to_thread(gunzip, body, limit)
            form = signal.json if kind == JSON else signal.protobuf
            read = partial(form, rights=request[_RIGHTS])
            answer = await asyncio.wrap_future(ingest.submit(read, body, clock()))
        except Exception as error:
            return _failed(error, kind)
        return _reply(signal.response(answer), kind, 200)

    return export


def _failed(error: Exception, kind: str) -> web.Response:
    failure = failure_of(error)
    reply = _reply(failure.status(), kind, failure.http)
    if failure.retryable:
        reply.headers["Retry-After"] = str(RETRY_AFTER_SECONDS)
    return reply


def _reply(message: Message, kind: str, status: int) -> web.Response:
    if kind == JSON:
        # As bytes, or aiohttp would add a charset to the content type.
        text = json_format.MessageToJson(message, indent=None).encode()
        return web.Response(body=text, content_type=JSON, status=status)
    return web.Response(body=message.SerializeToString(), content_type=PROTOBUF, status=status)
