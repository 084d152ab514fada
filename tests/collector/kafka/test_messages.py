from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from tests.support.events import NOON
from tests.support.otlp import journey_span, request
from tests.support.receivers import spans_of

from journeytrace.catalogue import builtin_catalogue
from journeytrace_collector.core.decode import Decoder
from journeytrace_collector.core.rights import ANYBODY, Rights
from journeytrace_collector.kafka.messages import carried, headers_of, messages, rights_of

TRACES = [bytes([number]) * 16 for number in range(1, 5)]
SPANS = st.lists(st.tuples(st.sampled_from(TRACES), st.integers(0, 2000)), max_size=30)


@given(parts=st.lists(SPANS, min_size=1, max_size=3), most=st.integers(5_000, 12_000))
def test_messages_hold_all_spans_each_of_one_trace(
    parts: list[list[tuple[bytes, int]]], most: int
) -> None:
    """Divided by trace, every span is in one message, with its resource, and none is too large."""
    numbers = iter(range(1, 1000))
    whole = ExportTraceServiceRequest()
    for service, spans in enumerate(parts):
        made = [journey_span(next(numbers), trace=t, padding="x" * size) for t, size in spans]
        whole.MergeFrom(request(*made, service=f"service-{service}"))
    found, large = messages(whole, most)
    assert not large
    read = [ExportTraceServiceRequest.FromString(one.value) for one in found]
    for message, its in zip(found, read, strict=True):
        assert len(message.value) + len(message.key) < most
        assert {span.trace_id.hex().encode() for span in spans_of(its)} == {message.key}
        assert len(spans_of(its)) == message.spans
    assert _by_service(*read) == _by_service(whole)


def _by_service(*requests: ExportTraceServiceRequest) -> Counter[tuple[str, bytes]]:
    return Counter(
        (resource.resource.attributes[0].value.string_value, span.SerializeToString())
        for one in requests
        for resource in one.resource_spans
        for scope in resource.scope_spans
        for span in scope.spans
    )


def test_a_span_that_no_message_can_hold_is_left_out_alone() -> None:
    """A span that is larger than a message may be is told by its name, and others go."""
    spans = [journey_span(1), journey_span(2, padding="x" * 9_000), journey_span(3)]
    found, large = messages(request(*spans), 8_000)
    assert [one.spans for one in found] == [2]
    assert [name for name, _ in large] == ["SESSION_CREATED"]


@pytest.mark.parametrize(
    "sender",
    [ANYBODY, Rights("a", frozenset({"FE"})), Rights("a", frozenset({"BE"}), frozenset({"acme"}))],
)
def test_the_rights_of_a_sender_travel_with_what_it_sent(sender: Rights) -> None:
    """Behind the log a message has the rights that its sender had in front of it."""
    headers = [(name, value) for name, value in headers_of(sender).items()]
    found = rights_of(headers, Rights("kafka"))
    assert (found.sources, found.projects) == (sender.sources, sender.projects)


def test_a_header_gives_no_right_that_the_topic_lacks() -> None:
    """What comes by a topic has the topic's rights at most, whatever its header says."""
    everything = headers_of(Rights("a", frozenset({"FE", "BE", "OP"}), frozenset({"acme", "b"})))
    found = rights_of(everything.items(), Rights("kafka", frozenset({"FE"}), frozenset({"acme"})))
    assert (found.sources, found.projects) == (frozenset({"FE"}), frozenset({"acme"}))


def test_a_header_that_cannot_be_read_is_refused() -> None:
    """A message with a faulty header is not taken for one without."""
    with pytest.raises(ValueError, match=r"journeytrace\.rights cannot be read"):
        rights_of([("journeytrace.rights", b"{")], ANYBODY)


def test_an_event_behind_the_log_is_the_event_in_front_of_it() -> None:
    """A span event whose time is not believed keeps its id, though its time is put right."""
    span = journey_span(1, journey__event__name="NONSENSE")
    span.events.add(name="STEP_VIEW", time_unix_nano=5).attributes.add(
        key="journey.event.name"
    ).value.string_value = "STEP_VIEW"
    catalogue = builtin_catalogue()
    front = Decoder(catalogue, carry=True, carry_logged=True)
    taken = front.traces(request(span), NOON)
    behind = Decoder(catalogue).traces(carried(taken, catalogue), NOON)
    assert {one.event_id for one in behind.events} == {one.event_id for one in taken.events}
    assert len(behind.events) == 2


def test_a_good_event_on_a_span_that_is_rejected_is_carried_on() -> None:
    """What was taken is written, also if the span that held it was not."""
    span = journey_span(1, journey__event__result="PERHAPS")
    span.events.add(name="STEP_VIEW", time_unix_nano=NOON).attributes.add(
        key="journey.event.name"
    ).value.string_value = "STEP_VIEW"
    catalogue = builtin_catalogue()
    taken = Decoder(catalogue, carry=True, carry_logged=True).traces(request(span), NOON)
    assert [one.name for one in taken.events] == ["STEP_VIEW"]
    behind = Decoder(catalogue).traces(carried(taken, catalogue), NOON)
    assert [one.event_id for one in behind.events] == [one.event_id for one in taken.events]
