"""Whoever only connects, as often as they like, keeps nobody else from being answered."""

from __future__ import annotations

import http.client
import resource
import socket
import time
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.e2e.conftest import Launch, Process

SILENT = 1_000
FILES = 256
STRANGER = ("127.0.0.2", 0)
ANSWER_SECONDS = 1.0
HEAD_SECONDS = 10
HALF_AN_EVENT = (
    b"POST /journey HTTP/1.1\r\nHost: localhost\r\nOrigin: null\r\nContent-Length: 9000\r\n"
    b"Content-Type: text/plain\r\n\r\neyJ"
)
EMPTY = ExportTraceServiceRequest().SerializeToString()


@pytest.fixture
def process(launch: Launch) -> Iterator[Process]:
    """A collector that may open 256 files, beside a test that may open more."""
    with few_files(launch) as process:
        yield process


@contextmanager
def few_files(launch: Launch, *flags: str) -> Iterator[Process]:
    """Start a collector that may open 256 files."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(before[0], 4 * SILENT), before[1]))
    try:
        # It reads its limit when it starts, and what it inherits is what it reads.
        resource.setrlimit(resource.RLIMIT_NOFILE, (FILES, before[1]))
        process = launch(*flags)
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(before[0], 4 * SILENT), before[1]))
        yield process
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)


def answered(address: str, method: str, path: str) -> float:
    """Make one request on a connection of its own; gives the seconds that it took."""
    start = time.monotonic()
    with closing(http.client.HTTPConnection(address, timeout=5)) as connection:
        kind = {"Content-Type": "application/x-protobuf"}
        connection.request(method, path, EMPTY if method == "POST" else None, kind)
        assert connection.getresponse().status == 200
    return time.monotonic() - start


def answers(process: Process) -> None:
    """Check that each HTTP port answers an honest address in time."""
    took = [
        answered(process.http, "POST", "/v1/traces"),
        answered(process.admin, "GET", "/api/v1/sessions"),
        answered(process.admin, "GET", "/metrics"),
    ]
    assert max(took) < ANSWER_SECONDS


def open_files(process: Process) -> int:
    """Give the number of files that it has open."""
    return len(list(Path(f"/proc/{process.child.pid}/fd").iterdir()))


def connect(stack: ExitStack, address: str, say: bytes = b"") -> socket.socket:
    """Connect from another address and say that much."""
    host, port = address.rsplit(":", 1)
    one = stack.enter_context(
        socket.create_connection((host, int(port)), timeout=5, source_address=STRANGER)
    )
    if say:
        one.sendall(say)
    return one


@pytest.mark.parametrize(
    "say",
    [
        b"",
        b"POST /v1/traces HTTP/1.1\r\nHost: loc",
        (
            b"POST /v1/traces HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n"
            b"Content-Type: application/x-protobuf\r\n\r\n"
        ),
    ],
    ids=["nothing", "half a head", "half a request"],
)
def test_a_crowd_that_says_nothing(process: Process, say: bytes) -> None:
    """1,000 connections held from one address leave the others room, and the log its peace."""
    with ExitStack() as stack:
        for n in range(SILENT):
            connect(stack, (process.http, process.admin)[n % 2], say)
            if n % 100 == 99:
                answers(process)
        answers(process)
        assert open_files(process) < FILES * 3 / 4
    answers(process)
    assert process.stop() == 0
    assert process.log().count("\n") < 10, process.log()
    assert "some are closed to let others in" in process.log()


def test_a_crowd_on_the_public_port(launch: Launch, monkeypatch: pytest.MonkeyPatch) -> None:
    """1,000 browsers that never finish a request keep none waiting, nor anybody else."""
    monkeypatch.setenv("JOURNEYTRACE_PUBLIC__KEYS__A__KEY", "x" * 32)
    monkeypatch.setenv("JOURNEYTRACE_PUBLIC__ORIGINS", "null")
    with few_files(launch, "--public", "127.0.0.1:0") as process, ExitStack() as stack:
        for n in range(SILENT):
            connect(stack, process.public, b"" if n % 2 else HALF_AN_EVENT)
            if n % 250 == 249:
                answers(process)
                assert answered(process.public, "GET", "/healthz") < ANSWER_SECONDS
        assert open_files(process) < FILES * 3 / 4
        assert process.stop() == 0
        assert process.log().count("\n") < 10, process.log()


def test_a_crowd_on_the_grpc_port(process: Process) -> None:
    """1,000 connections that say nothing to gRPC cost the HTTP ports nothing."""
    with ExitStack() as stack:
        for _ in range(SILENT):
            # Those that gRPC does not take in wait in the kernel, or are reset.
            connect(stack, process.grpc)
        answers(process)
        assert open_files(process) < FILES * 3 / 4
    assert process.stop() == 0
    assert process.log().count("\n") < 10, process.log()


def test_a_head_has_its_time(process: Process) -> None:
    """Who says nothing for ten seconds is hung up on, though nobody else wants in."""
    with ExitStack() as stack:
        silent = connect(stack, process.http)
        dripping = connect(stack, process.http, b"GET / HT")
        silent.settimeout(HEAD_SECONDS + 10)
        dripping.settimeout(HEAD_SECONDS + 10)
        for one in (silent, dripping):
            with suppress(ConnectionResetError):
                assert one.recv(1) == b""
