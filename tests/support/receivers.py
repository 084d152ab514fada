"""Receivers to export to: real servers that keep what they get and fail when they are told to."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from ssl import SSLContext
from types import TracebackType
from typing import Any, Self

import grpc
import grpc.aio
from aiohttp import web
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from tests.support.waiting import PATIENCE

__all__ = ["GrpcFailure", "GrpcReceiver", "HttpReceiver", "Received", "spans_of"]


def spans_of(*requests: ExportTraceServiceRequest) -> list[Span]:
    """Give all spans, in order."""
    return [
        span
        for request in requests
        for resource_spans in request.resource_spans
        for scope_spans in resource_spans.scope_spans
        for span in scope_spans.spans
    ]


@dataclass(frozen=True, slots=True)
class Received:
    """One request."""

    body: bytes
    """Decompressed."""
    headers: dict[str, str]
    """Names in lower case."""
    path: str = ""

    @property
    def request(self) -> ExportTraceServiceRequest:
        """The body as OTLP."""
        return ExportTraceServiceRequest.FromString(self.body)


@dataclass(frozen=True, slots=True)
class GrpcFailure:
    """An answer that is an error."""

    code: grpc.StatusCode
    details: str = "told to fail"
    trailers: tuple[tuple[str, bytes], ...] = ()


class GrpcReceiver:
    """OTLP over gRPC on a free port, with the size limit that gRPC servers have by default."""

    def __init__(self, credentials: grpc.ServerCredentials | None = None, port: int = 0) -> None:
        self._credentials = credentials
        self.port = port
        self.received: list[Received] = []
        self.answers: deque[GrpcFailure | ExportTraceServiceResponse | asyncio.Event] = deque()
        """What comes next; an event is waited for before a success. Empty: success."""

    async def __aenter__(self) -> Self:
        self._server = grpc.aio.server(options=[("grpc.so_reuseport", 0)])
        method = grpc.unary_unary_rpc_method_handler(self._export)
        service = "opentelemetry.proto.collector.trace.v1.TraceService"
        handler = grpc.method_handlers_generic_handler(service, {"Export": method})
        self._server.add_generic_rpc_handlers((handler,))
        address = f"127.0.0.1:{self.port}"
        if self._credentials is None:
            self.port = self._server.add_insecure_port(address)
        else:
            self.port = self._server.add_secure_port(address, self._credentials)
        await self._server.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._server.stop(None)

    @property
    def requests(self) -> list[ExportTraceServiceRequest]:
        """What came, as OTLP."""
        return [received.request for received in self.received]

    async def _export(self, body: bytes, context: Any) -> bytes:
        headers = {key.lower(): value for key, value in context.invocation_metadata()}
        self.received.append(Received(body, headers))
        answer = self.answers.popleft() if self.answers else None
        if isinstance(answer, GrpcFailure):
            await context.abort(answer.code, answer.details, answer.trailers)
        if isinstance(answer, asyncio.Event):
            await asyncio.wait_for(answer.wait(), PATIENCE)
        if isinstance(answer, ExportTraceServiceResponse):
            return answer.SerializeToString()
        return b""


Answer = Callable[[], web.Response]


@dataclass(slots=True)
class HttpReceiver:
    """Any HTTP receiver on a free port of the loopback."""

    tls: SSLContext | None = None
    received: list[Received] = field(default_factory=list)
    answers: deque[Answer | asyncio.Event] = field(default_factory=deque)
    """What comes next; an event is waited for before a success. Empty: success."""
    port: int = 0
    _runner: web.AppRunner | None = None

    async def __aenter__(self) -> Self:
        app = web.Application(client_max_size=64 * 1024 * 1024)
        app.router.add_route("*", "/{path:.*}", self._answer)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self.port, ssl_context=self.tls)
        await site.start()
        self.port = self._runner.addresses[0][1]
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    async def _answer(self, request: web.Request) -> web.Response:
        headers = {name.lower(): value for name, value in request.headers.items()}
        self.received.append(Received(await request.read(), headers, request.path))
        answer = self.answers.popleft() if self.answers else web.Response
        if isinstance(answer, asyncio.Event):
            await asyncio.wait_for(answer.wait(), PATIENCE)
            answer = web.Response
        return answer()
