"""A request → the spans of each owner, as bytes.

It is serialised once and cut where its spans begin: to copy each span into a request of its owner's
costs four times as much, on the path of every event.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Final, TypeVar

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

__all__ = ["split"]

_Owner = TypeVar("_Owner")

# Protobuf writes a field as its number, its kind (2: so many bytes) and its content.
_RESOURCE_SPANS: Final = 1 << 3 | 2
_SCOPE_SPANS: Final = 2 << 3 | 2
_SPANS: Final = 2 << 3 | 2
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
    found: dict[_Owner, list[bytes]] = {}
    _, resources = _cut(payload, _RESOURCE_SPANS, 0, len(payload))
    for resource_spans, (_, *inner) in zip(request.resource_spans, resources, strict=True):
        resource, scopes = _cut(payload, _SCOPE_SPANS, *inner)
        parts: dict[_Owner, list[bytes]] = {}
        for scope_spans, (_, *within) in zip(resource_spans.scope_spans, scopes, strict=True):
            scope, spans = _cut(payload, _SPANS, *within)
            mine: dict[_Owner, list[bytes]] = {}
            for index, (start, content, end) in enumerate(spans):
                # Read where it stands: most spans never become an object of Python's.
                trace = payload[content + 2 : content + 18]
                owner = by_trace.get(trace) if payload.startswith(_TRACE_ID, content) else None
                if owner is None:
                    owner = owner_of(scope_spans.spans[index])
                pieces = mine.get(owner)
                if pieces is None:
                    pieces = mine[owner] = [scope]
                pieces.append(payload[start:end])
            for owner, pieces in mine.items():
                parts.setdefault(owner, [resource]).append(_field(_SCOPE_SPANS, pieces))
        for owner, pieces in parts.items():
            found.setdefault(owner, []).append(_field(_RESOURCE_SPANS, pieces))
    for owner, pieces in found.items():
        yield owner, b"".join(pieces)


def _cut(data: bytes, field: int, at: int, end: int) -> tuple[bytes, list[tuple[int, int, int]]]:
    """Cut a message at its repeated `field`.

    Gives all else that it has, and of each item the start, the start of its content and the end.
    """
    rest = []
    items = []
    while at < end:
        start, kind = at, data[at]
        if kind & 0b1000_0111 != 2:
            # A field of a later version of OTLP. Those are written last, whatever they hold.
            rest.append(data[start:end])
            break
        length = shift = 0
        more = True
        while more:
            at += 1
            byte = data[at]
            length |= (byte & 0x7F) << shift
            more, shift = byte > 0x7F, shift + 7
        content = at + 1
        at = content + length
        if kind == field:
            items.append((start, content, at))
        else:
            rest.append(data[start:at])
    return b"".join(rest), items


def _field(field: int, pieces: list[bytes]) -> bytes:
    content = b"".join(pieces)
    head = bytearray((field,))
    length = len(content)
    while length > 0x7F:
        head.append(length & 0x7F | 0x80)
        length >>= 7
    head.append(length)
    return bytes(head) + content
