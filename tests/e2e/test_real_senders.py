"""Senders that know nothing of us: the OpenTelemetry SDK as it is, and plain HTTP."""

from __future__ import annotations

import json
import time
import urllib.request
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import grpc
import pytest
from opentelemetry import trace
from opentelemetry._logs import LogRecord
from opentelemetry.exporter.otlp.proto.grpc._log_exporter import OTLPLogExporter as GrpcLogs
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as GrpcSpans
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter as HttpLogs
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter as HttpSpans
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor, LogRecordExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter

if TYPE_CHECKING:
    from pathlib import Path

    from tests.e2e.conftest import Launch, Process

SESSION = "6f1c1f0e-8a54-4c0e-9d53-0d5d8a3a0c11"
NOON = 4_102_444_800 * 10**9
"""2100-01-01T00:00:00Z: no test is ever past its retention."""
THEN = (
    "import time\n"
    f"time.time_ns = lambda: {NOON} + time.monotonic_ns()\n"
    "from journeytrace_collector.cli import main\n"
    "main()"
)
"""A collector for which that is the present, so that it believes what is sent."""
RESOURCE = Resource.create({"service.name": "kyc-form"})

SPAN_EXPORTERS: dict[str, Callable[[Process], SpanExporter]] = {
    "gRPC": lambda to: GrpcSpans(endpoint=to.grpc, insecure=True),
    "gRPC gzip": lambda to: GrpcSpans(
        endpoint=to.grpc, insecure=True, compression=grpc.Compression.Gzip
    ),
    "HTTP": lambda to: HttpSpans(endpoint=f"http://{to.http}/v1/traces"),
    "HTTP gzip": lambda to: HttpSpans(
        endpoint=f"http://{to.http}/v1/traces", compression=Compression.Gzip
    ),
}
LOG_EXPORTERS: dict[str, Callable[[Process], LogRecordExporter]] = {
    "gRPC": lambda to: GrpcLogs(endpoint=to.grpc, insecure=True),
    "gRPC gzip": lambda to: GrpcLogs(
        endpoint=to.grpc, insecure=True, compression=grpc.Compression.Gzip
    ),
    "HTTP": lambda to: HttpLogs(endpoint=f"http://{to.http}/v1/logs"),
    "HTTP gzip": lambda to: HttpLogs(
        endpoint=f"http://{to.http}/v1/logs", compression=Compression.Gzip
    ),
}


def event(name: str, **more: Any) -> dict[str, Any]:
    """Give the attributes of one event; ``_`` stands for ``.``."""
    attributes = {"session.id": SESSION, "journey.event.name": name}
    return attributes | {key.replace("_", "."): value for key, value in more.items()}


def stored(collector: Process) -> dict[str, dict[str, Any]]:
    """Give the session's events by name."""
    events = collector.get(f"/api/v1/sessions/{SESSION}/events")["events"]
    found = {one["name"]: one for one in events}
    assert len(found) == len(events)
    return found


@pytest.mark.parametrize("way", SPAN_EXPORTERS)
def test_spans_of_the_sdk(launch: Launch, way: str) -> None:
    """Spans and span events of an unmodified SDK arrive with all they carry."""
    collector = launch()
    provider = TracerProvider(resource=RESOURCE)
    provider.add_span_processor(BatchSpanProcessor(SPAN_EXPORTERS[way](collector)))
    tracer = provider.get_tracer("form")
    with tracer.start_as_current_span("POST /verify"):
        check = event("FACE_COMPARE", journey_event_result="FAIL", journey_error_code="QS-10001")
        with tracer.start_as_current_span(
            "FACE_COMPARE",
            attributes=check | {"score": 0.25, "tags": ["a", "b"], "n": 3, "ok": True},
        ) as span:
            span.add_event("ID_DOCUMENT_RETRY", {"journey.event.name": "ID_DOCUMENT_RETRY"})
            span.add_event("a note that is none of ours")
    assert provider.force_flush()
    provider.shutdown()
    found = stored(collector)
    assert found.keys() == {"FACE_COMPARE", "ID_DOCUMENT_RETRY"}
    compared = found["FACE_COMPARE"]
    assert compared["event_id"] == trace.format_span_id(span.get_span_context().span_id)
    assert (compared["service"], compared["impact"]) == ("kyc-form", "RETAKE")
    assert compared["attributes"] == {"score": 0.25, "tags": ["a", "b"], "n": 3, "ok": True}
    assert compared["duration_ms"] > 0
    assert found["ID_DOCUMENT_RETRY"]["source"] == "FE"


@pytest.mark.parametrize("way", LOG_EXPORTERS)
def test_log_records_of_the_sdk(launch: Launch, way: str) -> None:
    """Log records of an unmodified SDK arrive, inside a span and outside of any."""
    collector = launch(main=THEN)
    provider = LoggerProvider(resource=RESOURCE)
    provider.add_log_record_processor(BatchLogRecordProcessor(LOG_EXPORTERS[way](collector)))
    logger = provider.get_logger("form")
    logger.emit(
        LogRecord(timestamp=NOON, event_name="JS_ERROR", attributes=event("JS_ERROR", line=7))
    )
    with TracerProvider().get_tracer("form").start_as_current_span("request"):
        logger.emit(LogRecord(timestamp=NOON, body="seen", attributes=event("STEP_VIEW")))
    logger.emit(LogRecord(timestamp=NOON, body="none of ours"))
    assert provider.force_flush()
    provider.shutdown()
    found = stored(collector)
    assert found.keys() == {"JS_ERROR", "STEP_VIEW"}
    assert found["JS_ERROR"]["attributes"] == {"line": 7}
    assert found["JS_ERROR"]["at"] == "2100-01-01T00:00:00.000000Z"
    assert found["JS_ERROR"]["service"] == "kyc-form"


def test_one_event_in_three_forms(launch: Launch) -> None:
    """A span, a span event and a log record with one journey.event.id are one event, the first."""
    collector = launch()
    spans = TracerProvider(resource=RESOURCE)
    spans.add_span_processor(BatchSpanProcessor(SPAN_EXPORTERS["gRPC"](collector)))
    logs = LoggerProvider(resource=RESOURCE)
    logs.add_log_record_processor(BatchLogRecordProcessor(LOG_EXPORTERS["HTTP"](collector)))
    same = event("STEP_VIEW", journey_event_id="00000000000000AB")
    logs.get_logger("form").emit(
        LogRecord(timestamp=time.time_ns(), attributes=same | {"form": "log"})
    )
    assert logs.force_flush()
    tracer = spans.get_tracer("form")
    tracer.start_span("STEP_VIEW", attributes=same | {"form": "span"}).end()
    assert spans.force_flush()
    other = tracer.start_span("request")
    other.add_event("STEP_VIEW", same | {"form": "span event"})
    other.end()
    spans.shutdown()
    logs.shutdown()
    found = stored(collector)
    assert found.keys() == {"STEP_VIEW"}
    assert found["STEP_VIEW"]["event_id"] == "00000000000000ab"
    assert found["STEP_VIEW"]["attributes"] == {"form": "log"}
    assert collector.get(f"/api/v1/sessions/{SESSION}")["events"] == 1


def post_json(collector: Process, path: str, body: bytes) -> dict[str, Any]:
    """Post JSON as curl would and give the answer, which must be success."""
    request = urllib.request.Request(
        f"http://{collector.http}{path}", body, {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
        assert answer.headers["Content-Type"] == "application/json"
        return dict(json.load(answer))


def test_json_spans_over_plain_http(launch: Launch, examples: Path) -> None:
    """OTLP/JSON in every spelling it allows: hex in any case, ints as text, unknown fields."""
    collector = launch(main=THEN)
    assert post_json(collector, "/v1/traces", (examples / "spans.json").read_bytes()) == {}
    found = stored(collector)
    assert found.keys() == {"SESSION_CREATED", "FACE_COMPARE", "ID_DOCUMENT_RETRY"}
    assert found["SESSION_CREATED"]["event_id"] == "a1b2c3d4e5f60718"
    assert found["SESSION_CREATED"]["duration_ms"] == 250
    assert found["ID_DOCUMENT_RETRY"]["at"] == "2100-01-01T00:00:02.000000Z"
    assert found["FACE_COMPARE"]["attributes"] == {
        "attempt": 2,
        "big": 2**53 + 1,
        "score": 0.5,
        "exact": 3,
        "nan": "nan",
        "live": False,
        "hash": "AQID",
        "tags": ["left", 1],
        "box": {"x": 1, "deep": {"y": [True]}},
        "nothing": None,
    }
    summary = collector.get(f"/api/v1/sessions/{SESSION}")
    assert summary["retention_days"] == 90
    assert summary["trace_id"] == SESSION.replace("-", "")


def test_json_log_records_over_plain_http(launch: Launch, examples: Path) -> None:
    """Log records as OTLP/JSON, with and without a time and a trace of their own."""
    collector = launch(main=THEN)
    assert post_json(collector, "/v1/logs", (examples / "logs.json").read_bytes()) == {}
    found = stored(collector)
    assert found.keys() == {"JS_ERROR", "STEP_VIEW", "ALERT_SHOWN"}
    assert found["JS_ERROR"]["at"] == "2100-01-01T00:00:05.123456Z"
    assert found["STEP_VIEW"]["at"] == "2100-01-01T00:00:06.000000Z"
    assert found["STEP_VIEW"]["attributes"] == {"path": "/id-front"}
