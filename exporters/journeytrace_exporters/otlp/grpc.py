"""OTLP over gRPC."""

from __future__ import annotations

from typing import Any, Final

import grpc
import grpc.aio
from google.protobuf.message import DecodeError
from google.rpc.error_details_pb2 import RetryInfo
from google.rpc.status_pb2 import Status
from yarl import URL

from journeytrace_collector.errors import PermanentExportError, RetryableExportError
from journeytrace_exporters._http import MAX_WAIT_SECONDS, excerpt
from journeytrace_exporters.otlp.settings import OtlpSettings, TlsSettings

__all__ = ["GrpcTransport"]

_METHOD: Final = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"

_RETRYABLE: Final = frozenset(
    {
        grpc.StatusCode.ABORTED,
        grpc.StatusCode.CANCELLED,
        grpc.StatusCode.DATA_LOSS,
        grpc.StatusCode.DEADLINE_EXCEEDED,
        grpc.StatusCode.OUT_OF_RANGE,
        grpc.StatusCode.UNAVAILABLE,
    }
)
"""As the OTLP specification has it; RESOURCE_EXHAUSTED is one only with a hint."""


class GrpcTransport:
    """One channel, opened with the first parcel."""

    def __init__(self, endpoint: URL, settings: OtlpSettings) -> None:
        self._endpoint = endpoint
        self._settings = settings
        self._channel: grpc.aio.Channel | None = None
        self._export: Any = None

    async def send(self, payload: bytes, headers: dict[str, str]) -> bytes:
        """Send; see `Transport.send`."""
        if self._channel is None:
            self._channel = _channel(self._endpoint, self._settings)
            # Bytes in, bytes out: the payload was serialised when it was put into the outbox.
            self._export = self._channel.unary_unary(_METHOD)
        metadata = tuple(headers.items())
        try:
            answer: bytes = await self._export(
                payload, timeout=self._settings.timeout.total_seconds(), metadata=metadata
            )
        except grpc.aio.AioRpcError as error:
            raise _classified(error) from error
        return answer

    async def close(self) -> None:
        """Close the channel, if it was opened."""
        if self._channel is not None:
            await self._channel.close()


def _channel(endpoint: URL, settings: OtlpSettings) -> grpc.aio.Channel:
    options = [
        # Otherwise a receiver that was away for long is noticed up to two minutes after it is back.
        ("grpc.max_reconnect_backoff_ms", 5_000),
    ]
    gzip = settings.compression == "gzip"
    compression = grpc.Compression.Gzip if gzip else grpc.Compression.NoCompression
    target = f"{endpoint.host_subcomponent}:{endpoint.port}"
    if endpoint.scheme == "http":
        return grpc.aio.insecure_channel(target, options=options, compression=compression)
    credentials = _credentials(settings.tls)
    return grpc.aio.secure_channel(target, credentials, options=options, compression=compression)


def _credentials(tls: TlsSettings) -> grpc.ChannelCredentials:
    ca, key, cert = (
        path.read_bytes() if path is not None else None
        for path in (tls.ca_file, tls.key_file, tls.cert_file)
    )
    return grpc.ssl_channel_credentials(ca, key, cert)


def _classified(error: grpc.aio.AioRpcError) -> RetryableExportError | PermanentExportError:
    code = error.code()
    message = f"{code.name}: {excerpt(error.details() or 'no details')}"
    after = _retry_after(error)
    exhausted = code is grpc.StatusCode.RESOURCE_EXHAUSTED and after is not None
    if code in _RETRYABLE or exhausted:
        return RetryableExportError(message, after)
    return PermanentExportError(message)


def _retry_after(error: grpc.aio.AioRpcError) -> float | None:
    """Find the hint, in the standard's trailer or in the one that Python's own exporter reads."""
    try:
        for key, value in error.trailing_metadata() or ():
            if key == "google.rpc.retryinfo-bin":
                return _seconds(RetryInfo.FromString(value))
            if key == "grpc-status-details-bin":
                for detail in Status.FromString(value).details:
                    info = RetryInfo()
                    if detail.Unpack(info):
                        return _seconds(info)
    except DecodeError:
        pass
    return None


def _seconds(info: RetryInfo) -> float:
    wait = info.retry_delay.seconds + info.retry_delay.nanos / 1e9
    return float(min(max(0.0, wait), MAX_WAIT_SECONDS))
