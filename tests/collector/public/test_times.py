"""When a page's events happened."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import KeyValue

from journeytrace.catalogue import builtin_catalogue
from journeytrace.conventions import EVENT_NAME
from journeytrace_collector.core.decode import Decoder
from journeytrace_collector.core.rights import ANYBODY
from journeytrace_collector.public.rebuild import EVENT_LIMITS, rebuilt
from journeytrace_collector.public.times import corrected
from journeytrace_collector.public.token import Claims

SECOND = 10**9
MINUTE = 60 * SECOND
DAY = 1440 * MINUTE
NOON = 1_780_315_200 * SECOND
SESSION = "6f1c1f0e-8a54-4c0e-9d53-0d5d8a3a0c11"
FE = sorted(name for name, spec in builtin_catalogue().events.items() if spec.source == "FE")


def test_a_clock_that_is_off_is_corrected() -> None:
    """What counts is how long before sending something happened."""
    for off in (-DAY, 0, DAY):
        sent = [NOON + off - 5 * SECOND, NOON + off - SECOND]
        found = corrected(sent, NOON + off, NOON + 30, NOON - MINUTE)
        assert found == [NOON + 30 - 5 * SECOND, NOON + 30 - SECOND]


def test_nothing_is_before_its_session_or_after_its_arrival() -> None:
    """What says so is as early or as late as can be; the order stays."""
    sent = [NOON + DAY, NOON - DAY, NOON - DAY, NOON]
    late, early, early_too, now = corrected(sent, NOON, NOON, NOON - MINUTE)
    assert [early, early_too] == [NOON - 2 * MINUTE, NOON - 2 * MINUTE + 1]
    assert [now, late] == [NOON - 1, NOON]


def test_without_a_time_of_sending() -> None:
    """A clock that can be right is believed; of one that cannot, the newest event was sent now."""
    right = [NOON - 9 * SECOND, NOON - SECOND]
    assert corrected(right, None, NOON, NOON - MINUTE) == right
    for off in (-DAY, DAY):
        sent = [at + off for at in right]
        assert corrected(sent, None, NOON, NOON - MINUTE) == [NOON - 8 * SECOND, NOON]


times = st.one_of(
    st.integers(0, 2**64 - 1),
    st.integers(NOON - DAY, NOON + DAY),
    st.integers(-5, 5).map(lambda n: NOON + n),
)


@given(
    st.lists(st.tuples(times, times, st.sampled_from(FE)), min_size=1, max_size=64),
    st.sampled_from((-DAY, 0, DAY)),
    st.one_of(
        st.none(), st.integers(0, 2 * MINUTE), st.integers(0, 10**15).map(lambda n: n * 10**6)
    ),
    st.one_of(st.integers(-MINUTE, 300 * DAY), st.just(0)),
)
@settings(max_examples=60)
def test_every_time_is_possible_and_the_order_stays(
    sent: list[tuple[int, int, str]], off: int, sending: int | None, before: int
) -> None:
    """Whatever a page says of its times: between its session and its arrival, in its own order."""
    request = ExportTraceServiceRequest()
    scope = request.resource_spans.add().scope_spans.add()
    for number, (start, end, name) in enumerate(sent, 1):
        span = scope.spans.add(name=name, span_id=number.to_bytes(8, "big"))
        span.start_time_unix_nano, span.end_time_unix_nano = start, end
        pair = KeyValue(key=EVENT_NAME)
        pair.value.string_value = name
        span.attributes.append(pair)
    sent_at = None if sending is None else NOON + off + sending
    started = NOON - before
    found = rebuilt(
        request,
        Claims(SESSION, None, started),
        builtin_catalogue(),
        "browser",
        sent_at=sent_at,
        received=NOON,
    )
    decoded = Decoder(builtin_catalogue(), EVENT_LIMITS).told(*found, ANYBODY)
    assert not decoded.problems
    stored = [event.at for event in decoded.events]
    assert all(min(started, NOON) - MINUTE <= at <= NOON for at in stored)
    assert all(event.at + event.duration <= NOON for event in decoded.events)
    said = [start or end or sent_at or NOON for start, end, _ in sent]
    # A stable sort: of what the page calls the same time, the first of the batch comes first.
    order = sorted(range(len(said)), key=lambda n: said[n])
    assert [stored[n] for n in order] == sorted(set(stored))
