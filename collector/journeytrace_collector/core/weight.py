"""How much work a request is, told from its bytes: what is too much is refused before it is parsed.

A parsed message takes up to ninety times its bytes, so the number of bytes bounds nothing. What
bounds the work is the number of messages in the body. It is counted in two steps: a bound that C
code finds at a gigabyte a second, and, only if that is too high, the number itself.
"""

from __future__ import annotations

from functools import cache
from typing import Final, TypeAlias

from google.protobuf.descriptor import Descriptor

from journeytrace_collector.errors import MalformedRequestError, RequestTooLargeError

__all__ = ["MAX_RECORDS", "MAX_VALUES", "check_json", "check_protobuf", "check_records"]

MAX_RECORDS: Final = 20_000
"""Spans with their span events, or log records, in one request."""

MAX_VALUES: Final = 300_000
"""Attributes and other values in one request."""

_QUICK_MESSAGES: Final = 400_000
"""Messages that may be parsed uncounted. Empty spans are the largest: 67 MiB."""

_MESSAGES: Final = 2 * MAX_VALUES + MAX_RECORDS
"""An attribute is two messages: the pair, and its value. The rest is for what holds records."""

_STEPS: Final = 2_500_000
"""Fields and messages that are looked at while counting: an attribute takes six."""

_MARKS: Final = 4 * MAX_VALUES
"""Braces, brackets and commas of JSON: an attribute has four, and each value at least one."""

_CHUNK: Final = 1024 * 1024
"""Bytes of JSON that are cut at their quotes at a time: at most 40 MiB of pieces."""

_OTHER_BYTES: Final = bytes(byte for byte in range(256) if byte & 7 != 2)
"""All that cannot begin a field with a length, however its number is written."""

_RECORDS: Final = frozenset({"Span", "Event", "LogRecord"})

Shape: TypeAlias = dict[int, tuple[bool, "Shape"]]
"""By field number: whether it is a record, and the shape of what it holds."""


def check_protobuf(body: bytes, kind: Descriptor) -> None:
    """Check that `body`, a message of `kind`, holds no more than may be parsed.

    Raises:
        RequestTooLargeError: it does.
        MalformedRequestError: it is cut off; not every such body is found.
    """
    # Each message within another begins with such a byte; some bytes of texts look like it.
    if len(body.translate(None, _OTHER_BYTES)) > _QUICK_MESSAGES:
        try:
            _walk(body, _shape(kind))
        except IndexError:
            raise MalformedRequestError(f"the body is no {kind.name}: it is cut off") from None


def _walk(body: bytes, shape: Shape) -> None:  # noqa: PLR0912 - calls would double its time
    """Count messages in the order in which they can be found without recursion."""
    records = messages = at = 0
    end = len(body)
    rest: list[tuple[int, int, Shape]] = []
    for _ in range(_STEPS):
        if at >= end:
            if not rest:
                return
            at, end, shape = rest.pop()
            continue
        key = body[at]
        at += 1
        if key > 127:
            key, at = _varint(body, at - 1)
        match key & 7:
            case 2:
                size = body[at]
                at += 1
                if size > 127:
                    size, at = _varint(body, at - 1)
                if (known := shape.get(key >> 3)) is not None:
                    records += known[0]
                    messages += not known[0]
                    if messages > _MESSAGES or records > MAX_RECORDS:
                        break
                    if size:
                        rest.append((at, at + size, known[1]))
                at += size
            case 0:
                while body[at] > 127:
                    at += 1
                at += 1
            case 1:
                at += 8
            case 5:
                at += 4
            case _:
                raise MalformedRequestError("the body holds a group, which OTLP does not know")
    raise _too_much("records" if records > MAX_RECORDS else "values")


def _varint(body: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = body[at]
        at += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, at
        shift += 7
        if shift > 63:
            raise MalformedRequestError("the body holds a number of more than ten bytes")


@cache
def _shape(kind: Descriptor) -> Shape:
    shape: Shape = {}
    _shapes: dict[str, Shape] = {kind.full_name: shape}
    waiting = [(kind, shape)]
    while waiting:
        holder, found = waiting.pop()
        for field in holder.fields:
            inner = field.message_type
            if inner is None:
                continue
            if inner.full_name not in _shapes:
                waiting.append((inner, _shapes.setdefault(inner.full_name, {})))
            found[field.number] = inner.name in _RECORDS, _shapes[inner.full_name]
    return shape


def check_records(count: int) -> None:
    """Check the number of records of one request.

    Raises:
        RequestTooLargeError: there are too many.
    """
    if count > MAX_RECORDS:
        raise _too_much("records")


def check_json(body: bytes) -> None:
    """Check that `body`, whatever JSON it holds, holds no more than may be parsed.

    Raises:
        RequestTooLargeError: it does.
    """
    if _marks(body) <= _MARKS:
        return
    # Most of them stand in texts, perhaps. Without escapes a text is what stands between quotes.
    body = body.replace(b"\\\\", b"").replace(b'\\"', b"")
    marks = within = 0
    for at in range(0, len(body), _CHUNK):
        parts = body[at : at + _CHUNK].split(b'"')
        marks += _marks(b"".join(parts[within::2]))
        within ^= len(parts) - 1 & 1
    if marks > _MARKS:
        raise _too_much("values")


def _marks(body: bytes) -> int:
    return body.count(b"{") + body.count(b"[") + body.count(b",")


def _too_much(what: str) -> RequestTooLargeError:
    most = MAX_RECORDS if what == "records" else MAX_VALUES
    return RequestTooLargeError(f"the request holds more than {most} {what}; send smaller batches")
