"""Laws of decoding: nothing raises, no record minds its neighbours, every form reads the same."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from journeytrace import conventions as names
from journeytrace.catalogue import builtin_catalogue
from journeytrace.identity import normalise_session_id
from journeytrace_collector.admin.told import told_event
from journeytrace_collector.core.decode import Decoded, Decoder
from journeytrace_collector.core.derive import summary
from journeytrace_collector.core.model import Event
from journeytrace_collector.core.record import LEAD, MAX_AGE, Limits
from journeytrace_collector.core.sessionize import fold
from journeytrace_collector.errors import RequestError
from journeytrace_collector.receiver.otlp import signals

NOW = 1_780_000_000_000_000_000
CATALOGUE = builtin_catalogue()
DECODER = Decoder(CATALOGUE, Limits(attributes=20, metadata_bytes=400))
TRACES, LOGS = signals(DECODER)
untimed = settings(deadline=None)

WORDS = ("FE", "BE", "PASS", "FAIL", "NONE", "RETAKE", "STEP1", "APPROVED", "SESSION_CREATED")
texts = st.one_of(st.sampled_from(WORDS), st.text(max_size=20), st.text(min_size=120, max_size=140))
scalars = st.one_of(
    st.builds(AnyValue),
    st.builds(AnyValue, string_value=texts),
    st.builds(AnyValue, bool_value=st.booleans()),
    st.builds(
        AnyValue, int_value=st.sampled_from((0, 30, 45, 90)) | st.integers(-(2**63), 2**63 - 1)
    ),
    st.builds(AnyValue, double_value=st.floats()),
    st.builds(AnyValue, bytes_value=st.binary(max_size=5)),
)


def _array(items: list[AnyValue]) -> AnyValue:
    made = AnyValue()
    made.array_value.values.extend(items)
    return made


def _map(items: list[tuple[str, AnyValue]]) -> AnyValue:
    made = AnyValue()
    made.kvlist_value.values.extend(KeyValue(key=key, value=value) for key, value in items)
    return made


values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3).map(_array)
        | st.lists(st.tuples(st.text(max_size=3), inner), max_size=3).map(_map)
    ),
    max_leaves=5,
)
wild = st.tuples(st.sampled_from(names.ATTRIBUTES) | st.text(max_size=8), values)
sound = st.sampled_from(
    [
        ("journey.event.source", AnyValue(string_value="FE")),
        ("journey.event.result", AnyValue(string_value="FAIL")),
        ("journey.retention.days", AnyValue(int_value=90)),
        ("user.id", AnyValue(int_value=7)),
        ("path", AnyValue(string_value="/id-front")),
    ]
)


@st.composite
def attributes(draw: st.DrawFn) -> list[KeyValue]:
    """Mostly what makes an event, with anything at all mixed in."""
    chosen = draw(st.lists(sound | wild, max_size=6))
    if draw(st.integers(0, 3)):
        name = draw(st.sampled_from(sorted(CATALOGUE.events)) | texts)
        chosen.append(("journey.event.name", AnyValue(string_value=name)))
        session_id = draw(st.sampled_from(("s-1", "s-2")) | texts)
        chosen.append(("session.id", AnyValue(string_value=session_id)))
    return [KeyValue(key=key, value=value) for key, value in draw(st.permutations(chosen))]


def _ids(length: int) -> st.SearchStrategy[bytes]:
    right = st.binary(min_size=length, max_size=length)
    return st.one_of(right, right, right, st.binary(max_size=20), st.just(bytes(length)))


times = st.one_of(
    st.integers(NOW - 10**12, NOW + 10**12),
    st.sampled_from((0, 1, 2**63 - 1, 2**63, 2**64 - 1)),
    st.integers(0, 2**64 - 1),
)
spans = st.builds(
    Span,
    trace_id=_ids(16),
    span_id=_ids(8),
    name=texts,
    start_time_unix_nano=times,
    end_time_unix_nano=times,
    attributes=attributes(),
    events=st.lists(
        st.builds(Span.Event, time_unix_nano=times, name=texts, attributes=attributes()), max_size=3
    ),
)
log_records = st.builds(
    LogRecord,
    trace_id=_ids(16),
    span_id=_ids(8),
    time_unix_nano=times,
    observed_time_unix_nano=times,
    event_name=texts,
    attributes=attributes(),
)


def traces(*records: Span) -> ExportTraceServiceRequest:
    """Give a request of one resource and scope."""
    request = ExportTraceServiceRequest()
    request.resource_spans.add().scope_spans.add().spans.extend(records)
    return request


def logs(*records: LogRecord) -> ExportLogsServiceRequest:
    """Give a request of one resource and scope."""
    request = ExportLogsServiceRequest()
    request.resource_logs.add().scope_logs.add().log_records.extend(records)
    return request


def check_event(event: Event) -> None:
    """Check what every part behind the decoder relies on."""
    assert normalise_session_id(event.session_id) == event.session_id
    assert len(event.event_id) == 8
    assert 1 <= len(event.name) <= names.MAX_NAME_LENGTH
    assert event.name.isprintable()
    assert event.source in set(names.Source)
    assert event.impact in set(names.Impact)
    assert event.result in {None, *names.Result}
    assert event.retention_days in {None, *names.RETENTION_DAYS_ALLOWED}
    assert NOW - MAX_AGE <= event.at <= event.at + event.duration <= NOW + LEAD
    for text in (event.stage, event.reason, event.error_code, event.project_id, event.user_id):
        assert text is None or (0 < len(text) <= 512 and text.isprintable())
    assert len(event.metadata.encode()) <= 400
    metadata = json.loads(event.metadata, parse_constant=pytest.fail)
    assert not set(metadata) & set(names.ATTRIBUTES)
    assert msgspec.json.encode(told_event(event))


def check(decoded: Decoded, records: int) -> None:
    """Check the events and the counts of one request."""
    for event in decoded.events:
        check_event(event)
    for state in fold(decoded.events, CATALOGUE).values():
        assert msgspec.json.encode(summary(state, NOW, 10**9))
    assert decoded.rejected + decoded.ignored <= records
    assert bool(decoded.rejected) == bool(decoded.problems) == bool(decoded.message)
    assert len(decoded.message) < 3_000
    decoded.message.encode()


@untimed
@given(st.lists(spans, max_size=4))
def test_any_spans(records: list[Span]) -> None:
    """Any spans give sound events and reasons for the others, never an exception."""
    check(DECODER.traces(traces(*records), NOW), len(records))


@untimed
@given(st.lists(log_records, max_size=4))
def test_any_log_records(records: list[LogRecord]) -> None:
    """Any log records give sound events and reasons for the others, never an exception."""
    check(DECODER.logs(logs(*records), NOW), len(records))


@untimed
@given(st.lists(spans, max_size=5))
def test_spans_do_not_mind_their_neighbours(records: list[Span]) -> None:
    """Each span gives what it gives alone, whatever stands before and after it."""
    together = DECODER.traces(traces(*records), NOW)
    apart = [DECODER.traces(traces(record), NOW) for record in records]
    assert together.events == [event for one in apart for event in one.events]
    assert together.rejected == sum(one.rejected for one in apart)
    assert together.ignored == sum(one.ignored for one in apart)
    assert together.problems == sum(one.problems for one in apart)


@untimed
@given(st.lists(log_records, max_size=5))
def test_log_records_do_not_mind_their_neighbours(records: list[LogRecord]) -> None:
    """Each log record gives what it gives alone, whatever stands before and after it."""
    together = DECODER.logs(logs(*records), NOW)
    apart = [DECODER.logs(logs(record), NOW) for record in records]
    assert together.events == [event for one in apart for event in one.events]
    assert together.rejected == sum(one.rejected for one in apart)
    assert together.ignored == sum(one.ignored for one in apart)


@untimed
@given(request=st.lists(spans, max_size=3).map(lambda records: traces(*records)))
def test_json_and_protobuf_read_the_same_spans(otlp_json: Any, request: Any) -> None:
    """A request means the same in both encodings."""
    text = json.dumps(otlp_json(request)).encode()
    assert TRACES.json(text, NOW) == TRACES.protobuf(request.SerializeToString(), NOW)


@untimed
@given(request=st.lists(log_records, max_size=3).map(lambda records: logs(*records)))
def test_json_and_protobuf_read_the_same_log_records(otlp_json: Any, request: Any) -> None:
    """A request means the same in both encodings."""
    text = json.dumps(otlp_json(request)).encode()
    assert LOGS.json(text, NOW) == LOGS.protobuf(request.SerializeToString(), NOW)


json_values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=4,
)


@untimed
@given(st.data(), spans)
def test_spoilt_json_is_refused_or_read(otlp_json: Any, data: st.DataObject, span: Span) -> None:
    """Whatever stands in place of one value, the body is refused as malformed or decoded."""
    form = otlp_json(traces(span))
    holders = list(_holders(form))
    holder, key = holders[data.draw(st.integers(0, len(holders) - 1))]
    holder[key] = data.draw(json_values)
    text = json.dumps(form).encode()
    try:
        decoded = TRACES.json(text, NOW)
    except RequestError:
        return
    for event in decoded.events:
        check_event(event)


def _holders(form: Any) -> Any:
    items = form.items() if isinstance(form, dict) else enumerate(form)
    for key, item in list(items):
        yield form, key
        if isinstance(item, dict | list):
            yield from _holders(item)


@untimed
@given(st.binary(max_size=200))
def test_any_bytes_are_refused_or_read(body: bytes) -> None:
    """Any bytes at all are refused as malformed or decoded, in each encoding and signal."""
    for decode in (TRACES.protobuf, TRACES.json, LOGS.protobuf, LOGS.json):
        with contextlib.suppress(RequestError):
            check(decode(body, NOW), len(body))
