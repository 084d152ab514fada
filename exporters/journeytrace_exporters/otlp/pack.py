"""Requests → payloads of a size that every receiver takes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

__all__ = ["TARGET_BYTES", "packed", "pieces"]

TARGET_BYTES: Final = 2 * 1024 * 1024
"""Half of the 4 MiB that gRPC receivers take unless told otherwise. One span that is larger goes
alone."""

_LENGTH: Final = 6
"""Bytes that protobuf puts before a field, at most: its number and its length."""


def packed(payloads: Sequence[bytes], target: int = TARGET_BYTES) -> Iterator[bytes]:
    """Join serialised requests: put one behind the other they are one request to protobuf."""
    parts: list[bytes] = []
    size = 0
    for payload in payloads:
        if parts and size + len(payload) > target:
            yield b"".join(parts)
            parts, size = [], 0
        if len(payload) > target:
            yield from pieces(payload, target)
        else:
            parts.append(payload)
            size += len(payload)
    if size:
        yield b"".join(parts)


def pieces(payload: bytes, target: int) -> Iterator[bytes]:
    """Cut one large request into several that have its resources and scopes."""
    for resource_spans in ExportTraceServiceRequest.FromString(payload).resource_spans:
        for scope_spans in resource_spans.scope_spans:
            spans = list(scope_spans.spans)
            del scope_spans.spans[:]
            frame = ExportTraceServiceRequest()
            own = frame.resource_spans.add(schema_url=resource_spans.schema_url)
            own.resource.CopyFrom(resource_spans.resource)
            scope = own.scope_spans.add()
            scope.CopyFrom(scope_spans)
            # What surrounds a span grows with it: the lengths of resource, scope and span.
            size = base = frame.ByteSize() + 2 * _LENGTH
            for span in spans:
                weight = span.ByteSize() + _LENGTH
                if scope.spans and size + weight > target:
                    yield frame.SerializeToString()
                    del scope.spans[:]
                    size = base
                scope.spans.append(span)
                size += weight
            yield frame.SerializeToString()
