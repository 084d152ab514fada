"""Answers are those of the OTLP specification, over gRPC and HTTP, in protobuf and JSON."""

from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING, Any

import grpc
import pytest
from google.rpc.status_pb2 import Status
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

if TYPE_CHECKING:
    from tests.collector.receiver.conftest import Otlp, Running, Start

SIGNALS = ("traces", "logs")
JSON = "application/json"
PROTOBUF = "application/x-protobuf"


@pytest.mark.parametrize("signal", SIGNALS)
def test_an_empty_request_is_success(collector: Running, signal: str) -> None:
    """A request without any record is answered with an empty success."""
    assert collector.call(signal, b"")[:2] == (grpc.StatusCode.OK, b"")
    answer = collector.post(signal, b"")
    assert (answer.status, answer.body, answer.headers["content-type"]) == (200, b"", PROTOBUF)
    answer = collector.post(signal, b"{}", "json")
    assert (answer.status, answer.body, answer.headers["content-type"]) == (200, b"{}", JSON)


def test_full_success_leaves_partial_success_unset(collector: Running, otlp: type[Otlp]) -> None:
    """Stored and ignored records alike leave the answer empty."""
    spans = otlp.traces(otlp.span("STEP_VIEW"), otlp.span("x", attributes=[]))
    logs = otlp.logs(otlp.log("JS_ERROR"), otlp.log("x", attributes=[]))
    for signal, request in (("traces", spans), ("logs", logs)):
        body = request.SerializeToString()
        assert collector.call(signal, body)[:2] == (grpc.StatusCode.OK, b"")
        assert collector.post(signal, body)[::2] == (200, b"")
        text = json.dumps(otlp.json(request)).encode()
        assert collector.post(signal, text, "json")[::2] == (200, b"{}")
    assert sorted(collector.names()) == ["JS_ERROR", "STEP_VIEW"]


def test_partial_success_of_spans_names_the_field(collector: Running, otlp: type[Otlp]) -> None:
    """A bad span is counted and named, and the good ones around it are stored."""
    bad = otlp.span("IP_RISK_CHECK", {"journey.event.result": "MAYBE"})
    request = otlp.traces(otlp.span("STEP_VIEW"), bad, otlp.span("JS_ERROR"))
    answer = collector.call("traces", request.SerializeToString())
    assert answer.code is grpc.StatusCode.OK
    partial = ExportTraceServiceResponse.FromString(answer.body).partial_success
    assert partial.rejected_spans == 1
    expected = "span 'IP_RISK_CHECK': journey.event.result is 'MAYBE', allowed are FAIL, PASS"
    assert partial.error_message == expected
    assert sorted(collector.names()) == ["JS_ERROR", "STEP_VIEW"]


def test_partial_success_of_logs_in_both_encodings(collector: Running, otlp: type[Otlp]) -> None:
    """A bad log record is counted and named in the encoding of the request."""
    bad = otlp.log("JS_ERROR", {"session.id": ""})
    request = otlp.logs(otlp.log("STEP_VIEW"), bad, otlp.log("ALERT_SHOWN"))
    answer = collector.post("logs", request.SerializeToString())
    partial = ExportLogsServiceResponse.FromString(answer.body).partial_success
    assert (answer.status, partial.rejected_log_records) == (200, 1)
    assert "session.id is missing" in partial.error_message
    answer = collector.post("logs", json.dumps(otlp.json(request)).encode(), "json")
    told = json.loads(answer.body)["partialSuccess"]
    # int64 is a string in OTLP/JSON
    assert told == {"rejectedLogRecords": "1", "errorMessage": partial.error_message}
    assert sorted(collector.names()) == ["ALERT_SHOWN", "STEP_VIEW"]


def test_a_span_with_a_bad_span_event_counts_once(collector: Running, otlp: type[Otlp]) -> None:
    """The span is stored, its bad events are rejected, and rejected_spans counts the span."""
    span = otlp.span("STEP_VIEW")
    for n in range(7):
        span.events.add(
            name="JS_ERROR",
            time_unix_nano=n + 1,
            attributes=otlp.pairs({"journey.event.name": "JS_ERROR", "journey.event.source": "?"}),
        )
    answer = collector.call("traces", otlp.traces(span).SerializeToString())
    partial = ExportTraceServiceResponse.FromString(answer.body).partial_success
    assert partial.rejected_spans == 1
    assert partial.error_message.endswith("; and 2 more")
    assert collector.names() == ["STEP_VIEW"]


@pytest.mark.parametrize("signal", SIGNALS)
def test_malformed_bodies(collector: Running, signal: str) -> None:
    """What is no OTLP is refused for good, with a Status in the content type of the request."""
    refused = collector.call(signal, b"\xff\xff")
    assert refused.code is grpc.StatusCode.INVALID_ARGUMENT
    assert "google.rpc.retryinfo-bin" not in refused.trailers
    answer = collector.post(signal, b"\xff\xff")
    assert (answer.status, answer.headers["content-type"]) == (400, PROTOBUF)
    status = Status.FromString(answer.body)
    assert (status.code, status.message) == (3, refused.details)
    assert "retry-after" not in answer.headers
    answer = collector.post(signal, b'{"resourceSpans": 1, "resourceLogs": 1}', "json")
    assert (answer.status, answer.headers["content-type"]) == (400, JSON)
    assert json.loads(answer.body)["code"] == 3
    assert "Expected" in json.loads(answer.body)["message"]


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "*/*"])
def test_other_content_types(collector: Running, kind: str) -> None:
    """Anything but protobuf and JSON is an unsupported media type."""
    answer = collector.post("traces", b"{}", kind)
    assert answer.status == 415
    assert "application/json" in json.loads(answer.body)["message"]


def test_content_type_may_have_parameters(collector: Running) -> None:
    """A charset behind the content type, and any case, change nothing."""
    assert collector.post("traces", b"{}", "Application/JSON; charset=utf-8").status == 200


def test_other_content_encodings(collector: Running) -> None:
    """An encoding nobody implements is answered in the content type of the request."""
    answer = collector.post("traces", b"", Content_Encoding="br")
    assert (answer.status, answer.headers["content-type"]) == (415, PROTOBUF)
    assert "gzip" in Status.FromString(answer.body).message


@pytest.mark.parametrize("kind", ["protobuf", "json"])
def test_gzip(collector: Running, otlp: type[Otlp], kind: str) -> None:
    """Gzip is understood, in one member or in several."""
    request = otlp.traces(otlp.span())
    body = request.SerializeToString()
    if kind == "json":
        body = json.dumps(otlp.json(request)).encode()
    half = len(body) // 2
    members = gzip.compress(body[:half]) + gzip.compress(body[half:])
    for packed in (gzip.compress(body), members):
        assert collector.post("traces", packed, kind, Content_Encoding="gzip").status == 200
    assert collector.names() == ["STEP_VIEW"]


@pytest.mark.parametrize("body", [b"", b"plain", gzip.compress(b"{}", mtime=0)[:-9]])
def test_broken_gzip(collector: Running, body: bytes) -> None:
    """A body that says gzip and is none, or only its beginning, is malformed."""
    answer = collector.post("traces", body, Content_Encoding="gzip")
    # Nothing at all is what an empty request is, whatever it says of itself.
    assert answer.status == (400 if body else 200)


LIMIT = 10_000


@pytest.fixture
def small(start: Start) -> Running:
    """A collector that takes requests up to `LIMIT` bytes."""
    return start(max_request_bytes=LIMIT)


def sized(otlp: type[Otlp], size: int) -> bytes:
    """Give a sound request of exactly `size` bytes, most of them one span's status."""
    span = otlp.span()
    span.status.message = "x" * 9_000
    span.status.message += "x" * (size - otlp.traces(span).ByteSize())
    body = otlp.traces(span).SerializeToString()
    assert len(body) == size
    return body


@pytest.mark.parametrize("packed", [False, True])
def test_the_size_limit_over_http(small: Running, otlp: type[Otlp], packed: bool) -> None:
    """A body of exactly the limit is taken, one byte more is too large, packed or not."""
    headers = {"Content_Encoding": "gzip"} if packed else {}
    for size, status in ((LIMIT, 200), (LIMIT + 1, 413)):
        body = sized(otlp, size)
        answer = small.post("traces", gzip.compress(body) if packed else body, **headers)
        assert answer.status == status
    assert "retry-after" not in answer.headers
    refusal = Status.FromString(answer.body)
    assert (refusal.code, list(refusal.details)) == (8, [])
    assert str(LIMIT) in refusal.message


@pytest.mark.parametrize("packed", [False, True])
def test_the_size_limit_over_grpc(small: Running, otlp: type[Otlp], packed: bool) -> None:
    """A message of exactly the limit is taken; one byte more is too large and never retried."""
    options: dict[str, Any] = {"compression": grpc.Compression.Gzip} if packed else {}
    assert small.call("traces", sized(otlp, LIMIT), **options).code is grpc.StatusCode.OK
    answer = small.call("traces", sized(otlp, LIMIT + 1), **options)
    assert answer.code is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert not {"google.rpc.retryinfo-bin", "grpc-status-details-bin"} & set(answer.trailers)


def test_a_far_too_large_body_is_still_answered(small: Running) -> None:
    """A sender that writes all it has before it reads gets its 413 and no broken connection."""
    assert small.post("traces", b"\0" * (8 << 20)).status == 413


def test_other_paths_and_methods(collector: Running) -> None:
    """Other signals are not found and other methods not allowed, neither of them to be retried."""
    assert collector.post("metrics", b"").status == 404
    method = collector.channel.unary_unary(
        "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export"
    )
    with pytest.raises(grpc.RpcError) as refused:
        method(b"", timeout=30)
    assert refused.value.code() is grpc.StatusCode.UNIMPLEMENTED
