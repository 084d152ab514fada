"""Errors as OTLP answers: the gRPC code, the HTTP status, and the hint when to come back."""

from __future__ import annotations

from typing import Final, NamedTuple

import grpc
from google.protobuf.any_pb2 import Any
from google.protobuf.duration_pb2 import Duration
from google.rpc.error_details_pb2 import RetryInfo
from google.rpc.status_pb2 import Status

from journeytrace_collector.core.fields import printable
from journeytrace_collector.errors import (
    ForeignOriginError,
    MalformedRequestError,
    MisdirectedError,
    RequestTimeoutError,
    RequestTooLargeError,
    UnauthenticatedError,
    UnavailableError,
)
from journeytrace_collector.receiver.otlp import RETRY_AFTER_SECONDS

__all__ = ["Failure", "failure_of", "retry_info"]

_MAX_MESSAGE: Final = 500
"""Characters: over gRPC the message is a header, and headers have a limit."""


class Failure(NamedTuple):
    """How a request that was not stored is answered."""

    grpc: grpc.StatusCode
    http: int
    message: str
    retryable: bool

    def status(self) -> Status:
        """Give the answer as ``google.rpc.Status``; a retryable one carries the hint."""
        status = Status(code=self.grpc.value[0], message=self.message)
        if self.retryable:
            status.details.append(_packed(retry_info()))
        return status


def failure_of(error: Exception) -> Failure:
    """Tell permanent from retryable. What nobody foresaw is permanent: no retry would help."""
    # It may quote the sender, whose text can be long and, as JSON, no valid Unicode.
    message = printable(str(error)[:_MAX_MESSAGE])
    if isinstance(error, UnavailableError):
        return Failure(grpc.StatusCode.UNAVAILABLE, 503, message, retryable=True)
    if isinstance(error, MalformedRequestError):
        return Failure(grpc.StatusCode.INVALID_ARGUMENT, 400, message, retryable=False)
    if isinstance(error, RequestTooLargeError):
        return Failure(grpc.StatusCode.RESOURCE_EXHAUSTED, 413, message, retryable=False)
    if isinstance(error, RequestTimeoutError):
        return Failure(grpc.StatusCode.DEADLINE_EXCEEDED, 408, message, retryable=False)
    if isinstance(error, MisdirectedError):
        return Failure(grpc.StatusCode.PERMISSION_DENIED, 421, message, retryable=False)
    if isinstance(error, ForeignOriginError):
        return Failure(grpc.StatusCode.PERMISSION_DENIED, 403, message, retryable=False)
    if isinstance(error, UnauthenticatedError):
        return Failure(grpc.StatusCode.UNAUTHENTICATED, 401, message, retryable=False)
    message = "the collector failed on this request; its log says why"
    return Failure(grpc.StatusCode.INTERNAL, 500, message, retryable=False)


def retry_info() -> RetryInfo:
    """Give the hint when to come back."""
    return RetryInfo(retry_delay=Duration(seconds=RETRY_AFTER_SECONDS))


def _packed(message: RetryInfo) -> Any:
    packed = Any()
    packed.Pack(message)
    return packed
