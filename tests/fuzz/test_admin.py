"""Any question at all to the admin address of a collector with sessions: never a 5xx."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import grpc
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from tests.support.running import enter_in_background, free_settings

from journeytrace.identity import trace_id
from journeytrace_collector.process import Collector

EXPORT = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
NOON = 4_102_444_800 * 10**9
"""2100-01-01T00:00:00Z: no test is ever past its retention."""
SESSIONS: Final = ("018f3b5e-0000-7000-8000-000000000001", "a b", "ключ/7", "..")
CORPUS: Final = Path(__file__).parent.parent / "data" / "fuzz" / "admin.jsonl"
"""Requests worth repeating, one a line: [method, path, body]; all that ever failed among them."""

fuzzing = settings(
    max_examples=1_200, deadline=None, suppress_health_check=[HealthCheck.too_slow], database=None
)


@pytest.fixture(scope="module")
def connection(tmp_path_factory: pytest.TempPathFactory) -> Iterator[http.client.HTTPConnection]:
    """A connection to the admin address of a collector that knows a few sessions."""
    with enter_in_background() as enter:
        collector = enter(Collector(free_settings(tmp_path_factory.mktemp("fuzz"))))
        with grpc.insecure_channel(str(collector.otlp_grpc)) as channel:
            for session_id in SESSIONS:
                channel.unary_unary(EXPORT)(_request(session_id), timeout=10)
        with closing(http.client.HTTPConnection(str(collector.admin), timeout=10)) as made:
            yield made


def _request(session_id: str) -> bytes:
    request = ExportTraceServiceRequest()
    span = request.resource_spans.add().scope_spans.add().spans.add()
    span.trace_id, span.span_id, span.name = trace_id(session_id), b"12345678", "STEP_VIEW"
    span.start_time_unix_nano = span.end_time_unix_nano = NOON
    values = {"session.id": session_id, "journey.event.name": "STEP_VIEW"}
    span.attributes.extend(
        KeyValue(key=key, value=AnyValue(string_value=value)) for key, value in values.items()
    )
    return request.SerializeToString()


def check(connection: http.client.HTTPConnection, method: str, path: str, body: str = "") -> None:
    """Ask, and hold the answer against what every answer must be."""
    connection.request(
        method, path, body.encode("utf-8", "replace"), {"Content-Type": "application/json"}
    )
    response = connection.getresponse()
    answer = response.read()
    assert response.status < 500, (method, path, body, answer)
    if response.headers["Content-Type"] == "application/json" and answer:
        told = json.loads(answer)
        if response.status >= 400:
            assert told["error"]["message"]
            assert ("field" in told["error"]) == (response.status == 400)


def _corpus() -> list[Any]:
    return [json.loads(line) for line in CORPUS.read_text("utf-8").splitlines()]


@pytest.mark.parametrize("asked", _corpus(), ids=lambda asked: str(asked)[:60])
def test_what_was_found_once(connection: http.client.HTTPConnection, asked: list[str]) -> None:
    """Each request of the corpus is answered."""
    check(connection, *asked)


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
numbers = st.integers().map(str) | st.sampled_from(["0", "1", "1000", "9" * 30, "-1", "1e3", "٣"])
times = st.datetimes().map(lambda at: f"{at.isoformat()}Z") | st.sampled_from(
    ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59.999999-12:00", "2026-06-01T00:00:00+00:00"]
)
words = st.sampled_from(["DROPPED", "ERROR", "REJECTED", "NONE", "FE", "email", "session_id", "%"])
names = st.sampled_from(
    [
        "status",
        "decision",
        "since",
        "until",
        "search",
        "field",
        "limit",
        "cursor",
        "source",
        "project",
        "per",
        "x",
    ]
)
fitting = {
    "status": words,
    "decision": words,
    "since": times,
    "until": times,
    "search": texts,
    "field": words,
    "limit": numbers,
    "cursor": st.binary(max_size=20).map(quote),
    "source": words,
    "project": texts,
}


@st.composite
def queries(draw: st.DrawFn) -> str:
    """Give parameters that mostly fit, in any number and order, some of them raw."""
    parts = []
    for name in draw(st.lists(names, max_size=4)):
        value = draw(fitting.get(name, texts) | texts | numbers)
        parts.append(f"{name}={quote(value, safe='')}")
    raw = draw(st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=15))
    return "&".join([*parts, raw] if draw(st.booleans()) else parts)


ids = st.sampled_from(SESSIONS) | texts
paths = st.one_of(
    st.just("/api/v1/sessions"),
    st.just("/api/v1/funnel"),
    st.just("/api/v1/reasons"),
    st.just("/api/v1/blocks"),
    st.just("/api/v1/outbox"),
    st.just("/api/v1/outbox/requeue"),
    st.just("/metrics"),
    ids.map(lambda one: f"/api/v1/sessions/{quote(one, safe='')}"),
    ids.map(lambda one: f"/api/v1/sessions/{quote(one, safe='')}/events"),
    st.text(st.characters(min_codepoint=33, max_codepoint=126, exclude_characters="?#")).map(
        lambda rest: "/" + rest
    ),
)
methods = st.sampled_from(["GET"] * 6 + ["POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", "X"])
values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.just("ids") | texts, inner),
    max_leaves=4,
)


@fuzzing
@given(methods, paths, queries())
def test_any_question(
    connection: http.client.HTTPConnection, method: str, path: str, query: str
) -> None:
    """Whatever is asked, with whatever parameters, has an answer that says what is wrong."""
    check(connection, method, f"{path}?{query}" if query else path)


@fuzzing
@given(values.map(lambda value: json.dumps({"ids": value})) | values.map(json.dumps) | texts)
def test_any_body(connection: http.client.HTTPConnection, body: str) -> None:
    """Whatever is posted to the one address that takes a body, it moves parcels or says why not."""
    check(connection, "POST", "/api/v1/outbox/requeue", body)
