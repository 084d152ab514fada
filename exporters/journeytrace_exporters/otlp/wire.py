"""OTLP requests as bytes: cut where their spans are, and put together again.

A span that is not touched never becomes an object of Python's, which would cost several times its
size in memory and most of what forwarding costs in time.
"""

from __future__ import annotations

from typing import Final, TypeAlias

__all__ = ["RESOURCE_SPANS", "SCOPE_SPANS", "SPANS", "Pieces", "cut", "field"]

# Protobuf writes a field as its number, its kind (2: so many bytes) and its content.
RESOURCE_SPANS: Final = 1 << 3 | 2
"""In a request."""
SCOPE_SPANS: Final = 2 << 3 | 2
"""In what a resource sent."""
SPANS: Final = 2 << 3 | 2
"""In what a scope of it sent."""

Pieces: TypeAlias = list[bytes | bytearray | memoryview]
"""What is bytes when joined."""


def cut(data: bytes, number: int, at: int, end: int) -> tuple[bytes, list[tuple[int, int, int]]]:
    """Cut a message at its repeated field of this number and kind.

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
        if kind == number:
            items.append((start, content, at))
        else:
            rest.append(data[start:at])
    return b"".join(rest), items


def field(number: int, pieces: Pieces) -> Pieces:
    """Put before the pieces what makes them a field; they are copied once, when all are there."""
    head = bytearray((number,))
    length = sum(map(len, pieces))
    while length > 0x7F:
        head.append(length & 0x7F | 0x80)
        length >>= 7
    head.append(length)
    return [head, *pieces]
