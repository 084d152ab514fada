"""kill -9, SIGTERM and second starts: what was acknowledged is there, once (DESIGN section 7)."""

from __future__ import annotations

import random
import sqlite3
import threading
from collections import Counter
from contextlib import closing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import grpc
import msgspec
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from tests.support.rows import killed, rows_behind
from tests.support.waiting import PATIENCE, join

from journeytrace.catalogue import builtin_catalogue
from journeytrace.identity import trace_id
from journeytrace_collector.core.derive import summary
from journeytrace_collector.core.sessionize import fold
from journeytrace_collector.store import SqliteStore

if TYPE_CHECKING:
    from pathlib import Path

    from tests.e2e.conftest import Launch, Process

NAMES = sorted(spec.name for spec in builtin_catalogue().events.values() if not spec.passive)
SESSIONS = [f"session-{n}" for n in range(40)]
SENDERS = 4
MOST = 100_000
"""Batches of a sender, should nobody stop it."""
START = 4_102_444_800 * 10**9
"""2100-01-01T00:00:00Z: no test is ever past its retention."""
IDLE_TIMEOUT = 1_200 * 10**9

Key = tuple[str, bytes]
"""Session and event id."""


@dataclass
class Sender:
    """Sends batches of known events until it is told to stop, each again until it is answered."""

    number: int
    batch: int = 10
    acknowledged: set[Key] = field(default_factory=set)
    sent: set[Key] = field(default_factory=set)
    answers: Counter[str] = field(default_factory=Counter)
    waiting: list[ExportTraceServiceRequest] = field(default_factory=list)
    """What the last collector did not answer: the next one gets it first."""

    def run(self, address: str, stop: threading.Event, answered: threading.Semaphore) -> None:
        with grpc.insecure_channel(address) as channel:
            export = channel.unary_unary(
                "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
                ExportTraceServiceRequest.SerializeToString,
            )
            for _ in range(MOST):
                if stop.is_set() and not self.waiting:
                    return
                request = self.waiting[0] if self.waiting else self._next()
                try:
                    export(request, timeout=PATIENCE)
                except grpc.RpcError as error:
                    self.answers[error.code().name] += 1
                    return
                self.answers["OK"] += 1
                self.acknowledged |= _keys(request)
                self.waiting.clear()
                answered.release()

    def _next(self) -> ExportTraceServiceRequest:
        random_ = random.Random(f"{self.number} {len(self.sent)}")
        request = ExportTraceServiceRequest()
        spans = request.resource_spans.add().scope_spans.add().spans
        for n in range(self.batch):
            session_id = random_.choice(SESSIONS)
            at = START + random_.randrange(10**12)
            span_id = self.number.to_bytes(2, "big") + (len(self.sent) + n + 1).to_bytes(6, "big")
            spans.append(_span(session_id, span_id, random_.choice(NAMES), at))
        self.waiting = [request]
        self.sent |= _keys(request)
        return request


def _span(session_id: str, span_id: bytes, name: str, at: int) -> Span:
    attributes = {"session.id": session_id, "journey.event.name": name, "user.id": span_id.hex()}
    return Span(
        trace_id=trace_id(session_id),
        span_id=span_id,
        name=name,
        start_time_unix_nano=at,
        end_time_unix_nano=at + 5,
        attributes=[
            KeyValue(key=key, value=AnyValue(string_value=text)) for key, text in attributes.items()
        ],
    )


def _keys(request: ExportTraceServiceRequest) -> set[Key]:
    spans = request.resource_spans[0].scope_spans[0].spans
    return {(span.attributes[0].value.string_value, span.span_id) for span in spans}


def load(
    process: Process, senders: list[Sender], answers: int
) -> tuple[threading.Event, list[threading.Thread]]:
    """Set the senders to work and return in the middle of it, after so many answers."""
    stop, answered = threading.Event(), threading.Semaphore(0)
    threads = [
        threading.Thread(target=sender.run, args=(process.grpc, stop, answered), daemon=True)
        for sender in senders
    ]
    for thread in threads:
        thread.start()
    for _ in range(answers):
        assert answered.acquire(timeout=PATIENCE), "no answer"
    return stop, threads


def check_store(launch: Launch, senders: list[Sender]) -> None:
    """Hold what is on disk against what was sent, acknowledged, and is told of each session."""
    process = launch()
    listed = process.get("/api/v1/sessions?limit=1000")["sessions"]
    assert process.stop() == 0
    data = process.data
    with closing(sqlite3.connect(data / "journeys.sqlite")) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        rows = connection.execute(
            "SELECT session_id, event_id FROM events JOIN sessions ON session_no = no"
        ).fetchall()
    assert rows_behind(data) == []
    stored = set(rows)
    assert len(rows) == len(stored), "an event is there twice"
    assert set().union(*(sender.acknowledged for sender in senders)) <= stored
    assert stored <= set().union(*(sender.sent for sender in senders))
    catalogue = builtin_catalogue()
    told = {one["session_id"]: one for one in listed}
    with closing(SqliteStore(data, catalogue, IDLE_TIMEOUT)) as store:
        for session_id in SESSIONS:
            events = store.events(session_id)
            state = fold(events, catalogue).get(session_id)
            if state is None:
                assert session_id not in told
                continue
            expected = msgspec.to_builtins(summary(state, START, IDLE_TIMEOUT))
            assert _timeless(told[session_id]) == _timeless(expected)
            assert told[session_id]["events"] == len(events)
            felt = Counter(event.impact for event in events)
            assert +Counter(told[session_id]["impacts"]) == felt


def _timeless(told: dict[str, Any]) -> dict[str, Any]:
    """Leave out what the clock decides."""
    clocked = {"status", "settled_at", "revision", "why", "violates"}
    return {key: value for key, value in told.items() if key not in clocked}


def test_kill_under_load_loses_and_doubles_nothing(launch: Launch, tmp_path: Path) -> None:
    """Through seven kills at random moments each acknowledged event is stored, and none twice.

    Some of them come before the rows of sessions are written: the next start makes them what the
    events say.
    """
    random_ = random.Random(7)
    senders = [Sender(number) for number in range(1, SENDERS + 1)]
    caught = 0
    for n in range(7):
        process = launch()
        stop, threads = load(process, senders, answers=random_.randrange(1, 150))
        process.kill()
        stop.set()
        join(*threads)
        caught += bool(rows_behind(killed(process.data, tmp_path / f"killed-{n}")))
    assert caught, "no kill came between a commit and the rows that tell of it"
    assert sum(sender.answers["UNAVAILABLE"] for sender in senders) >= 7
    assert set().union(*(sender.answers for sender in senders)) == {"OK", "UNAVAILABLE"}
    check_store(launch, senders)

    last = launch()
    stop, threads = load(last, senders, answers=40)
    stop.set()
    join(*threads)
    assert not any(sender.waiting for sender in senders)
    listed = last.get("/api/v1/sessions?limit=1000")["sessions"]
    sent = Counter(session_id for sender in senders for session_id, _ in sender.sent)
    assert {one["session_id"]: one["events"] for one in listed} == sent
    assert last.stop() == 0
    check_store(launch, senders)


def test_sigterm_under_load(launch: Launch) -> None:
    """Asked to stop, a collector answers what it has taken, and exits with 0."""
    senders = [Sender(number) for number in range(1, SENDERS + 1)]
    process = launch()
    stop, threads = load(process, senders, answers=100)
    assert process.stop() == 0
    stop.set()
    join(*threads)
    # What arrives while it closes the connection may be cancelled: OTLP retries that, too.
    retryable = {"UNAVAILABLE", "CANCELLED"}
    assert set().union(*(sender.answers for sender in senders)) <= {"OK", *retryable}
    check_store(launch, senders)
    assert "Traceback" not in process.log()


def test_a_second_process_on_one_folder(launch: Launch) -> None:
    """The folder belongs to the first: the second says so in one line and exits with 2."""
    first = launch()
    second = launch()
    assert second.child.wait(PATIENCE) == 2
    told = second.log()
    assert told == f"{first.data}: another collector is using this data folder\n"
    assert first.get("/api/v1/sessions")["sessions"] == []


@pytest.mark.parametrize("flag", ["otlp-grpc", "otlp-http", "admin"])
def test_a_port_that_is_taken(launch: Launch, tmp_path: Path, flag: str) -> None:
    """A taken port is one line that names the setting and the address, and exit code 2."""
    first = launch()
    taken = {"otlp-grpc": first.grpc, "otlp-http": first.http, "admin": first.admin}[flag]
    second = launch(f"--{flag}", taken, data=tmp_path / "other")
    assert second.child.wait(PATIENCE) == 2
    told = second.log()
    assert told.startswith(f"{flag.replace('-', '_')}: cannot listen on {taken}: ")
    assert told.count("\n") == 1, told
    assert "in use" in told
    # Nothing is left behind that would keep the folder busy.
    assert launch(data=tmp_path / "other").get("/api/v1/sessions")["sessions"] == []


def test_a_restart_knows_what_is_stored(launch: Launch) -> None:
    """The same event sent again after a kill is the same event."""
    request = ExportTraceServiceRequest()
    span = _span("session-0", b"12345678", "STEP_VIEW", START)
    request.resource_spans.add().scope_spans.add().spans.append(span)
    kept = []
    for _ in range(2):
        process = launch()
        with grpc.insecure_channel(process.grpc) as channel:
            export = channel.unary_unary(
                "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
                ExportTraceServiceRequest.SerializeToString,
            )
            export(request, timeout=PATIENCE)
            export(request, timeout=PATIENCE)
        kept.append(process.get("/api/v1/sessions/session-0/events"))
        process.kill()
    assert kept[0] == kept[1]
    assert len(kept[0]["events"]) == 1
