"""OTLP/gRPC."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, Final

import grpc
import grpc.aio

from journeytrace_collector.clock import Clock
from journeytrace_collector.errors import StartError, UnauthenticatedError
from journeytrace_collector.ingest import Intake
from journeytrace_collector.receiver.otlp import Signal
from journeytrace_collector.receiver.status import failure_of, retry_info
from journeytrace_collector.security import Access, Senders

__all__ = ["GrpcReceiver"]

_STREAMS_PER_CONNECTION: Final = 32
"""Requests one sender may have in flight; HTTP/2 makes it wait with the next."""

_HANDSHAKE_SECONDS: Final = 5
"""For TLS, and for the first words of HTTP/2."""
_IDLE_SECONDS: Final = 60
"""Without a call, until a connection is closed. Exporters open another one when they need it."""

Handler = Callable[[bytes, Any], Awaitable[bytes]]


class GrpcReceiver:
    """Serves the signals on one port."""

    def __init__(
        self,
        signals: tuple[Signal, ...],
        ingest: Intake,
        clock: Clock,
        access: Access,
        *,
        limit: int,
        connections: int,
    ) -> None:
        """Take messages up to `limit` bytes, on so many `connections`."""
        self._ingest = ingest
        self._clock = clock
        self._senders = access.senders
        self._tls = access.tls
        self._server = grpc.aio.server(
            interceptors=[_Guard(access.senders)],
            options=[
                ("grpc.max_receive_message_length", limit),
                ("grpc.max_concurrent_streams", _STREAMS_PER_CONNECTION),
                ("grpc.max_allowed_incoming_connections", connections),
                ("grpc.server_handshake_timeout_ms", _HANDSHAKE_SECONDS * 1000),
                ("grpc.max_connection_idle_ms", _IDLE_SECONDS * 1000),
                # Two collectors on one port would each get half of the journeys.
                ("grpc.so_reuseport", 0),
            ],
        )
        for signal in signals:
            # Bytes in, bytes out: parsing belongs to the writer thread, not to the event loop.
            method = grpc.unary_unary_rpc_method_handler(self._handler(signal))
            handler = grpc.method_handlers_generic_handler(signal.service, {"Export": method})
            self._server.add_generic_rpc_handlers((handler,))

    async def start(self, host: str, port: int) -> int:
        """Listen; port 0 takes a free one. Gives the port.

        Raises:
            StartError: the address cannot be bound.
        """
        address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        try:
            _try_to_bind(host, port)
            bound: int = (
                self._server.add_secure_port(address, self._tls.credentials())
                if self._tls
                else self._server.add_insecure_port(address)
            )
        except (OSError, RuntimeError) as error:
            reason = error.strerror if isinstance(error, OSError) else error
            raise StartError(f"otlp_grpc: cannot listen on {address}: {reason}") from error
        await self._server.start()
        return bound

    async def stop(self, grace_seconds: float) -> None:
        """Take no new requests and let those in flight finish within the grace period."""
        await self._server.stop(grace_seconds)

    def _handler(self, signal: Signal) -> Handler:
        async def export(body: bytes, context: Any) -> bytes:
            try:
                rights = self._senders.check(_shown(context.invocation_metadata()))
                read = partial(signal.protobuf, rights=rights)
                future = self._ingest.submit(read, body, self._clock())
                answer = await asyncio.wrap_future(future)
            except Exception as error:
                await _abort(context, error)
            return signal.response(answer).SerializeToString()

        return export


class _Guard(grpc.aio.ServerInterceptor):  # type: ignore[misc] # grpc is untyped
    """Lets nobody in without a token, to whatever method."""

    def __init__(self, senders: Senders) -> None:
        self._senders = senders

    async def intercept_service(
        self, continuation: Callable[[Any], Awaitable[Any]], details: Any
    ) -> Any:
        try:
            self._senders.check(_shown(details.invocation_metadata))
        except UnauthenticatedError as error:
            return _refusal(error)
        return await continuation(details)


def _shown(metadata: Any) -> str | None:
    return dict(metadata or ()).get("authorization")


def _refusal(error: UnauthenticatedError) -> Any:
    async def refuse(_: Any, context: Any) -> None:
        await _abort(context, error)

    # As a stream, though the methods take one message: a stream is refused before it is read.
    return grpc.stream_unary_rpc_method_handler(refuse)


def _try_to_bind(host: str, port: int) -> None:
    """Raise the system's own OSError, where gRPC would say little and write to stderr itself."""
    family, *_, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    with socket.socket(family) as probe:
        # Connections of a process that has just ended do not hold its port.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(address)


async def _abort(context: Any, error: Exception) -> None:
    failure = failure_of(error)
    trailers: tuple[tuple[str, bytes], ...] = ()
    if failure.retryable:
        # Python's exporter reads the first of these, other languages' the second.
        trailers = (
            ("google.rpc.retryinfo-bin", retry_info().SerializeToString()),
            ("grpc-status-details-bin", failure.status().SerializeToString()),
        )
    await context.abort(failure.grpc, failure.message, trailers)
