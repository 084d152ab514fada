"""A request → the spans of each owner, as bytes.

It is serialised once and cut where its spans begin: to copy each span into a request of its owner's
costs four times as much, on the path of every event.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Final, TypeVar

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from journeytrace_exporters.otlp.wire import RESOURCE_SPANS, SCOPE_SPANS, SPANS, Pieces, cut, field

__all__ = ["split"]

_Owner = TypeVar("_Owner")

_TRACE_ID: Final = bytes((1 << 3 | 2, 16))
"""What a span begins with, for it has a trace."""


def split(
    request: ExportTraceServiceRequest,
    payload: bytes,
    by_trace: Mapping[bytes, _Owner],
    owner_of: Callable[[Span], _Owner],
) -> Iterator[tuple[_Owner, bytes]]:
    """Give each owner's part as a serialised request: its spans with their resource and scope.

    A span is its trace's owner's; those of other traces are asked for one by one.
    `payload` is the request as Python serialises it, which is not always how it came.
    """
    view = memoryview(payload)
    found: dict[_Owner, Pieces] = {}
    _, resources = cut(payload, RESOURCE_SPANS, 0, len(payload))
    for resource_spans, (_, *inner) in zip(request.resource_spans, resources, strict=True):
        resource, scopes = cut(payload, SCOPE_SPANS, *inner)
        parts: dict[_Owner, Pieces] = {}
        for scope_spans, (_, *within) in zip(resource_spans.scope_spans, scopes, strict=True):
            scope, spans = cut(payload, SPANS, *within)
            mine: dict[_Owner, Pieces] = {}
            for index, (start, content, end) in enumerate(spans):
                # Read where it stands: most spans never become an object of Python's.
                trace = payload[content + 2 : content + 18]
                owner = by_trace.get(trace) if payload.startswith(_TRACE_ID, content) else None
                if owner is None:
                    owner = owner_of(scope_spans.spans[index])
                pieces = mine.get(owner)
                if pieces is None:
                    pieces = mine[owner] = [scope]
                pieces.append(view[start:end])
            for owner, pieces in mine.items():
                parts.setdefault(owner, [resource]).extend(field(SCOPE_SPANS, pieces))
        for owner, pieces in parts.items():
            found.setdefault(owner, []).extend(field(RESOURCE_SPANS, pieces))
    for owner in list(found):
        yield owner, b"".join(found.pop(owner))
