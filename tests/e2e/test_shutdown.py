"""An end that was asked for comes in time, whatever hangs, and costs nothing acknowledged."""

from __future__ import annotations

import json
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import grpc
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from tests.support.receivers import GrpcReceiver, HttpReceiver
from tests.support.running import enter_in_background
from tests.support.waiting import PATIENCE, Lines, join, wait_until

from journeytrace.identity import trace_id
from journeytrace_collector.process import _DEADLINE_SECONDS

if TYPE_CHECKING:
    from tests.e2e.conftest import Launch, Process

EXPORT = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
NOON = 4_102_444_800 * 10**9
"""2100-01-01T00:00:00Z: no test is ever past its retention."""
DEADLINE = 10
"""Seconds; Docker kills after as many."""


def request(session_id: str) -> bytes:
    """Give a request with one event."""
    made = ExportTraceServiceRequest()
    span = made.resource_spans.add().scope_spans.add().spans.add()
    span.trace_id, span.span_id, span.name = trace_id(session_id), b"12345678", "STEP_VIEW"
    span.start_time_unix_nano = span.end_time_unix_nano = NOON
    values = {"session.id": session_id, "journey.event.name": "STEP_VIEW"}
    span.attributes.extend(
        KeyValue(key=key, value=AnyValue(string_value=value)) for key, value in values.items()
    )
    return made.SerializeToString()


def send_until_refused(address: str, prefix: str, acknowledged: list[str]) -> None:
    """Send one session after the other; note those that were answered with success."""
    with grpc.insecure_channel(address) as channel:
        export = channel.unary_unary(EXPORT)
        while True:
            session_id = f"{prefix}-{len(acknowledged)}"
            try:
                export(request(session_id), timeout=30)
            except grpc.RpcError:
                return
            acknowledged.append(session_id)


def stop_in_time(process: Process) -> None:
    """Ask it to end, and check that it ends by itself: past its own deadline the code is 1."""
    assert _DEADLINE_SECONDS <= DEADLINE
    assert process.stop() == 0


@pytest.fixture
def silent() -> Iterator[str]:
    """Address of a receiver that lets everybody connect and never answers."""
    with closing(socket.create_server(("127.0.0.1", 0), backlog=100)) as server:
        yield f"127.0.0.1:{server.getsockname()[1]}"


def exporting(folder: Path, address: str, protocol: str) -> tuple[str, str]:
    """Give the flags of a collector that forwards to an address."""
    otlp = {"endpoint": f"http://{address}", "protocol": protocol, "email": "drop"}
    file = folder / f"{address}.yaml"
    file.write_text(json.dumps({"exporters": {"otlp": otlp}}))
    return "--config", str(file)


@pytest.mark.parametrize("protocol", ["grpc", "http/protobuf"])
def test_under_load_with_a_silent_receiver(
    launch: Launch, tmp_path: Path, silent: str, protocol: str
) -> None:
    """It ends in time and with 0; what it had acknowledged is stored, and goes out afterwards."""
    process = launch(*exporting(tmp_path, silent, protocol))
    acknowledged: list[list[str]] = [[], [], []]
    threads = [
        threading.Thread(
            target=send_until_refused, args=(process.grpc, f"sender-{n}", mine), daemon=True
        )
        for n, mine in enumerate(acknowledged)
    ]
    for thread in threads:
        thread.start()
    wait_until("20 answers for each sender", lambda: min(map(len, acknowledged)) >= 20)
    stop_in_time(process)
    join(*threads)
    assert "Traceback" not in process.log()
    with enter_in_background() as enter:
        receiver = enter(GrpcReceiver() if protocol == "grpc" else HttpReceiver())
        again = launch(*exporting(tmp_path, f"127.0.0.1:{receiver.port}", protocol))
        wait_until("an empty outbox", lambda: not again.get("/api/v1/outbox")["destinations"])
        stop_in_time(again)
        arrived = b"".join(received.body for received in receiver.received)
    for mine in acknowledged:
        assert all(trace_id(session_id) in arrived for session_id in mine)


@pytest.mark.parametrize("address", ["127.0.0.1:1", "nowhere.invalid:4317"])
def test_with_a_receiver_that_is_not_there(launch: Launch, tmp_path: Path, address: str) -> None:
    """Between two attempts to deliver it ends at once."""
    process = launch(*exporting(tmp_path, address, "http/protobuf"))
    with grpc.insecure_channel(process.grpc) as channel:
        channel.unary_unary(EXPORT)(request("session-1"), timeout=PATIENCE)
    failed = b"failures_total{destination="
    wait_until("a delivery that fails", lambda: failed in metrics(process.admin))
    stop_in_time(process)
    assert "Traceback" not in process.log()


def metrics(address: str) -> bytes:
    """Give the metrics page."""
    host, port = address.rsplit(":", 1)
    with socket.create_connection((host, int(port)), timeout=PATIENCE) as connection:
        connection.sendall(b"GET /metrics HTTP/1.0\r\nHost: localhost\r\n\r\n")
        return b"".join(iter(lambda: connection.recv(65_536), b""))


@pytest.fixture
def dawdlers(launch: Launch) -> Iterator[tuple[Process, list[socket.socket]]]:
    """A collector with senders on each port that began a request and do not go on."""
    process = launch()
    head = (
        b"POST /v1/traces HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-protobuf\r\n"
    )
    grpc_preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
    begun = (
        (process.http, head + b"Content-Length: 100\r\n\r\nx"),
        (process.http, head),
        (process.admin, b"GET /api/v1/sess"),
        (process.grpc, grpc_preface),
    )
    connections = []
    for address, sent in begun:
        host, port = address.rsplit(":", 1)
        connections.append(socket.create_connection((host, int(port)), timeout=PATIENCE))
        connections[-1].sendall(sent)
    # Answered on the same loop later than these began: they are in its hands now.
    process.get("/api/v1/sessions")
    yield process, connections
    for connection in connections:
        connection.close()


def test_senders_that_do_not_go_on(dawdlers: tuple[Process, list[socket.socket]]) -> None:
    """Nobody who dawdles can keep it from ending in time."""
    process, _ = dawdlers
    stop_in_time(process)
    assert "Traceback" not in process.log()


def test_a_second_signal_ends_it_at_once(dawdlers: tuple[Process, list[socket.socket]]) -> None:
    """Told twice, it waits for nobody; the exit code is the signal's own."""
    process, _ = dawdlers
    process.child.send_signal(signal.SIGTERM)
    # Only the first signal closes the ports.
    host, port = process.http.rsplit(":", 1)
    wait_until("a closed port", lambda: _is_closed(host, int(port)))
    assert process.child.poll() is None
    process.child.send_signal(signal.SIGTERM)
    assert process.child.wait(PATIENCE) == -signal.SIGTERM


def _is_closed(host: str, port: int) -> bool:
    try:
        socket.create_connection((host, port), timeout=PATIENCE).close()
    except OSError:
        return True
    return False


IMPATIENT = (
    "from journeytrace_collector import process\n"
    "process._DEADLINE_SECONDS = 0.5\n"
    "from journeytrace_collector.cli import main\n"
    "main()"
)


def test_past_the_deadline_it_ends_all_the_same(tmp_path: Path) -> None:
    """When even closing hangs, it says so and ends with 1; what was acknowledged is stored."""
    data = tmp_path / "data"
    addresses = [f"--{name}=127.0.0.1:0" for name in ("otlp-grpc", "otlp-http", "admin")]
    addresses.append("--desk=off")
    command = [sys.executable, "-c", IMPATIENT, "collector", "--data", str(data), *addresses]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as child:
        try:
            _hang_and_stop(child, data)
        finally:
            child.kill()
    with closing(sqlite3.connect(data / "journeys.sqlite")) as connection:
        ids = {row[0] for row in connection.execute("SELECT session_id FROM sessions")}
    assert "acknowledged" in ids


def _hang_and_stop(child: subprocess.Popen[str], data: Path) -> None:
    lines = Lines(child.stderr)
    listening = lines.find(r"gRPC on (\S+), .*admin on (\S+),")
    assert listening is not None, lines.text()
    address, admin = listening.groups()
    with grpc.insecure_channel(address) as channel:
        export = channel.unary_unary(EXPORT)
        export(request("acknowledged"), timeout=PATIENCE)
        with closing(sqlite3.connect(data / "journeys.sqlite", isolation_level=None)) as lock:
            # The writer waits a second for this, which is longer than it has.
            lock.execute("BEGIN IMMEDIATE")
            waiting = []

            def one_more_waits() -> bool:
                # It may take several at once: those that come while it is busy are in the queue.
                waiting.append(export.future(request("waiting"), timeout=PATIENCE))
                return b"\njourney_collector_queued_bytes 0" not in metrics(admin)

            wait_until("a request behind the one that is written", one_more_waits)
            child.send_signal(signal.SIGTERM)
            assert child.wait(PATIENCE) == 1
            assert all(call.code() is not grpc.StatusCode.OK for call in waiting)
    assert "it did not stop in time and is ended" in lines.text()
