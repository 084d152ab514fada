"""Hostile input and a full disk, against a collector whose memory and life can be watched."""

from __future__ import annotations

import gzip
import http.client
import json
import random
import resource
from collections import Counter
from contextlib import closing
from itertools import count
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import grpc
import pytest
from google.rpc.error_details_pb2 import RetryInfo
from google.rpc.status_pb2 import Status
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import KeyValue

from journeytrace.identity import trace_id

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.e2e.conftest import Launch, Process

NOON = 4_102_444_800 * 10**9
"""2100-01-01T00:00:00Z: no test is ever past its retention."""
MIB = 1024 * 1024
MUTANTS = 1_200
GRPC_PATHS = {
    "traces": "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
    "logs": "/opentelemetry.proto.collector.logs.v1.LogsService/Export",
}
CONTENT_TYPES = {"protobuf": "application/x-protobuf", "json": "application/json"}


def attributes(**values: str | float | bool) -> list[KeyValue]:
    """Give one event's attributes of several types; ``_`` stands for ``.``."""
    kinds = {str: "string_value", bool: "bool_value", int: "int_value", float: "double_value"}
    pairs = []
    for key, value in values.items():
        pairs.append(KeyValue(key=key.replace("_", ".")))
        setattr(pairs[-1].value, kinds[type(value)], value)
    return pairs


def traces(session_id: str, *names: str, fill: str = "") -> bytes:
    """Give a request with one span and one span event for each name."""
    request = ExportTraceServiceRequest()
    for n, name in enumerate(names, 1):
        span = request.resource_spans.add().scope_spans.add().spans.add()
        span.trace_id = trace_id(session_id)
        span.span_id = n.to_bytes(8, "big")
        span.name = name
        span.start_time_unix_nano = NOON
        span.end_time_unix_nano = NOON + n
        both = {"session_id": session_id, "journey_event_name": name}
        span.attributes.extend(
            attributes(**both, journey_event_result="FAIL", score=0.5, fill=fill)
        )
        span.events.add(name=name, time_unix_nano=NOON + n, attributes=attributes(**both, ok=True))
    return request.SerializeToString()


def logs(session_id: str, *names: str) -> bytes:
    """Give a request with one log record for each name."""
    request = ExportLogsServiceRequest()
    for n, name in enumerate(names, 1):
        record = request.resource_logs.add().scope_logs.add().log_records.add()
        record.time_unix_nano = NOON + n
        both = {"session_id": session_id, "journey_event_name": name}
        record.attributes.extend(attributes(**both, user_email="a@example.com", n=n))
    return request.SerializeToString()


def mutated(random_: random.Random, seeds: list[bytes]) -> bytes:
    """Spoil a sound body: flip bits, cut it off, splice two, repeat a piece, change characters."""
    body = bytearray(random_.choice(seeds))
    match random_.randrange(6):
        case 0:
            for _ in range(random_.randint(1, 4)):
                body[random_.randrange(len(body))] ^= 1 << random_.randrange(8)
        case 1:
            del body[random_.randrange(len(body)) :]
        case 2:
            other = random_.choice(seeds)
            body[random_.randrange(len(body)) :] = other[random_.randrange(len(other)) :]
        case 3:
            start = random_.randrange(len(body))
            piece = body[start : start + random_.randint(1, 40)]
            body[start:start] = piece * random_.randint(1, 30)
        case _:
            # Leaves the framing as it is, and so gets past the parser.
            letters = [n for n, byte in enumerate(body) if chr(byte).isalnum()]
            for n in random_.choices(letters, k=random_.randint(1, 6)):
                body[n] = random_.choice(b"0129afzAFZ")
    return bytes(body)


class Caller:
    """Keeps one connection of each kind to one collector."""

    def __init__(self, process: Process) -> None:
        self._http = http.client.HTTPConnection(process.http, timeout=30)
        self._channel = grpc.insecure_channel(
            process.grpc, options=[("grpc.max_send_message_length", -1)]
        )

    def post(self, signal: str, kind: str, body: bytes, **headers: str) -> Any:
        """Post to OTLP/HTTP and give the response with its ``body`` read."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        sent["Content-Type"] = CONTENT_TYPES[kind]
        self._http.request("POST", f"/v1/{signal}", body, sent)
        response: Any = self._http.getresponse()
        response.body = response.read()
        return response

    def call(self, signal: str, body: bytes, **options: Any) -> Any:
        """Call OTLP/gRPC and give the RpcError, or None on success."""
        try:
            self._channel.unary_unary(GRPC_PATHS[signal])(body, timeout=30, **options)
        except grpc.RpcError as error:
            return error
        return None

    def close(self) -> None:
        """Hang up."""
        self._http.close()
        self._channel.close()


@pytest.fixture
def caller(process: Process) -> Iterator[Caller]:
    """Connections to the test's collector."""
    with closing(Caller(process)) as caller:
        yield caller


@pytest.fixture
def process(launch: Launch) -> Process:
    """A collector that takes requests up to 8 MiB."""
    return launch("--max-request-bytes", str(8 * MIB))


def as_json(examples: Path, name: str) -> bytes:
    """Give an example without its white space, where a mutation would change nothing."""
    return json.dumps(json.loads((examples / name).read_bytes()), separators=(",", ":")).encode()


def test_mutated_bodies(process: Process, caller: Caller, examples: Path) -> None:
    """Each of 1,200 spoilt bodies is taken or refused; the collector lives, small, and goes on."""
    seeds = {
        ("traces", "protobuf"): [traces("s-1", "STEP_VIEW", "FACE_COMPARE"), traces("s-2", "X")],
        ("logs", "protobuf"): [logs("s-1", "JS_ERROR", "ALERT_SHOWN"), logs("s-2", "X")],
        ("traces", "json"): [as_json(examples, "spans.json")],
        ("logs", "json"): [as_json(examples, "logs.json")],
    }
    before = process.peak_memory()
    random_ = random.Random(20_26)
    answers: Counter[tuple[str, object]] = Counter()
    for _ in range(MUTANTS // len(seeds)):
        for (signal, kind), sound in seeds.items():
            body = mutated(random_, sound)
            response = caller.post(signal, kind, body)
            assert response.status in {200, 400}, (signal, kind, body, response.body)
            answers[kind, response.status] += 1
            if kind == "protobuf":
                error = caller.call(signal, body)
                code = error.code() if error else grpc.StatusCode.OK
                assert (code is grpc.StatusCode.OK) == (response.status == 200)
                assert code in {grpc.StatusCode.OK, grpc.StatusCode.INVALID_ARGUMENT}
    assert min(answers.values()) > 50
    assert len(answers) == 4
    assert caller.call("traces", traces("good", "STEP_VIEW")) is None
    assert caller.post("logs", "protobuf", logs("good", "JS_ERROR")).status == 200
    assert process.get("/api/v1/sessions/good")["events"] == 3
    for one in process.get("/api/v1/sessions?limit=1000")["sessions"]:
        session_id = quote(one["session_id"], safe="")
        events = process.get(f"/api/v1/sessions/{session_id}/events")["events"]
        assert len(events) == one["events"]
    assert process.peak_memory() - before < 100 * MIB
    assert process.stop() == 0
    assert "Traceback" not in process.log()


def test_gzip_bombs(process: Process, caller: Caller) -> None:
    """A small body that unpacks to 400 MiB is too large, and never unpacked into memory."""
    zeros = bytes(400 * MIB)
    before = process.peak_memory()
    packed = gzip.compress(zeros, 1)
    response = caller.post("traces", "protobuf", packed, Content_Encoding="gzip")
    assert (response.status, Status.FromString(response.body).code) == (413, 8)
    refused = caller.call("traces", zeros, compression=grpc.Compression.Gzip)
    assert refused.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert caller.call("traces", traces("good", "STEP_VIEW")) is None
    assert process.peak_memory() - before < 64 * MIB


def bodies() -> Iterator[tuple[str, bytes]]:
    """Give sound requests that take up room, each for a session of its own."""
    for n in count():
        session_id = f"session-{n}"
        yield session_id, traces(session_id, "STEP_VIEW", "JS_ERROR", fill="x" * 20_000)


def test_a_full_disk(process: Process, caller: Caller) -> None:
    """While the store cannot grow, senders are told to come back; then everything goes on."""
    # The kernel refuses each write past this, as it would on a full disk, until told otherwise.
    limit = 2 * MIB
    no_limit = resource.prlimit(process.child.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(process.child.pid, resource.RLIMIT_FSIZE, (limit, no_limit[1]))
    stored = []
    refused = None
    for session_id, body in bodies():
        refused = caller.call("traces", body)
        if refused:
            break
        stored.append(session_id)
        assert len(stored) < 1_000
    assert stored
    assert refused is not None
    assert refused.code() is grpc.StatusCode.UNAVAILABLE
    trailers = dict(refused.trailing_metadata())
    assert RetryInfo.FromString(trailers["google.rpc.retryinfo-bin"]).retry_delay.seconds == 1
    assert Status.FromString(trailers["grpc-status-details-bin"]).code == 14
    response = caller.post("traces", "protobuf", body)
    assert (response.status, response.headers["Retry-After"]) == (503, "1")
    listed = process.get("/api/v1/sessions?limit=1000")["sessions"]
    assert sorted(one["session_id"] for one in listed) == sorted(stored)

    resource.prlimit(process.child.pid, resource.RLIMIT_FSIZE, no_limit)
    assert caller.call("traces", body) is None
    assert process.get(f"/api/v1/sessions/{session_id}")["events"] == 4
    assert process.stop() == 0
