"""The OTLP signals that can carry journey events, how they are read and answered."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from google.protobuf.message import DecodeError, Message
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import (
    ExportLogsPartialSuccess,
    ExportLogsServiceRequest,
    ExportLogsServiceResponse,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTracePartialSuccess,
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

from journeytrace_collector.core.decode import Decoded, Decoder
from journeytrace_collector.core.model import Rejection
from journeytrace_collector.core.rights import ANYBODY, Rights
from journeytrace_collector.core.weight import check_protobuf
from journeytrace_collector.errors import MalformedRequestError
from journeytrace_collector.ingest import Answer
from journeytrace_collector.receiver.otlp_json import read_logs, read_traces

__all__ = ["RETRY_AFTER_SECONDS", "Signal", "signals"]

RETRY_AFTER_SECONDS: Final = 1
"""What a sender is asked to wait: SDK exporters give up after about ten seconds in all."""


class Read(Protocol):
    """Body, time of arrival (ns) and the sender's rights → events. Raises `RequestError`."""

    def __call__(self, body: bytes, received: int, rights: Rights = ANYBODY) -> Decoded:
        """Read."""


@dataclass(frozen=True, slots=True)
class Signal:
    """One OTLP signal."""

    path: str
    """Where OTLP/HTTP posts it."""
    service: str
    """The gRPC service whose method ``Export`` takes it."""
    protobuf: Read
    json: Read
    response: Callable[[Answer], Message]


def signals(decoder: Decoder) -> tuple[Signal, ...]:
    """Give the signals this collector takes, read by `decoder`."""

    def traces_protobuf(body: bytes, received: int, rights: Rights = ANYBODY) -> Decoded:
        check_protobuf(body, ExportTraceServiceRequest.DESCRIPTOR)
        try:
            return decoder.traces(decoder.traces_as.FromString(body), received, rights)
        except DecodeError as error:
            raise _malformed("ExportTraceServiceRequest", error) from error

    def traces_json(body: bytes, received: int, rights: Rights = ANYBODY) -> Decoded:
        request, faulty = read_traces(body, ExportTraceServiceRequest())
        return _with(faulty, decoder.traces(request, received, rights))

    def logs_protobuf(body: bytes, received: int, rights: Rights = ANYBODY) -> Decoded:
        check_protobuf(body, ExportLogsServiceRequest.DESCRIPTOR)
        try:
            return decoder.logs(decoder.logs_as.FromString(body), received, rights)
        except DecodeError as error:
            raise _malformed("ExportLogsServiceRequest", error) from error

    def logs_json(body: bytes, received: int, rights: Rights = ANYBODY) -> Decoded:
        request, faulty = read_logs(body, ExportLogsServiceRequest())
        return _with(faulty, decoder.logs(request, received, rights))

    proto = "opentelemetry.proto.collector"
    return (
        Signal(
            "/v1/traces",
            f"{proto}.trace.v1.TraceService",
            traces_protobuf,
            traces_json,
            _traces_response,
        ),
        Signal(
            "/v1/logs", f"{proto}.logs.v1.LogsService", logs_protobuf, logs_json, _logs_response
        ),
    )


def _with(faulty: Sequence[Rejection], decoded: Decoded) -> Decoded:
    for rejection in faulty:
        decoded.reject(rejection)
    decoded.rejected += len(faulty)
    return decoded


def _malformed(kind: str, error: DecodeError) -> MalformedRequestError:
    return MalformedRequestError(f"the body is no {kind}: {error}")


# partial_success stays unset on full success, as the specification asks.
def _traces_response(answer: Answer) -> Message:
    if not answer.message:
        return ExportTraceServiceResponse()
    partial = ExportTracePartialSuccess(
        rejected_spans=answer.rejected, error_message=answer.message
    )
    return ExportTraceServiceResponse(partial_success=partial)


def _logs_response(answer: Answer) -> Message:
    if not answer.message:
        return ExportLogsServiceResponse()
    partial = ExportLogsPartialSuccess(
        rejected_log_records=answer.rejected, error_message=answer.message
    )
    return ExportLogsServiceResponse(partial_success=partial)
