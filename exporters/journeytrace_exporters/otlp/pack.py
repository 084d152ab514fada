"""Requests → payloads of a size that every receiver takes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from journeytrace_exporters.otlp.wire import RESOURCE_SPANS, SCOPE_SPANS, SPANS, Pieces, cut, field

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
    view = memoryview(payload)
    _, resources = cut(payload, RESOURCE_SPANS, 0, len(payload))
    for _, *inner in resources:
        resource, scopes = cut(payload, SCOPE_SPANS, *inner)
        for _, *within in scopes:
            scope, spans = cut(payload, SPANS, *within)
            base = len(resource) + len(scope) + 2 * _LENGTH
            mine: Pieces = [scope]
            size = base
            for start, _, end in spans:
                if len(mine) > 1 and size + end - start > target:
                    yield _framed(resource, mine)
                    mine, size = [scope], base
                mine.append(view[start:end])
                size += end - start
            yield _framed(resource, mine)


def _framed(resource: bytes, scope_and_spans: Pieces) -> bytes:
    return b"".join(field(RESOURCE_SPANS, [resource, *field(SCOPE_SPANS, scope_and_spans)]))
