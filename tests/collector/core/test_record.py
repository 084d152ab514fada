"""What is believed of the time that a record states."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from journeytrace.catalogue import builtin_catalogue
from journeytrace_collector.core.decode import Decoded, Decoder
from journeytrace_collector.core.record import LEAD, MAX_AGE

NOW = 1_780_000_000_000_000_000
SECOND = 1_000_000_000
any_time = st.integers(0, 2**64 - 1) | st.integers(NOW - 2 * MAX_AGE, NOW + 2 * LEAD)


def decoded(start: int, end: int, received: int = NOW, *, carry: bool = False) -> Decoded:
    """Decode one span that says it began and ended then, with a span event at its start."""
    request = ExportTraceServiceRequest()
    span = (
        request.resource_spans.add()
        .scope_spans.add()
        .spans.add(
            name="STEP_VIEW",
            trace_id=b"t" * 16,
            span_id=b"s" * 8,
            start_time_unix_nano=start,
            end_time_unix_nano=end,
        )
    )
    _set(span, "session.id", "s-1")
    _set(span, "journey.event.name", "STEP_VIEW")
    _set(span.events.add(name="JS_ERROR", time_unix_nano=start), "journey.event.name", "JS_ERROR")
    return Decoder(builtin_catalogue(), carry=carry).traces(request, received)


def _set(record: Any, key: str, value: str) -> None:
    record.attributes.add(key=key).value.string_value = value


@given(start=any_time, end=any_time)
def test_no_time_leaves_the_believable(start: int, end: int) -> None:
    """Whatever 64 bits a sender writes, an event happens near its arrival and ends by then."""
    for event in decoded(start, end).events:
        assert NOW - MAX_AGE <= event.at <= NOW + LEAD
        assert 0 <= event.duration <= MAX_AGE
        assert event.at + event.duration <= NOW + LEAD


@pytest.mark.parametrize("sent", [NOW + LEAD, NOW - MAX_AGE])
def test_the_edges_of_the_believable_are_kept(sent: int) -> None:
    """Ten minutes ahead and 366 days back are believed, and nothing is noted."""
    event, _ = decoded(sent, sent).events
    assert event.at == sent
    assert event.metadata == "{}"


@pytest.mark.parametrize(
    ("sent", "written"),
    [
        (NOW + LEAD + 1, "2026-05-28T20:36:40.000000001Z"),
        (NOW - MAX_AGE - 1, "2025-05-27T20:26:39.999999999Z"),
        (1, "1970-01-01T00:00:00.000000001Z"),
        (2**63, "2262-04-11T23:47:16.854775808Z"),
        (2**64 - 1, "2554-07-21T23:34:33.709551615Z"),
    ],
)
def test_what_is_not_believed_is_noted(sent: int, written: str) -> None:
    """Beyond that the event happens when it arrives, and what was sent is kept beside it."""
    for event in decoded(sent, sent).events:
        assert event.at == NOW
        assert json.loads(event.metadata) == {"journey.time.sent": written}


def test_a_sender_without_a_clock_is_not_corrected() -> None:
    """Time 0 says nothing: the event happens when it arrives, and nothing is noted."""
    event, _ = decoded(0, 0).events
    assert (event.at, event.metadata) == (NOW, "{}")


@given(start=any_time)
def test_the_id_follows_from_what_was_sent(start: int) -> None:
    """A record that comes again later is the same event, however its time is read then."""
    first, again = decoded(start, start), decoded(start, start, NOW + 30 * SECOND)
    assert [e.event_id for e in first.events] == [e.event_id for e in again.events]


def test_a_duration_beyond_what_can_be_is_none() -> None:
    """An end that lies in the future, or a year after the start, tells no duration."""
    assert decoded(NOW, NOW + LEAD).events[0].duration == LEAD
    assert decoded(NOW, NOW + LEAD + 1).events[0].duration == 0
    assert decoded(NOW - MAX_AGE, NOW).events[0].duration == MAX_AGE
    assert decoded(1, NOW).events[0].duration == 0


def test_what_leaves_says_what_is_believed() -> None:
    """A span that is carried on stands where its event does, with what was sent beside it."""
    traces = decoded(1, 5 * SECOND, carry=True).traces
    assert traces is not None
    (span,) = traces.resource_spans[0].scope_spans[0].spans
    assert (span.start_time_unix_nano, span.end_time_unix_nano) == (NOW, NOW + 5 * SECOND - 1)
    assert span.events[0].time_unix_nano == NOW
    for record in (span, span.events[0]):
        sent = [p.value.string_value for p in record.attributes if p.key == "journey.time.sent"]
        assert sent == ["1970-01-01T00:00:00.000000001Z"]
