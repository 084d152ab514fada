"""What is too much is refused before it is parsed, and what is not is never refused."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from google.protobuf.message import DecodeError
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from journeytrace_collector.core import weight
from journeytrace_collector.core.weight import MAX_RECORDS, MAX_VALUES
from journeytrace_collector.errors import MalformedRequestError, RequestTooLargeError

TRACES = ExportTraceServiceRequest.DESCRIPTOR
LOGS = ExportLogsServiceRequest.DESCRIPTOR
MIB = 1024 * 1024


def field(tag: bytes, *contents: bytes) -> bytes:
    """Give a field with a length."""
    content = b"".join(contents)
    size, rest = bytearray(), len(content)
    while rest > 127:
        size.append(rest & 127 | 128)
        rest >>= 7
    return tag + bytes([*size, rest]) + content


def within(content: bytes, depth: int = 3) -> bytes:
    """Put content into a resource, a scope, a span."""
    for tag in (b"\x12", b"\x12", b"\x0a")[3 - depth :]:
        content = field(tag, content)
    return content


def test_an_ordinary_request_is_counted_in_one_step(monkeypatch: pytest.MonkeyPatch) -> None:
    """A batch of 512 spans as SDKs send it is never walked through."""
    from benchmarks.load import Load

    monkeypatch.setattr(weight, "_walk", None)
    weight.check_protobuf(Load().request(), TRACES)


@pytest.mark.parametrize(
    "body",
    [
        within(b"\x12\x00" * MIB, 2),
        within(b"\x12\x00" * MIB, 1),
        b"\x0a\x00" * MIB,
        within(b"\x5a\x00" * MIB),
        within(b"\x6a\x00" * MIB),
        within(b"\x4a\x00" * MIB),
        within(b"\x4a\x02\x12\x00" * MIB),
        within(field(b"\x4a", field(b"\x12", field(b"\x2a", b"\x0a\x00" * MIB)))),
        within(b"\xca\x80\x80\x00\x00" * MIB),
        within(b"\x92\x00\x80\x00" * MIB, 2),
        within(b"\x30\x01" * MIB * 2 + b"\x4a\x00" * MIB),
    ],
    ids=lambda body: repr(body[:16]),
)
def test_too_many_messages(body: bytes) -> None:
    """A million messages of whatever kind, however their fields are numbered, are too many."""
    with pytest.raises(RequestTooLargeError, match="send smaller batches"):
        weight.check_protobuf(body, TRACES)


@pytest.mark.parametrize(("kind", "tag"), [(TRACES, b"\x12"), (LOGS, b"\x12")])
def test_the_number_of_records(kind: object, tag: bytes) -> None:
    """20,000 records may be in one request, and not one more."""
    text = field(b"\x2a", b"J" * 200)
    for count, fits in ((MAX_RECORDS, True), (MAX_RECORDS + 1, False)):
        body = within(field(tag, text) * count, 2)
        if fits:
            weight.check_protobuf(body, kind)  # type: ignore[arg-type] # protobuf's is untyped
        else:
            with pytest.raises(RequestTooLargeError, match="20000 records"):
                weight.check_protobuf(body, kind)  # type: ignore[arg-type]


def test_long_texts_are_no_messages() -> None:
    """16 MiB of a text that looks like fields, byte for byte, is one value."""
    text = field(b"\x2a", b"J" * (16 * MIB))
    weight.check_protobuf(within(text), TRACES)


def test_as_many_values_as_may_be() -> None:
    """300,000 attributes in 20,000 spans are taken."""
    pair = field(b"\x4a", field(b"\x0a", b"key"), field(b"\x12", field(b"\x0a", b"zzJJ22")))
    each = MAX_VALUES // MAX_RECORDS
    weight.check_protobuf(within(field(b"\x12", pair * each) * MAX_RECORDS, 2)[:], TRACES)
    with pytest.raises(RequestTooLargeError, match="300000 values"):
        weight.check_protobuf(within(field(b"\x12", pair * (each + 1)) * MAX_RECORDS, 2), TRACES)


@given(st.binary(max_size=200), st.integers(0, 12))
def test_whatever_is_walked_through(tail: bytes, cut: int) -> None:
    """Any bytes are counted or found malformed, and none that protobuf reads is called cut off."""
    body = within(field(b"\x12", field(b"\x4a", b"\x12\x00")), 2) + tail
    body = body[: len(body) - cut]
    problem = ""
    try:
        weight._walk(body, weight._shape(TRACES))
    except (MalformedRequestError, IndexError) as error:
        problem = str(error)
    if problem and "group" not in problem:
        with pytest.raises(DecodeError):
            ExportTraceServiceRequest.FromString(body)


JSON_FRAME = b'{"resourceSpans":[{"scopeSpans":[{"spans":[%s]}]}]}'


@pytest.mark.parametrize("unit", [b"{},", b"1,", b"[],", b'{"":{"":1}},', b'"a",', b'"\\"",'])
def test_too_many_values_in_json(unit: bytes) -> None:
    """Whatever a value is, five million of them are too many."""
    with pytest.raises(RequestTooLargeError, match="300000 values"):
        weight.check_json(JSON_FRAME % (unit * (5 * MIB)))


@pytest.mark.parametrize(
    "text", ["," * 4 * MIB, '{"a":[1,2]},' * MIB, '\\",' * 2 * MIB, "\\," * 2 * MIB, '"{' * MIB * 2]
)
def test_json_within_a_text_is_no_value(text: str) -> None:
    """A text that holds JSON, quotes and backslashes is one value, wherever it is cut."""
    weight.check_json(json.dumps({"resourceSpans": [{"schemaUrl": text}], "a": "b"}).encode())


@given(st.lists(st.text(alphabet='{}[],"\\ax', max_size=30), max_size=20), st.integers(1, 40))
def test_only_what_stands_outside_of_texts_counts(texts: list[str], chunk: int) -> None:
    """The braces, brackets and commas of texts are left out of the count, however it is cut."""
    body = json.dumps(texts).encode()
    marks = 1 + max(0, len(texts) - 1)
    found = _limits(marks - 1, chunk, lambda: weight.check_json(body))
    assert found
    assert not _limits(marks, chunk, lambda: weight.check_json(body))


def _limits(marks: int, chunk: int, check: Callable[[], None]) -> bool:
    """Tell whether the check refuses, with other limits."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(weight, "_MARKS", marks)
        patch.setattr(weight, "_CHUNK", chunk)
        try:
            check()
        except RequestTooLargeError:
            return True
    return False
