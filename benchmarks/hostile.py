"""Bodies made to cost as much as they can: some known to hurt, and shapes to search through."""

from __future__ import annotations

import gzip
import json
import random
import time
from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from typing import Any, NamedTuple

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span

MOST = 16 * 1024 * 1024
"""Bytes of the largest request that is taken."""


class Body(NamedTuple):
    """One request."""

    name: str
    form: str
    """protobuf or json"""
    content: bytes
    gzip: bool = False


def known() -> Iterator[Body]:
    """Give what hurt once, or was meant to."""
    frame = b'{"resourceSpans":[{"scopeSpans":[{"spans":['
    for name, unit in (
        ("empty spans", b"{},"),
        ("numbers for spans", b"1,"),
        ("unknown keys", b'{"":{"":{"":{}}}},'),
        ("empty arrays", b"[],"),
    ):
        yield Body(f"json, {name}", "json", _filled(frame, unit, b"{}]}]}]}"))
        # Just below what is counted: this much is parsed.
        marks = sum(unit.count(mark) for mark in (b"{", b"[", b","))
        body = frame + unit * (1_199_900 // marks) + b"{}]}]}]}"
        yield Body(f"json, {name}, uncounted", "json", body[:MOST])
    yield Body("json, empty resources", "json", _filled(b'{"resourceSpans":[', b"{},", b"{}]}"))
    text = frame + b'{"name":"'
    for name, unit in (
        ("commas in a text", b","),
        ("escaped quotes", b'\\"'),
        ("escaped backslashes", b"\\\\"),
        ("halves of pairs", b"\\ud800"),
        ("many short texts", b'","'),
    ):
        yield Body(f"json, {name}", "json", _filled(text, unit, b'"}]}]}]}'))
    yield Body("json, brackets", "json", b"[" * MOST)
    lone = b",".join([b'{"name":"\\ud800"}'] * 19_000)
    yield Body("json, a half in each span", "json", frame + lone + b"]}]}]}")
    for name in _EMPTY:
        for much, count in (("all", MOST), ("uncounted", 399_000)):
            yield Body(f"protobuf, empty {name}, {much}", "protobuf", _empties(name, count))
    yield Body("gzip of empty streams", "protobuf", gzip.compress(b"") * (MOST // 20), gzip=True)
    yield Body("gzip bomb", "protobuf", gzip.compress(bytes(400 << 20), 1), gzip=True)
    yield Body("gzip of zeros", "protobuf", gzip.compress(bytes(MOST)), gzip=True)
    packed = gzip.compress(_filled(frame, b"{},", b"{}]}]}]}"))
    yield Body("gzip of empty spans", "json", packed, gzip=True)


_EMPTY = {
    "spans": (b"\x12\x00", 2),
    "scopes": (b"\x12\x00", 1),
    "resources": (b"\x0a\x00", 0),
    "span events": (b"\x5a\x00", 3),
    "links": (b"\x6a\x00", 3),
    "attributes": (b"\x4a\x00", 3),
    "overlong tags": (b"\x8a\x80\x80\x80\x00\x00", 0),
    "unknown fields": (b"\x92\x3e\x00", 0),
    "numbers": (b"\x30\x01", 3),
}
_FRAMES = (b"\x0a", b"\x12", b"\x12")


@dataclass(frozen=True)
class Shape:
    """What a request is made of; each number within its limit, and all of it below the others."""

    json: bool = False
    spans: int = 512
    attributes: int = 10
    value: str = "text"
    size: int = 10
    """Characters of a text, items of an array, or depth of nesting."""
    events: int = 0
    links: int = 0
    journey: bool = True
    """Whether a span is an event, so that it is stored."""
    sessions: int = 100
    faulty: int = 0
    """Every so manieth span is rejected; 0: none."""

    def body(self) -> Body:
        """Build it."""
        name = ", ".join(f"{field.name}={getattr(self, field.name)}" for field in fields(self))
        template = self._span()
        request = ExportTraceServiceRequest()
        spans = request.resource_spans.add().scope_spans.add().spans
        for n in range(self.spans):
            span = spans.add()
            span.CopyFrom(template)
            span.span_id = (n + 1).to_bytes(8, "big") if self._sound(n) else b""
            if self.journey:
                span.attributes[0].value.string_value = f"session-{n % self.sessions}"
        if not self.json:
            return Body(name, "protobuf", request.SerializeToString())
        return Body(name, "json", json.dumps(_plain(request)).encode())

    def _sound(self, n: int) -> bool:
        return not self.faulty or n % self.faulty != 0

    def _span(self) -> Span:
        now = time.time_ns()
        span = Span(
            trace_id=b"0123456789abcdef",
            span_id=b"01234567",
            name="STEP_VIEW",
            start_time_unix_nano=now,
            end_time_unix_nano=now,
        )
        if self.journey:
            span.attributes.add(key="session.id")
            span.attributes.add(key="journey.event.name").value.string_value = "STEP_VIEW"
        for n in range(self.attributes):
            span.attributes.add(key=f"a{n}").value.CopyFrom(self._value())
        for n in range(self.events):
            event = span.events.add(time_unix_nano=now + n)
            if self.journey:
                event.attributes.add(key="journey.event.name").value.string_value = "X"
        for _ in range(self.links):
            span.links.add()
        return span

    def _value(self) -> AnyValue:
        value = AnyValue()
        match self.value:
            case "text":
                value.string_value = "x" * self.size
            case "escapes":
                value.string_value = '"\\\0\n' * (self.size // 4)
            case "array":
                for n in range(self.size):
                    value.array_value.values.add().int_value = n
            case "map":
                for n in range(self.size):
                    value.kvlist_value.values.add(key=str(n)).value.double_value = n / 7
            case "deep":
                inner = value
                for _ in range(min(self.size, 31)):
                    inner = inner.array_value.values.add()
                inner.int_value = 1
            case _:
                value.SetInParent()
        return value

    def fits(self) -> bool:
        """Whether it is small enough to be worth a try."""
        each = {"text": 1, "escapes": 1, "empty": 1, "deep": min(self.size, 31)}.get(
            self.value, self.size + 1
        )
        length = self.size * 2 if self.value in {"text", "escapes"} else 8 * each
        values = self.spans * (self.attributes * each + 2 + self.events)
        weight = self.spans * (80 + self.attributes * (10 + length) + self.events * 40)
        return (
            self.spans * (1 + self.events) <= 20_000
            and values <= 320_000
            and weight * (3 if self.json else 1) <= MOST * 1.2
        )

    def neighbour(self, chance: random.Random) -> Shape:
        """Change one or two things."""
        choices: dict[str, Any] = {
            "json": (False, True),
            "spans": (1, 20, 512, 4_000, 10_000, 19_900),
            "attributes": (0, 1, 5, 10, 14, 60, 250, 5_000, 100_000, 290_000),
            "value": ("text", "escapes", "array", "map", "deep", "empty"),
            "size": (0, 1, 4, 12, 30, 100, 1_000, 20_000, 200_000),
            "events": (0, 1, 4, 30, 128, 19_900),
            "links": (0, 1, 10),
            "journey": (False, True),
            "sessions": (1, 20, 1_000, 20_000),
            "faulty": (0, 1, 2),
        }
        while True:
            names = chance.sample(sorted(choices), chance.choice((1, 2, 2, 3)))
            found = replace(self, **{name: chance.choice(choices[name]) for name in names})
            if found != self and found.fits():
                return found


def _filled(before: bytes, unit: bytes, after: bytes) -> bytes:
    return before + unit * ((MOST - len(before) - len(after)) // len(unit)) + after


def _empties(name: str, count: int) -> bytes:
    unit, depth = _EMPTY[name]
    body = unit * min(count, (MOST - 40) // len(unit))
    for tag in reversed(_FRAMES[:depth]):
        body = tag + _varint(len(body)) + body
    return body


def _varint(number: int) -> bytes:
    found = bytearray()
    while number > 127:
        found.append(number & 127 | 128)
        number >>= 7
    return bytes([*found, number])


def _plain(request: ExportTraceServiceRequest) -> dict[str, Any]:
    """Give it as OTLP/JSON."""
    from google.protobuf import json_format  # noqa: PLC0415

    plain: dict[str, Any] = json_format.MessageToDict(request, use_integers_for_enums=True)
    (resource,) = plain["resourceSpans"]
    (scope,) = resource["scopeSpans"]
    for number, span in enumerate(scope["spans"]):
        span["traceId"] = "30313233343536373839616263646566"
        if "spanId" in span:
            span["spanId"] = f"{number + 1:016x}"
    return plain
