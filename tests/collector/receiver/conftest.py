"""A real collector in a thread, and the plainest possible senders."""

from __future__ import annotations

import base64
import http.client
import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import grpc
import pytest
from google.protobuf import json_format
from google.protobuf.message import Message
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from tests.support.running import enter_in_background

from journeytrace_collector.process import Collector
from journeytrace_collector.settings import Address, Settings

NOW = 1_780_000_000_000_000_000
SESSION = "6f1c1f0e-8a54-4c0e-9d53-0d5d8a3a0c11"
_ANYWHERE = Address("127.0.0.1", 0)


class Reply(NamedTuple):
    """What an HTTP address answered."""

    status: int
    headers: dict[str, str]
    """By lower-case name."""
    body: bytes


class GrpcReply(NamedTuple):
    """What a gRPC method answered."""

    code: grpc.StatusCode
    body: bytes
    """Empty unless the code is OK."""
    details: str
    trailers: dict[str, bytes | str]


def send(address: str, method: str, path: str, body: bytes = b"", **headers: str) -> Reply:
    """Make one HTTP request; ``Content_Type`` stands for ``Content-Type``."""
    connection = http.client.HTTPConnection(address, timeout=30)
    try:
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, path, body, sent)
        response = connection.getresponse()
        found = {name.lower(): value for name, value in response.getheaders()}
        return Reply(response.status, found, response.read())
    finally:
        connection.close()


@dataclass
class Running:
    """A collector that listens."""

    http: str
    admin: str
    data: Path
    channel: grpc.Channel

    def post(self, signal: str, body: bytes, kind: str = "protobuf", **headers: str) -> Reply:
        """Post to OTLP/HTTP; `signal` is traces or logs, `kind` protobuf or json."""
        sent = {"protobuf": "application/x-protobuf", "json": "application/json"}.get(kind, kind)
        return send(self.http, "POST", f"/v1/{signal}", body, Content_Type=sent, **headers)

    def call(self, signal: str, body: bytes, **options: Any) -> GrpcReply:
        """Call OTLP/gRPC; `signal` is traces or logs."""
        service = {"traces": "trace.v1.TraceService", "logs": "logs.v1.LogsService"}[signal]
        method = self.channel.unary_unary(
            f"/opentelemetry.proto.collector.{service}/Export", None, None
        )
        try:
            answer, call = method.with_call(body, timeout=30, **options)
        except grpc.RpcError as error:
            trailers = dict(error.trailing_metadata())
            return GrpcReply(error.code(), b"", error.details(), trailers)
        return GrpcReply(call.code(), answer, "", dict(call.trailing_metadata()))

    def get(self, path: str) -> Any:
        """Read JSON from the admin address, which must answer 200."""
        reply = send(self.admin, "GET", path)
        assert reply.status == 200, reply
        return json.loads(reply.body)

    def text(self, path: str) -> str:
        """Read text from the admin address, which must answer 200."""
        reply = send(self.admin, "GET", path)
        assert reply.status == 200, reply
        return reply.body.decode()

    def names(self, session_id: str = SESSION) -> list[str]:
        """Give the names of a session's stored events, oldest first; empty: no such session."""
        reply = send(self.admin, "GET", f"/api/v1/sessions/{session_id}/events")
        if reply.status == 404:
            return []
        return [event["name"] for event in json.loads(reply.body)["events"]]


Start = Callable[..., Running]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Start collectors with settings of the test's own; they stop when the test ends."""
    with ExitStack() as running:
        enter = running.enter_context(enter_in_background())

        def begin(**settings: Any) -> Running:
            chosen: dict[str, Any] = {
                "data": tmp_path / "data",
                "otlp_grpc": _ANYWHERE,
                "otlp_http": _ANYWHERE,
                "admin": _ANYWHERE,
                "desk": None,
            } | settings
            collector = enter(Collector(Settings(**chosen), clock=lambda: NOW))
            unlimited = [("grpc.max_send_message_length", -1)]
            channel = running.enter_context(
                grpc.insecure_channel(str(collector.otlp_grpc), options=unlimited)
            )
            return Running(str(collector.otlp_http), str(collector.admin), chosen["data"], channel)

        yield begin


@pytest.fixture
def collector(start: Start) -> Running:
    """A collector with default settings and a store of its own."""
    return start()


def value(plain: Any) -> AnyValue:
    """Give any plain value as OTLP's; None: the empty value."""
    match plain:
        case None:
            return AnyValue()
        case bool():
            return AnyValue(bool_value=plain)
        case int():
            return AnyValue(int_value=plain)
        case float():
            return AnyValue(double_value=plain)
        case bytes():
            return AnyValue(bytes_value=plain)
        case list():
            array = AnyValue()
            array.array_value.values.extend(map(value, plain))
            return array
        case dict():
            kvlist = AnyValue()
            kvlist.kvlist_value.values.extend(pairs(plain))
            return kvlist
    return AnyValue(string_value=plain)


def pairs(attributes: dict[str, Any]) -> list[KeyValue]:
    """Give plain attributes as OTLP's."""
    return [KeyValue(key=key, value=value(plain)) for key, plain in attributes.items()]


class Otlp:
    """Builds records and requests; what a test does not say is sound."""

    value = staticmethod(value)
    pairs = staticmethod(pairs)

    @staticmethod
    def attributes(name: str, more: dict[str, Any] | None = None) -> list[KeyValue]:
        """Give the two required attributes and whatever a test adds or replaces."""
        return pairs({"session.id": SESSION, "journey.event.name": name} | (more or {}))

    @classmethod
    def span(cls, name: str = "STEP_VIEW", more: dict[str, Any] | None = None, **own: Any) -> Span:
        """Give a span that is an event; its id comes from its name."""
        sound: dict[str, Any] = {
            "trace_id": bytes.fromhex(SESSION.replace("-", "")),
            "span_id": name.encode()[:8].rjust(8, b"-"),
            "name": name,
            "start_time_unix_nano": NOW - 1_000,
            "end_time_unix_nano": NOW,
            "attributes": cls.attributes(name, more),
        }
        return Span(**(sound | own))

    @classmethod
    def log(
        cls, name: str = "STEP_VIEW", more: dict[str, Any] | None = None, **own: Any
    ) -> LogRecord:
        """Give a log record that is an event."""
        sound: dict[str, Any] = {
            "time_unix_nano": NOW,
            "attributes": cls.attributes(name, more),
        }
        return LogRecord(**(sound | own))

    @staticmethod
    def traces(*spans: Span) -> ExportTraceServiceRequest:
        """Give a request of one resource and scope."""
        request = ExportTraceServiceRequest()
        resource = request.resource_spans.add()
        resource.resource.attributes.extend(pairs({"service.name": "form"}))
        resource.scope_spans.add().spans.extend(spans)
        return request

    @staticmethod
    def logs(*records: LogRecord) -> ExportLogsServiceRequest:
        """Give a request of one resource and scope."""
        request = ExportLogsServiceRequest()
        resource = request.resource_logs.add()
        resource.resource.attributes.extend(pairs({"service.name": "form"}))
        resource.scope_logs.add().log_records.extend(records)
        return request

    @staticmethod
    def json(request: Message) -> dict[str, Any]:
        """Give a request as OTLP/JSON, ready to be spoilt."""
        plain = json_format.MessageToDict(request, use_integers_for_enums=True)
        return dict(_with_hex_ids(plain))


def _with_hex_ids(plain: Any) -> Any:
    """Mend the one place where OTLP/JSON differs from protobuf's own JSON."""
    if isinstance(plain, list):
        return [_with_hex_ids(item) for item in plain]
    if isinstance(plain, dict):
        ids = ("traceId", "spanId", "parentSpanId")
        return {
            key: base64.b64decode(item).hex() if key in ids else _with_hex_ids(item)
            for key, item in plain.items()
        }
    return plain


Send = Callable[..., Reply]


@pytest.fixture(name="send")
def _send() -> Send:
    """Make one HTTP request to any address."""
    return send


@pytest.fixture
def otlp() -> type[Otlp]:
    """The builder of records and requests."""
    return Otlp


@pytest.fixture(scope="session")
def otlp_json() -> Callable[[Message], dict[str, Any]]:
    """Give a request as OTLP/JSON; for generated tests, which want nothing made anew for each."""
    return Otlp.json
