"""A load of journey events over OTLP/gRPC, cheap to make: the server is what is measured."""

from __future__ import annotations

import asyncio
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from random import Random
from uuid import UUID

import grpc
import grpc.aio
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import Span

EXPORT = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
EVENTS_A_REQUEST = 512
IN_FLIGHT = 4
SESSIONS_BEGIN = "0191c0de"
"""Their ids; never those of sessions that a benchmark has stored beforehand."""

# One journey, as both sides tell it: (event, source, whether it is a check).
_JOURNEY = (
    ("SESSION_CREATED", "BE", False),
    ("PAGE_VISIBLE", "FE", False),
    ("PERIOD_CHECK", "BE", True),
    ("IP_RISK_CHECK", "BE", True),
    ("RATE_LIMIT_CHECK", "BE", True),
    ("STEP1_ENTERED", "BE", False),
    ("STEP_VIEW", "FE", False),
    ("CAMERA_ACTIVATED", "FE", False),
    ("ID_RECOGNITION", "BE", True),
    ("API_CALL", "FE", False),
    ("AGE_VERIFICATION", "BE", True),
    ("SUBMISSION_CREATED", "BE", False),
    ("STEP_VIEW", "FE", False),
    ("CAMERA_ACTIVATED", "FE", False),
    ("STEP2_ENTERED", "BE", False),
    ("API_CALL", "FE", False),
    ("FACE_COMPARE", "BE", True),
    ("SELFIE_DUPLICATE_CHECK", "BE", True),
    ("APPROVED", "BE", False),
    ("FINAL_PAGE_VIEW", "FE", False),
)
EVENTS_A_SESSION = len(_JOURNEY)

_SPAN = b"\xee" * 8
_DIGITS = b"dddddddddddd"
_SESSION = f"{SESSIONS_BEGIN}-0000-7000-8000-{_DIGITS.decode()}"
_TRACE = UUID(_SESSION).bytes


class Layout(Enum):
    """How sessions share requests, by how many of them run at once."""

    WHOLE = 1
    """A request holds whole sessions, as a backend sends them that traces one user at a time."""
    OPEN = 1_000
    """Events of 1,000 users by turns, of each in their order: what services send. One ends, and
    another begins, as people come and go: never all at once."""
    SHUFFLED = 10_000
    """Events of 10,000 users in any order, who come and go likewise: what queues make of it."""


@dataclass
class Load:
    """Endless requests with 10 attributes an event, of sessions of 20 events."""

    layout: Layout = Layout.OPEN
    sent: int = 0
    events: int = EVENTS_A_REQUEST
    """In a request."""
    _spans: list[tuple[bytes, ...]] = field(init=False)
    _order: list[tuple[int, int, int]] = field(init=False)

    def __post_init__(self) -> None:
        now = time.time_ns()
        self._spans = [_span(step, now) for step in range(EVENTS_A_SESSION)]
        self._order = _order(self.layout)

    def request(self) -> bytes:
        """Give the next body."""
        block, at_once = len(self._order), self.layout.value
        parts = []
        for n in range(self.sent, self.sent + self.events):
            session, step, block_before = self._order[n % block]
            digits = b"%012x" % ((n // block + 1 - block_before) * at_once + session)
            parts.append(_filled(self._spans[step], n, digits))
        self.sent += self.events
        spans = b"".join(parts)
        return _field(1, _field(1, _RESOURCE) + _field(2, spans))


def _order(layout: Layout) -> list[tuple[int, int, int]]:
    """Give a block of events, after which it begins anew with other sessions.

    Each is (session, step of its journey, 1 if it is of a session that began in the block before).
    """
    size = layout.value * EVENTS_A_SESSION
    if layout is Layout.WHOLE:
        return [(0, step, 0) for step in range(size)]
    random = Random(20260701)
    order = []
    for session in range(layout.value):
        begins = session * EVENTS_A_SESSION
        places = [begins + random.random() * size for _ in range(EVENTS_A_SESSION)]
        if layout is Layout.OPEN:
            places.sort()
        order += [(place % size, session, step, place >= size) for step, place in enumerate(places)]
    return [(session, step, int(before)) for _, session, step, before in sorted(order)]


def _span(step: int, now: int) -> tuple[bytes, ...]:
    """Give a span as a field of its scope, cut at what differs: see `_filled`."""
    name, source, is_check = _JOURNEY[step]
    at = now + step * 1_000_000
    span = Span(
        trace_id=_TRACE,
        span_id=_SPAN,
        parent_span_id=b"12345678",
        name=name,
        start_time_unix_nano=at,
        end_time_unix_nano=at + 5_000_000,
    )
    texts = {
        "session.id": _SESSION,
        "journey.event.name": name,
        "journey.event.source": source,
        "journey.project.id": "acme-kyc",
        "user.id": "user-" + _DIGITS.decode(),
        "path": "/verify/id-front",
        "device": "iPhone 17",
        **({"journey.event.result": "PASS"} if is_check else {"locale": "en"}),
    }
    for key, text in texts.items():
        span.attributes.add(key=key).value.string_value = text
    span.attributes.add(key="score").value.double_value = 0.93
    span.attributes.add(key="attempt").value.int_value = 2
    body = _field(2, span.SerializeToString())
    places = b"|".join(re.escape(place) for place in (_TRACE, _SPAN, _DIGITS))
    return tuple(re.split(places, body))


def _filled(span: tuple[bytes, ...], n: int, digits: bytes) -> bytes:
    trace = _TRACE[:10] + bytes.fromhex(digits.decode())
    first, second, third, fourth, last = span
    span_id = (n + 1).to_bytes(8, "big")
    return b"".join((first, trace, second, span_id, third, digits, fourth, digits, last))


def _field(number: int, content: bytes) -> bytes:
    """Write a field with a length, as protobuf does."""
    size, length = len(content), bytearray()
    while size > 0x7F:
        length.append(size & 0x7F | 0x80)
        size >>= 7
    length.append(size)
    return bytes((number << 3 | 2,)) + bytes(length) + content


_RESOURCE = Resource(
    attributes=[KeyValue(key="service.name", value=AnyValue(string_value="verify-api"))]
).SerializeToString()


async def send(
    address: str,
    load: Load,
    seconds: float | None = None,
    events: int = 0,
    in_flight: int = IN_FLIGHT,
) -> float:
    """Keep requests in flight for `seconds` or so many `events`; give events a second."""
    async with grpc.aio.insecure_channel(address) as channel:
        export = channel.unary_unary(EXPORT)
        await export(load.request())
        start = time.perf_counter()
        first = load.sent

        def more() -> bool:
            if seconds is None:
                return load.sent - first < events
            return time.perf_counter() - start < seconds

        async def sender() -> None:
            while more():
                await export(load.request())

        await asyncio.gather(*(sender() for _ in range(in_flight)))
        return (load.sent - first) / (time.perf_counter() - start)


@contextmanager
def child(module: str, *arguments: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Run a server of this package as a process of its own; gives it and the address it prints."""
    command = [sys.executable, "-m", module, *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout
            yield process, process.stdout.readline().strip()
        finally:
            process.terminate()


def peak_memory_mib(pid: int) -> float:
    """Give the most memory the process ever had in use, in MiB."""
    status = Path(f"/proc/{pid}/status").read_text("utf-8")
    return int(re.findall(r"VmHWM:\s+(\d+) kB", status)[0]) / 1024
