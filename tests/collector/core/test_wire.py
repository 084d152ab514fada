from __future__ import annotations

from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue

from journeytrace.catalogue import builtin_catalogue
from journeytrace_collector.core import wire
from journeytrace_collector.core.decode import Decoded, Decoder
from journeytrace_collector.core.weight import MAX_RECORDS
from journeytrace_collector.errors import RequestTooLargeError

NOW = 1_780_000_000_000_000_000
DECODER = Decoder(builtin_catalogue())


def request(*values: tuple[str, Any]) -> ExportTraceServiceRequest:
    """Give a request of one event for each value, under the key that stands with it."""
    made = ExportTraceServiceRequest()
    scope = made.resource_spans.add().scope_spans.add()
    for number, (key, value) in enumerate(values, 1):
        span = scope.spans.add(
            trace_id=bytes(range(16)), span_id=number.to_bytes(8), start_time_unix_nano=NOW
        )
        for name, text in (("session.id", "s"), ("journey.event.name", "PET_SHOWN")):
            span.attributes.add(key=name).value.string_value = text
        span.attributes.add(key=key).value.CopyFrom(value)
    return made


def read(made: ExportTraceServiceRequest) -> Decoded:
    """Decode it as it comes in."""
    return DECODER.traces(DECODER.traces_as.FromString(made.SerializeToString()), NOW)


def test_what_python_takes_for_equal_is_told_apart() -> None:
    """1, true and 1.0 keep their kinds, whichever of them came before."""
    kinds = (AnyValue(int_value=1), AnyValue(bool_value=True), AnyValue(double_value=1))
    found = read(request(*[("n", kind) for kind in (*kinds, *kinds)]))
    assert [event.metadata for event in found.events] == ['{"n":1}', '{"n":true}', '{"n":1.0}'] * 2
    # A stage may be a number, and then is its digits; it is nothing else.
    found = read(request(*[("journey.stage", kind) for kind in (*kinds, *kinds)]))
    assert [event.stage for event in found.events] == ["1", "1"]
    assert [rejection.field for rejection in found.rejections] == ["journey.stage"] * 4


def test_what_is_read_twice_is_read_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """Attributes that repeat, that are too large or one too many to be remembered, are all kept."""
    monkeypatch.setattr(wire, "MAX_KNOWN", 5)
    texts = ("a", "a", "b", "x" * 300, "x" * 300, "b", "c", "c", "a")
    found = read(request(*[("text", AnyValue(string_value=text)) for text in texts]))
    assert [event.metadata for event in found.events] == [f'{{"text":"{text}"}}' for text in texts]


@pytest.mark.parametrize(("spans", "events"), [(1, MAX_RECORDS), (MAX_RECORDS, 1)])
def test_spans_and_their_events_are_counted_together(spans: int, events: int) -> None:
    """One record more than is allowed refuses the request, whichever kind is the many."""
    made = ExportTraceServiceRequest()
    scope = made.resource_spans.add().scope_spans.add()
    scope.spans.extend([type(scope.spans.add())()] * (spans - 1))
    scope.spans[-1].events.extend([type(scope.spans[-1].events.add())()] * (events - 1))
    with pytest.raises(RequestTooLargeError, match=r"more than 20000 records"):
        read(made)
