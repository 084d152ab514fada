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
from pathlib import Path

import grpc
import grpc.aio
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

EXPORT = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
EVENTS_A_REQUEST = 512
EVENTS_A_SESSION = 30
SESSIONS_AT_ONCE = 128
IN_FLIGHT = 4
SESSIONS_BEGIN = "018f3b5e"
"""Their ids."""

_NAMES = ("STEP_VIEW", "ID_RECOGNITION", "API_CALL", "FACE_COMPARE", "PAGE_HIDDEN", "IP_RISK_CHECK")
_SPAN = b"\xee" * 8
_TRACE = bytes.fromhex(SESSIONS_BEGIN) + b"\xdd" * 12


@dataclass
class Load:
    """Endless requests with 10 attributes an event; 128 sessions of 30 events run at once."""

    sent: int = 0
    events: int = EVENTS_A_REQUEST
    """In a request."""
    _template: bytearray = field(init=False)
    _span_ids: list[int] = field(init=False)
    _trace_ids: list[int] = field(init=False)
    _session_ids: list[int] = field(init=False)

    def __post_init__(self) -> None:
        body = _template(self.events)
        self._template = bytearray(body)
        self._span_ids = [m.start() for m in re.finditer(re.escape(_SPAN), body)]
        self._trace_ids = [m.start() for m in re.finditer(re.escape(_TRACE), body)]
        self._session_ids = [m.start() for m in re.finditer(SESSIONS_BEGIN.encode(), body)]

    def request(self) -> bytes:
        """Give the next body: the template with fresh ids of spans, sessions and their traces."""
        body = self._template
        block = EVENTS_A_SESSION * SESSIONS_AT_ONCE
        places = zip(self._span_ids, self._trace_ids, self._session_ids, strict=True)
        for n, (span, trace, session) in enumerate(places, self.sent):
            body[span : span + 8] = (n + 1).to_bytes(8, "big")
            number = n // block * SESSIONS_AT_ONCE + n % SESSIONS_AT_ONCE
            digits = b"%024x" % number
            body[trace + 4 : trace + 16] = bytes.fromhex(digits.decode())
            body[session + 8 : session + 32] = digits
        self.sent += self.events
        return bytes(body)


def _template(events: int) -> bytes:
    request = ExportTraceServiceRequest()
    scope = request.resource_spans.add().scope_spans.add()
    now = time.time_ns()
    for n in range(events):
        span = scope.spans.add(
            trace_id=_TRACE,
            span_id=_SPAN,
            parent_span_id=b"12345678",
            name=_NAMES[n % len(_NAMES)],
            start_time_unix_nano=now + n * 1_000_000,
            end_time_unix_nano=now + n * 1_000_000 + 5_000_000,
        )
        texts = {
            "session.id": SESSIONS_BEGIN + "0" * 24,
            "journey.event.name": span.name,
            "journey.event.source": "BE",
            "journey.event.result": "PASS",
            "journey.project.id": "acme-kyc",
            "user.id": f"user-{n % SESSIONS_AT_ONCE}",
            "path": "/verify/id-front",
            "device": "iPhone 17",
        }
        for key, text in texts.items():
            span.attributes.add(key=key).value.string_value = text
        span.attributes.add(key="score").value.double_value = 0.93
        span.attributes.add(key="attempt").value.int_value = 2
    return request.SerializeToString()


async def send(address: str, load: Load, seconds: float | None = None, events: int = 0) -> float:
    """Keep four requests in flight for `seconds` or so many `events`; give events a second."""
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

        await asyncio.gather(*(sender() for _ in range(IN_FLIGHT)))
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
