"""One faulty record of OTLP/JSON: rejected alone, by the name of its field."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from journeytrace_collector.errors import RequestError
from journeytrace_collector.receiver.otlp_json import read_traces

if TYPE_CHECKING:
    from tests.collector.receiver.conftest import Otlp, Reply, Running


def post_with_neighbours(
    collector: Running, otlp: type[Otlp], signal: str, old: str, new: str
) -> Reply:
    """Send three records, in the second of which `old` was replaced by `new`."""
    names = ("BEFORE", "BAD", "AFTER")
    request: Any = (
        otlp.traces(*(otlp.span(name, {"a": "here"}) for name in names))
        if signal == "traces"
        else otlp.logs(*(otlp.log(name, {"a": "here"}, event_name=name) for name in names))
    )
    whole = otlp.json(request)
    (resource,) = whole["resourceSpans" if signal == "traces" else "resourceLogs"]
    (scope,) = resource["scopeSpans" if signal == "traces" else "scopeLogs"]
    sound = json.dumps(scope["spans" if signal == "traces" else "logRecords"][1])
    assert old in sound
    body = json.dumps(whole).replace(sound, sound.replace(old, new, 1))
    return collector.post(signal, body.encode(), "json")


VALUES = [
    ('{"intValue": 9223372036854775808}', "intValue"),
    ('{"intValue": "-9223372036854775809"}', "intValue"),
    ('{"intValue": ' + "9" * 400 + "}", "intValue"),
    ('{"intValue": ' + "9" * 5_000 + "}", ""),
    ('{"intValue": 1.5}', "intValue"),
    ('{"intValue": "\\ud800"}', "intValue"),
    ('{"doubleValue": "' + "9" * 4_000 + 'x"}', "doubleValue"),
    ('{"doubleValue": "\\udfff"}', "doubleValue"),
    ('{"doubleValue": []}', "doubleValue"),
    ('{"boolValue": "true"}', "boolValue"),
    ('{"stringValue": 1}', "stringValue"),
    ('{"stringValue": {"a": [[[]]]}}', "stringValue"),
    ('{"stringValue": "\\ud800"}', "stringValue"),
    ('{"stringValue": "\\\\\\\\\\udc00"}', "stringValue"),
    ('{"stringValue": "\\ud83d\\ude00\\ude00"}', "stringValue"),
    ('{"bytesValue": "\\ud800"}', "bytesValue"),
    ('{"bytesValue": "a"}', "bytesValue"),
    ('{"arrayValue": []}', "arrayValue"),
    ('{"arrayValue": {"values": {}}}', "arrayValue.values"),
    ('{"kvlistValue": {"values": [1]}}', "kvlistValue.values[0]"),
    ('"bare"', ""),
    ("[]", ""),
]


@pytest.mark.parametrize("signal", ["traces", "logs"])
@pytest.mark.parametrize(("value", "field"), VALUES, ids=[value[:40] for value, _ in VALUES])
def test_a_faulty_value(
    collector: Running, otlp: type[Otlp], signal: str, value: str, field: str
) -> None:
    """A value of the wrong type, range or encoding costs its own record; the answer names it."""
    answer = post_with_neighbours(collector, otlp, signal, '{"stringValue": "here"}', value)
    assert answer.status == 200
    partial = json.loads(answer.body)["partialSuccess"]
    assert int(partial["rejectedSpans" if signal == "traces" else "rejectedLogRecords"]) == 1
    assert "'BAD': attributes[2].value" in partial["errorMessage"] or not field
    assert f"{field} " in partial["errorMessage"]
    assert len(partial["errorMessage"]) < 1_000
    assert sorted(collector.names()) == ["AFTER", "BEFORE"]


@pytest.mark.parametrize(
    ("old", "new", "field"),
    [
        ('"traceId": "6f', '"traceId": "xy', "traceId"),
        ('"traceId": "6f', '"traceId": "\\ud800', "traceId"),
        ('"spanId": "', '"spanId": "z', "spanId"),
        ('"name": "BAD"', '"name": "BAD", "kind": "SPAN_KIND_SERVER"', "kind"),
        ('"name": "BAD"', '"name": "BAD", "kind": 4294967296', "kind"),
        ('"startTimeUnixNano": "', '"startTimeUnixNano": "-', "startTimeUnixNano"),
        ('"startTimeUnixNano": "', '"startTimeUnixNano": "\\ud800', "startTimeUnixNano"),
        ('"endTimeUnixNano": "', '"endTimeUnixNano": "99999999999', "endTimeUnixNano"),
        ('"startTimeUnixNano": "', '"startTimeUnixNano": "' + "x" * 100_000, "startTimeUnixNano"),
        ('"name": "BAD"', '"name": "\\ud800"', "name"),
        ('"name": "BAD"', '"name": "\\u0041", "events": {}', "events"),
        ('"name": "BAD"', '"name": 7', "name"),
    ],
    ids=lambda text: text[-30:],
)
def test_a_faulty_field(
    collector: Running, otlp: type[Otlp], old: str, new: str, field: str
) -> None:
    """An id that is no hex, a time below zero or beyond 64 bits costs its own span alone."""
    answer = post_with_neighbours(collector, otlp, "traces", old, new)
    assert answer.status == 200
    partial = json.loads(answer.body)["partialSuccess"]
    assert int(partial["rejectedSpans"]) == 1
    assert f": {field} " in partial["errorMessage"]
    assert len(partial["errorMessage"]) < 1_000
    assert sorted(collector.names()) == ["AFTER", "BEFORE"]


@pytest.mark.parametrize("record", ["1", "null", "[]", '"x"'])
def test_what_is_no_record(collector: Running, otlp: type[Otlp], record: str) -> None:
    """Something else among the spans is rejected like a faulty one."""
    body = json.dumps(otlp.json(otlp.traces(otlp.span()))).replace(
        '"spans": [', f'"spans": [{record}, '
    )
    answer = collector.post("traces", body.encode(), "json")
    partial = json.loads(answer.body)["partialSuccess"]
    told = "span: record must be an object"
    assert (answer.status, partial) == (200, {"rejectedSpans": "1", "errorMessage": told})
    assert collector.names() == ["STEP_VIEW"]


def test_invalid_utf8_in_json(collector: Running, otlp: type[Otlp]) -> None:
    """Bytes that are no UTF-8 cost the record they stand in."""
    spans = (otlp.span("GOOD"), otlp.span("BAD", {"a": "here"}))
    body = json.dumps(otlp.json(otlp.traces(*spans))).encode().replace(b"here", b"\xff")
    answer = collector.post("traces", body, "json")
    assert answer.status == 200
    assert int(json.loads(answer.body)["partialSuccess"]["rejectedSpans"]) == 1
    assert collector.names() == ["GOOD"]


def test_a_faulty_resource_costs_its_own_records(collector: Running, otlp: type[Otlp]) -> None:
    """Where a resource cannot be read its records are rejected, those of others stored."""
    bad = otlp.json(otlp.traces(otlp.span("BAD")))["resourceSpans"]
    good = otlp.json(otlp.traces(otlp.span("GOOD")))["resourceSpans"]
    bad[0]["resource"]["attributes"][0]["value"] = {"intValue": "x"}
    answer = collector.post("traces", json.dumps({"resourceSpans": bad + good}).encode(), "json")
    partial = json.loads(answer.body)["partialSuccess"]
    assert int(partial["rejectedSpans"]) == 1
    assert "resource.attributes[0].value.intValue" in partial["errorMessage"]
    assert collector.names() == ["GOOD"]


def test_pairs_of_surrogates_are_texts(collector: Running, otlp: type[Otlp]) -> None:
    """Beside a record with half a pair, whole pairs and escaped backslashes stay what they are."""
    odd = "\N{GRINNING FACE}\\ud800 \\\\"
    spans = (otlp.span("GOOD", {"a": odd}), otlp.span("BAD", {"a": "here"}))
    body = json.dumps(otlp.json(otlp.traces(*spans))).replace("here", "\\udbff")
    assert collector.post("traces", body.encode(), "json").status == 200
    session = "6f1c1f0e-8a54-4c0e-9d53-0d5d8a3a0c11"
    (event,) = collector.get(f"/api/v1/sessions/{session}/events")["events"]
    assert (event["name"], event["attributes"]) == ("GOOD", {"a": odd})


NESTED = {
    "map": ('{"kvlistValue": {"values": [{"key": "k", "value": ', "}]}}"),
    "array": ('{"arrayValue": {"values": [', "]}}"),
}


@pytest.mark.parametrize("kind", NESTED)
@pytest.mark.parametrize("place", ["event", "other span"])
def test_nested_json(collector: Running, otlp: type[Otlp], kind: str, place: str) -> None:
    """Values may be nested 32 deep, an attribute's own counted; a deeper one is rejected alone."""
    opening, closing = NESTED[kind]
    deep = otlp.span("DEEP", {"deep": "here"})
    if place == "other span":
        del deep.attributes[:2]
    sound = json.dumps(otlp.json(otlp.traces(otlp.span("GOOD"), deep)))
    rejected = []
    for depth in (31, 32, 33, 100):
        value = opening * (depth - 1) + '{"stringValue": "x"}' + closing * (depth - 1)
        answer = collector.post(
            "traces", sound.replace('{"stringValue": "here"}', value).encode(), "json"
        )
        partial = json.loads(answer.body).get("partialSuccess", {})
        rejected.append((answer.status, int(partial.get("rejectedSpans", 0))))
        assert not partial or "is nested deeper than 32" in partial["errorMessage"]
    assert rejected == [(200, 0), (200, 0), (200, 1), (200, 1)]
    assert sorted(collector.names()) == (["DEEP", "GOOD"] if place == "event" else ["GOOD"])


@pytest.mark.parametrize("form", ["span", "other span", "span event", "log"])
def test_nested_protobuf(collector: Running, otlp: type[Otlp], form: str) -> None:
    """Protobuf's values may be nested as deep as JSON's, in whatever record."""
    rejected = []
    for depth in (31, 32, 33, 40):
        value: Any = "x"
        for _ in range(depth - 1):
            value = [value]
        deep = otlp.span("DEEP", {"deep": value})
        if form == "span event":
            deep.events.add(attributes=deep.attributes)
        if form in {"span event", "other span"}:
            del deep.attributes[:]
            deep.attributes.extend(otlp.pairs({"deep": value if form == "other span" else 1}))
        request: Any = otlp.traces(otlp.span("GOOD"), deep)
        if form == "log":
            request = otlp.logs(otlp.log("GOOD"), otlp.log("DEEP", {"deep": value}))
        signal = "logs" if form == "log" else "traces"
        answer = collector.call(signal, request.SerializeToString())
        rejected.append(b": deep is nested deeper than 32" in answer.body)
    assert rejected == [False, False, True, True]


def test_what_is_read_can_be_read_again() -> None:
    """What the deepest JSON that is taken becomes, protobuf reads back, in whatever place."""
    value = '{"kvlistValue": {"values": [{"key": "k", "value": '
    taken = 0
    for depth in range(25, 40):
        deep = value * depth + '{"intValue": 1}' + "}]}}" * depth
        attributes = f'"attributes": [{{"key": "a", "value": {deep}}}]'
        for record in (
            f"{{{attributes}}}",
            f'{{"events": [{{{attributes}}}]}}',
            f'{{"links": [{{{attributes}}}]}}',
        ):
            body = (
                f'{{"resourceSpans": [{{"resource": {{{attributes}}}, "scopeSpans": '
                f'[{{"scope": {{{attributes}}}, "spans": [{record}]}}]}}]}}'
            )
            try:
                request, faulty = read_traces(body.encode(), ExportTraceServiceRequest())
            except RequestError:
                continue
            ExportTraceServiceRequest.FromString(request.SerializeToString())
            taken += not faulty
    assert taken == 3 * 7
