"""Bad records and bodies: named, answered, and never at the cost of a neighbour."""

from __future__ import annotations

import json
import math
import socket
from typing import TYPE_CHECKING, Any

import grpc
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

if TYPE_CHECKING:
    from tests.collector.receiver.conftest import Otlp, Running

NOW = 1_780_000_000_000_000_000
"""The clock of the tests' collectors."""
WRONG_TYPES: tuple[Any, ...] = (True, 1.5, ["a"], {"a": "b"})
TEXTS = (
    "session.id",
    "journey.stage",
    "journey.reason",
    "journey.error.code",
    "journey.project.id",
    "journey.submission.id",
    "journey.flow.id",
    "user.id",
    "user.email",
)
WORDS = ("journey.event.source", "journey.event.result", "journey.event.impact")

BAD_ATTRIBUTES: list[tuple[str, Any]] = [
    *((key, wrong) for key in TEXTS for wrong in WRONG_TYPES),
    *((key, "x" * 513) for key in TEXTS[1:]),
    *((key, wrong) for key in WORDS for wrong in (*WRONG_TYPES, 7, "", "perhaps", "fe", "x" * 999)),
    *(("journey.event.name", wrong) for wrong in (*WRONG_TYPES, 7, None, "", "x" * 129, "A\0B")),
    *(
        ("journey.event.id", wrong)
        for wrong in (
            *WRONG_TYPES,
            7,
            "",
            "0" * 16,
            "0" * 15,
            "g" * 16,
            "00 00 00 00 00 1",
            "é" * 16,
        )
    ),
    *(("journey.retention.days", wrong) for wrong in (*WRONG_TYPES, 45, 0, -30, "30", 2**63 - 1)),
    *(
        ("session.id", wrong)
        for wrong in ("", None, "x" * 129, "0" * 32, "a\nb", "a\0b", " a", "a\u202eb")
    ),
]


@pytest.mark.parametrize("form", ["span", "span event", "log"])
def test_every_bad_attribute_is_named(collector: Running, otlp: type[Otlp], form: str) -> None:
    """Whatever is wrong with a key, the answer names that key and both neighbours are stored."""
    for n, (key, wrong) in enumerate(BAD_ATTRIBUTES):
        before, after = f"BEFORE{n}", f"AFTER{n}"
        if form == "log":
            records = [otlp.log(before), otlp.log("BAD", {key: wrong}), otlp.log(after)]
            answer = collector.call("logs", otlp.logs(*records).SerializeToString())
        else:
            bad = otlp.span("BAD", {key: wrong})
            if form == "span event":
                bad.events.add(attributes=bad.attributes)
                del bad.attributes[:]
            ids = [f"{n:07x}{side}".encode() for side in "ab"]
            spans = [otlp.span(before, span_id=ids[0]), bad, otlp.span(after, span_id=ids[1])]
            answer = collector.call("traces", otlp.traces(*spans).SerializeToString())
        assert answer.code is grpc.StatusCode.OK, (key, wrong)
        partial = ExportTraceServiceResponse.FromString(answer.body).partial_success
        assert partial.rejected_spans == 1, (key, wrong)
        assert f": {key} " in partial.error_message, partial.error_message
        assert len(partial.error_message) < 1_000
    stored = collector.names()
    assert len(stored) == len(set(stored)) == 2 * len(BAD_ATTRIBUTES)
    assert "BAD" not in stored


@pytest.mark.parametrize(
    ("field", "own"),
    [
        ("span_id", {"span_id": b""}),
        ("span_id", {"span_id": b"short"}),
        ("span_id", {"span_id": b"\0" * 8}),
        ("trace_id", {"trace_id": b""}),
        ("trace_id", {"trace_id": b"x" * 17}),
        ("trace_id", {"trace_id": b"\0" * 16}),
    ],
)
def test_bad_spans(collector: Running, otlp: type[Otlp], field: str, own: dict[str, Any]) -> None:
    """A span whose ids cannot be true is rejected by the field's name, alone."""
    request = otlp.traces(otlp.span("STEP_VIEW"), otlp.span("BAD", **own), otlp.span("JS_ERROR"))
    answer = collector.call("traces", request.SerializeToString())
    assert answer.code is grpc.StatusCode.OK
    partial = ExportTraceServiceResponse.FromString(answer.body).partial_success
    assert (partial.rejected_spans, f": {field} " in partial.error_message) == (1, True)
    assert sorted(collector.names()) == ["JS_ERROR", "STEP_VIEW"]


def test_odd_times_of_spans(collector: Running, otlp: type[Otlp]) -> None:
    """No time is the time of arrival, and an end that is missing or too early is no duration."""
    early = NOW - 100
    for name, start, end in (
        ("A", 0, 0),
        ("B", 0, 2**62),
        ("C", early, 0),
        ("D", early + 1, early),
        ("E", early + 2, early + 4),
    ):
        span = otlp.span(name, start_time_unix_nano=start, end_time_unix_nano=end)
        answer = collector.call("traces", otlp.traces(span).SerializeToString())
        assert (answer.code, answer.body) == (grpc.StatusCode.OK, b"")
    session = "6f1c1f0e-8a54-4c0e-9d53-0d5d8a3a0c11"
    events = collector.get(f"/api/v1/sessions/{session}/events")["events"]
    durations = {event["name"]: event["duration_ms"] for event in events}
    assert durations == {"A": 0, "B": 0, "C": 0, "D": 0, "E": 2e-6}
    assert [event["name"] for event in events] == ["C", "D", "E", "A", "B"]


def test_ids_of_log_records_do_not_matter(collector: Running, otlp: type[Otlp]) -> None:
    """A log record with an invalid trace or span id is one without a trace, as OTLP says."""
    odd: list[dict[str, Any]] = [
        {"trace_id": b"\0" * 16},
        {"trace_id": b"x"},
        {"span_id": b"\0" * 8},
        {"span_id": b"x"},
    ]
    records = [otlp.log(f"VIEW{n}", **own) for n, own in enumerate(odd)]
    answer = collector.call("logs", otlp.logs(*records).SerializeToString())
    assert (answer.code, answer.body) == (grpc.StatusCode.OK, b"")
    assert len(collector.names()) == len(odd)


def test_oversized_events(collector: Running, otlp: type[Otlp]) -> None:
    """10,000 attributes or more than 64 KiB of metadata are too much for one event."""
    many = otlp.span("MANY", {f"a{n}": n for n in range(10_000)})
    heavy = otlp.span("HEAVY", {"a": "x" * (64 << 10)})
    escaped = otlp.span("ESCAPED", {"a": "\0" * (11 << 10)})
    request = otlp.traces(many, otlp.span(), heavy, escaped)
    answer = collector.call("traces", request.SerializeToString())
    partial = ExportTraceServiceResponse.FromString(answer.body).partial_success
    assert partial.rejected_spans == 3
    assert partial.error_message.count(": attributes are ") == 3
    assert collector.names() == ["STEP_VIEW"]


def test_long_names_do_not_come_back(collector: Running, otlp: type[Otlp]) -> None:
    """However much a sender sends as a name, the answer stays short enough to be received."""
    huge = "x" * 5_000_000
    log = otlp.log("a", {"journey.event.name": huge})
    span = otlp.span("a", {"journey.event.name": huge})
    span.name = huge
    for signal, request in (("logs", otlp.logs(log)), ("traces", otlp.traces(span))):
        answer = collector.call(signal, request.SerializeToString())
        assert answer.code is grpc.StatusCode.OK
        assert len(answer.body) < 1_000


def test_odd_metadata_is_kept(collector: Running, otlp: type[Otlp]) -> None:
    """NaN, infinities, NUL, bytes, nothing, and nested values all come back as JSON."""
    odd = {
        "nan": math.nan,
        "inf": [math.inf, -math.inf, -0.0, 1e308],
        "nul": "a\0b",
        "bytes": b"\xff\0",
        "none": None,
        "": "",
        "map": {"": {"x": [[], {}, None]}},
        "int": [2**63 - 1, -(2**63), 0, True],
    }
    collector.call("traces", otlp.traces(otlp.span("STEP_VIEW", odd)).SerializeToString())
    (event,) = collector.get(f"/api/v1/sessions/{'6f1c1f0e-8a54-4c0e-9d53-0d5d8a3a0c11'}/events")[
        "events"
    ]
    kept = {"nan": "nan", "inf": ["inf", "-inf", -0.0, 1e308], "bytes": "/wA="}
    assert event["attributes"] == odd | kept


def test_a_key_that_comes_twice(collector: Running, otlp: type[Otlp]) -> None:
    """Of an attribute that a faulty sender set twice the last value counts, and nothing breaks."""
    span = otlp.span()
    span.attributes.extend(otlp.pairs({"a": 1}))
    span.attributes.extend(otlp.pairs({"a": 2}))
    span.attributes.extend(otlp.pairs({"journey.event.name": "JS_ERROR"}))
    answer = collector.call("traces", otlp.traces(span).SerializeToString())
    assert (answer.code, answer.body, collector.names()) == (grpc.StatusCode.OK, b"", ["JS_ERROR"])


def test_a_huge_number_of_span_events(collector: Running, otlp: type[Otlp]) -> None:
    """One span may carry thousands of events; each is stored."""
    span = otlp.span()
    for n in range(19_980):
        attributes = otlp.attributes("X", {"session.id": f"session-{n % 20}"})
        span.events.add(name="X", time_unix_nano=NOW - n, attributes=attributes)
    answer = collector.call("traces", otlp.traces(span).SerializeToString())
    assert (answer.code, answer.body) == (grpc.StatusCode.OK, b"")
    listed = collector.get("/api/v1/sessions")["sessions"]
    assert sorted(one["events"] for one in listed) == [1, *[999] * 20]


def test_invalid_utf8(collector: Running, otlp: type[Otlp]) -> None:
    """Protobuf strings are UTF-8: other bytes make the whole body malformed."""
    body = otlp.traces(otlp.span()).SerializeToString().replace(b"STEP_VIEW", b"STEP\xffVIEW")
    assert collector.call("traces", body).code is grpc.StatusCode.INVALID_ARGUMENT
    assert collector.post("traces", body).status == 400


DEEP = 50_000


@pytest.mark.parametrize(
    "value",
    [
        '{"arrayValue": {"values": [' * DEEP + "]}}" * DEEP,
        '{"kvlistValue": {"values": [{"key": "k", "value": ' * DEEP + "}]}}" * DEEP,
        "[" * DEEP + "]" * DEEP,
    ],
    ids=lambda value: value[:40],
)
def test_json_that_nests_for_ever(collector: Running, value: str) -> None:
    """A body that nests deeper than any reader goes is malformed as a whole."""
    holder = '{"resourceSpans": [{"scopeSpans": [{"spans": [{"attributes": [{"value": HERE}]}]}]}]}'
    body = holder.replace("HERE", value)
    answer = collector.post("traces", body.encode(), "json")
    assert answer.status == 400
    told = json.loads(answer.body)
    assert (told["code"], 0 < len(told["message"]) < 1_000) == (3, True)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b'"x"',
        b"{",
        b"\xff\xfe",
        b"\0",
        b'{"resourceSpans": [null]}',
        b'{"resourceSpans": {}}',
        b'{"resourceSpans": [{"scopeSpans": {}}]}',
        b'{"resourceSpans": [{"scopeSpans": [{"spans": {}}]}]}',
    ],
    ids=lambda body: repr(body[-60:]),
)
def test_json_bodies_that_are_no_otlp(collector: Running, body: bytes) -> None:
    """What is no OTLP/JSON is malformed, and the answer says so in JSON, briefly."""
    answer = collector.post("traces", body, "json")
    assert answer.status == 400
    told = json.loads(answer.body)
    assert (told["code"], 0 < len(told["message"]) < 1_000) == (3, True)


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (b"Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\nnonsense", 400),
        (b"Content-Type: application/json\r\nContent-Length: -1", 400),
        (b"Content-Type: application/json\r\nContent-Encoding: \xff\r\nContent-Length: 0", 415),
        (b"Content-Type: \xff\xfe\r\nContent-Length: 0", 415),
    ],
    ids=["chunks", "length", "encoding", "type"],
)
def test_a_broken_transfer(collector: Running, head: bytes, status: int) -> None:
    """HTTP that no client library would send is the sender's mistake, not the collector's."""
    host, port = collector.http.rsplit(":", 1)
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        connection.sendall(b"POST /v1/traces HTTP/1.1\r\nHost: localhost\r\n" + head + b"\r\n\r\n")
        assert int(connection.recv(100).split(b" ", 2)[1]) == status


def test_a_sender_that_hangs_up(collector: Running, otlp: type[Otlp]) -> None:
    """Half a body is forgotten, and the next sender is served."""
    host, port = collector.http.rsplit(":", 1)
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        head = b"Content-Type: application/x-protobuf\r\nContent-Length: 1000\r\n\r\nhalf"
        connection.sendall(b"POST /v1/traces HTTP/1.1\r\nHost: localhost\r\n" + head)
    assert collector.post("traces", otlp.traces(otlp.span()).SerializeToString()).status == 200
    assert collector.names() == ["STEP_VIEW"]
