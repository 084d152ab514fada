"""kill -9 with everything on and every receiver failing at random: nothing that leaves is lost."""

from __future__ import annotations

import json
import random
import re
import threading
import urllib.request
from collections import defaultdict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

import grpc
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from tests.e2e.test_kill import SENDERS, Sender, load
from tests.support.waiting import PATIENCE, join, wait_until

if TYPE_CHECKING:
    from tests.e2e.conftest import Launch, Process

FAILING = 0.25
HURRIED = (
    "from journeytrace_collector.core import derive\n"
    "derive.QUIET = 10**9\n"
    "from journeytrace_collector.cli import main\n"
    "main()"
)
"""A collector that settles after a second without arrivals, while events still come."""
SECRET = "a secret of this test"


class Backend:
    """An OTLP/gRPC server that keeps what it gets and fails now and then, before or after."""

    def __init__(self) -> None:
        self.spans: dict[bytes, set[bytes]] = defaultdict(set)
        """By span id, every content that came."""
        self.names: dict[bytes, str] = {}
        self.reliable = False
        self._random = random.Random(1)
        self._lock = threading.Lock()
        self._server = grpc.server(ThreadPoolExecutor(4))
        method = grpc.unary_unary_rpc_method_handler(
            self._export, ExportTraceServiceRequest.FromString
        )
        service = "opentelemetry.proto.collector.trace.v1.TraceService"
        handler = grpc.method_handlers_generic_handler(service, {"Export": method})
        self._server.add_generic_rpc_handlers((handler,))
        self.port = self._server.add_insecure_port("127.0.0.1:0")
        self._server.start()

    def _export(self, request: ExportTraceServiceRequest, context: Any) -> bytes:
        with self._lock:
            before, after = (self._random.random() < FAILING / 2 for _ in range(2))
            if before and not self.reliable:
                context.abort(grpc.StatusCode.UNAVAILABLE, "not now")
            for resource_spans in request.resource_spans:
                for scope_spans in resource_spans.scope_spans:
                    for span in scope_spans.spans:
                        self.spans[span.span_id].add(span.SerializeToString(deterministic=True))
                        self.names[span.span_id] = span.name
            if after and not self.reliable:
                context.abort(grpc.StatusCode.UNAVAILABLE, "taken, but you will not hear of it")
        return ExportTraceServiceResponse().SerializeToString()

    def close(self) -> None:
        """End it."""
        assert self._server.stop(None).wait(PATIENCE), "the backend does not end"


class Receiver:
    """A webhook receiver that keeps what it gets by idempotency key, and fails now and then."""

    def __init__(self) -> None:
        self.bodies: dict[str, list[dict[str, Any]]] = defaultdict(list)
        self.reliable = False
        chance = random.Random(2)
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                failing = chance.random() < FAILING and not receiver.reliable
                if not failing or chance.random() < 0.5:
                    receiver.bodies[body["id"]].append(body)
                self.send_response(503 if failing else 204)
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End it."""
        self._server.shutdown()
        join(self._thread)
        self._server.server_close()


@pytest.fixture
def backend() -> Iterator[Backend]:
    """Give a trace backend that fails at random."""
    backend = Backend()
    yield backend
    backend.close()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """Give a webhook receiver that fails at random."""
    receiver = Receiver()
    yield receiver
    receiver.close()


@pytest.fixture
def config(tmp_path: Path, backend: Backend, receiver: Receiver) -> Path:
    """Give a configuration with both exporters on."""
    file = tmp_path / "config.yaml"
    file.write_text(
        f"""
        idle_timeout: 1s
        exporters:
          otlp: {{endpoint: "http://127.0.0.1:{backend.port}", email: drop}}
          webhook:
            allow_private_networks: true
            endpoints:
              - {{name: audit, url: "http://127.0.0.1:{receiver.port}/", secret: {SECRET}}}
        """
    )
    return file


def metric(process: Process, name: str) -> float:
    """Give the sum over all series of one metric."""
    with urllib.request.urlopen(f"http://{process.admin}/metrics", timeout=30) as answer:
        text = answer.read().decode()
    values = re.findall(rf"^{name}(?:\{{.*\}})? (\S+)", text, re.MULTILINE)
    assert values, f"{name} is not there"
    return sum(float(value) for value in values)


def wait_until_all_has_left(process: Process) -> None:
    """Wait until every session has settled and the outbox is empty."""

    def has_left() -> bool:
        listed = process.get("/api/v1/sessions?limit=1000")["sessions"]
        if due(process) or not all(one["settled_at"] for one in listed):
            return False
        # Asked last: what settles just before adds to it.
        return not metric(process, "journey_collector_outbox_rows")

    # At most two minutes until what failed is tried again.
    wait_until("every session settled and an empty outbox", has_left, 4 * PATIENCE)


def due(process: Process) -> bool:
    """Whether a session is still to settle again."""
    import sqlite3
    from contextlib import closing

    with closing(sqlite3.connect(f"file:{process.data}/journeys.sqlite?mode=ro", uri=True)) as file:
        row = file.execute("SELECT 1 FROM sessions WHERE pending IS NOT NULL LIMIT 1").fetchone()
        return row is not None


@pytest.mark.timeout(360)  # many starts and a long queue, on a machine that is busy
@pytest.mark.parametrize("kills", [6, pytest.param(20, marks=pytest.mark.proof)])
def test_kills_with_failing_receivers(
    launch: Launch, config: Path, backend: Backend, receiver: Receiver, kills: int
) -> None:
    """Counters equal the events sent; every span, root, revision and webhook event arrives."""
    random_ = random.Random(20)
    senders = [Sender(number) for number in range(1, SENDERS + 1)]
    for _ in range(kills):
        process = launch("--config", str(config), main=HURRIED)
        stop, threads = load(process, senders, answers=random_.randrange(1, 60))
        process.kill()
        stop.set()
        join(*threads)
    last = launch("--config", str(config), main=HURRIED)
    # The second time finds them settled: what comes then makes revisions.
    for _ in range(2):
        stop, threads = load(last, senders, answers=SENDERS)
        stop.set()
        join(*threads)
        assert not any(sender.waiting for sender in senders)
        backend.reliable = receiver.reliable = True
        wait_until_all_has_left(last)

    sent = set().union(*(sender.sent for sender in senders))
    assert metric(last, "journey_events_total") == len(sent)
    assert {span_id for _, span_id in sent} <= set(backend.spans)
    sessions = last.get("/api/v1/sessions?limit=1000")["sessions"]
    assert metric(last, "journey_sessions_settled_total") == len(sessions)
    assert metric(last, "journey_sessions_started_total") == len(sessions)

    contents: dict[str, list[set[bytes]]] = defaultdict(list)
    for span_id, content in backend.spans.items():
        contents[backend.names[span_id]].append(content)
    revisions = sum(one["revision"] for one in sessions)
    assert revisions > 0
    assert metric(last, "journey_session_revisions_total") == revisions
    assert [len(content) for content in contents["journey.session"]] == [1] * len(sessions)
    assert [len(content) for content in contents["journey.session.revision"]] == [1] * revisions

    told = [bodies[0] for bodies in receiver.bodies.values()]
    settled = sorted(
        (body["session"]["session_id"], body["revision"])
        for body in told
        if body["type"] == "settled"
    )
    assert settled == sorted(
        (one["session_id"], n) for one in sessions for n in range(one["revision"] + 1)
    )
    for bodies in receiver.bodies.values():
        assert len({body["type"] + body["session"]["session_id"] for body in bodies}) == 1
    last_decision: dict[str, tuple[str, Any]] = {}
    for body in told:
        if body["type"] == "decision_changed":
            session = body["session"]
            found = (session["decided_at"], session["decision"])
            known = last_decision.get(session["session_id"], ("", None))
            last_decision[session["session_id"]] = max(found, known)
    decided = {one["session_id"]: one["decision"] for one in sessions if one["decision"]}
    assert {session: decision for session, (_, decision) in last_decision.items()} == decided
    assert last.stop() == 0
