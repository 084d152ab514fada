"""What leaves by OTLP because of a change."""

from __future__ import annotations

import hmac
from collections.abc import Callable
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from tests.support.events import MINUTE, NOON, SECOND, SESSION, event
from tests.support.otlp import journey_span, plain, request, sent, sessions, span
from tests.support.receivers import spans_of

from journeytrace.catalogue import builtin_catalogue
from journeytrace.conventions import Status
from journeytrace.identity import root_span_id, stage_span_id, trace_id
from journeytrace_collector.core.change import Change, Parcel, Settlement
from journeytrace_collector.core.decode import Decoder
from journeytrace_exporters.otlp import OtlpExporter
from journeytrace_exporters.otlp.logged import logged_spans
from journeytrace_exporters.otlp.pack import packed, pieces

CATALOGUE = builtin_catalogue()
TRACE = trace_id(SESSION)
KEY = "a key of sixteen or more"
MAIL = "Ann@Example.com "
HASH = hmac.digest(KEY.encode(), b"ann@example.com", "sha256").hex()

Make = Callable[..., OtlpExporter]


def export(exporter: OtlpExporter, change: Change) -> list[Span]:
    """Give the spans that leave."""
    return spans_of(*sent(list(exporter.parcels(change))))


def test_spans_pass_through_as_they_are(make: Make) -> None:
    """Resource, scope, schema and spans leave as they came, those that are none of ours too."""
    traces = [request(journey_span(1, custom="x")), request(span(3), service="other")]
    expected = ExportTraceServiceRequest()
    for one in traces:
        expected.MergeFrom(one)
    change = Change(NOON, sessions(event("STEP_VIEW")), traces=traces)
    (parcel,) = make(email="plain").parcels(change)
    assert (parcel.destination, parcel.session_id, parcel.headers) == ("otlp", SESSION, {})
    assert sent([parcel]) == [expected]


def test_nothing_makes_no_parcel(make: Make) -> None:
    """A change without spans, events and settlements sends nothing."""
    assert list(make().parcels(Change(NOON, sessions=sessions(event("STEP_VIEW"))))) == []


def test_passthrough_off_keeps_what_others_forward(make: Make) -> None:
    """Off, the spans that came in stay; derived ones, and events of log records, go."""
    change = Change(
        NOON,
        sessions(event("STEP1_ENTERED"), settlement=Settlement(0, None, Status.DROPPED)),
        traces=[request(journey_span())],
        logged=[event("STEP_VIEW")],
    )
    names = [found.name for found in export(make(passthrough=False), change)]
    assert names == ["STEP_VIEW", "journey.session", "journey.stage STEP1"]


def test_a_log_record_becomes_a_span(make: Make) -> None:
    """It hangs under its stage in the session's trace, with the event id for its own."""
    logged = event(
        "ID_RECOGNITION",
        duration=SECOND,
        result="FAIL",
        error_code="QS-1",
        service="kyc",
        email=MAIL,
        metadata='{"n":1,"f":0.5,"b":true,"s":"x","none":null,"l":[1,"a"],"m":{"k":[]}}',
    )
    (parcel,) = make(email_key=KEY).parcels(Change(NOON, logged=[logged]))
    (found,) = spans_of(content := ExportTraceServiceRequest.FromString(parcel.payload))
    assert (found.name, found.kind) == ("ID_RECOGNITION", Span.SPAN_KIND_INTERNAL)
    assert (found.trace_id, found.span_id) == (TRACE, logged.event_id)
    assert found.parent_span_id == stage_span_id(TRACE, "STEP1")
    assert found.end_time_unix_nano - found.start_time_unix_nano == SECOND
    assert plain(found)["user.hash"] == HASH
    (service,) = content.resource_spans[0].resource.attributes
    assert (service.key, service.value.string_value) == ("service.name", "kyc")


def test_a_stage_without_an_order_hangs_under_the_root(make: Make) -> None:
    """So does an event without a stage; only ordered stages have a span."""
    logged = [event("CAMERA_ERROR"), event("OUR_OWN_EVENT", stage="OUR_OWN_STAGE")]
    found = export(make(), Change(NOON, logged=logged))
    assert {one.parent_span_id for one in found} == {root_span_id(TRACE)}


_TEXTS = st.text(st.characters(codec="utf-8"), max_size=5)
_SCALARS = (
    st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | _TEXTS
)
METADATA = st.dictionaries(
    _TEXTS.map("x.".__add__),
    st.recursive(
        _SCALARS,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_TEXTS, inner, max_size=3),
        max_leaves=5,
    ),
    max_size=4,
)


@given(metadata=METADATA)
def test_a_log_record_s_span_decodes_to_the_same_event(metadata: dict[str, Any]) -> None:
    """Whoever gets the span has the event with all its metadata: a chain loses nothing."""
    logged = event(
        "REJECTED",
        NOON + MINUTE,
        received=NOON,
        reason="CUSTOM_POLICY",
        project_id="acme",
        email="a@example.com",
        service="kyc",
        metadata=msgspec.json.encode(metadata).decode(),
    )
    ((session_id, kept),) = logged_spans([logged], CATALOGUE)
    assert session_id == SESSION
    (again,) = Decoder(CATALOGUE).traces(kept, NOON).events
    assert again == logged


def test_settled_sessions_leave_as_derived_spans(make: Make) -> None:
    """A settlement sends root and stages; a session that did not settle sends none."""
    settled = sessions(event("STEP1_ENTERED"), settlement=Settlement(0, None, Status.DROPPED))
    open_one = sessions(event("STEP_VIEW", session_id="other"))
    (parcel,) = make().parcels(Change(NOON, settled + open_one))
    content = ExportTraceServiceRequest.FromString(parcel.payload)
    assert [one.name for one in spans_of(content)] == ["journey.session", "journey.stage STEP1"]
    assert {one.trace_id for one in spans_of(content)} == {TRACE}


def test_the_same_change_gives_the_same_bytes(make: Make) -> None:
    """Saying it again says the same: nothing of time or chance is in a parcel."""
    change = Change(
        NOON,
        sessions(event("STEP1_ENTERED"), settlement=Settlement(0, None, Status.DROPPED)),
        logged=[event("STEP_VIEW")],
    )
    assert list(make().parcels(change)) == list(make().parcels(change))


def test_no_parcel_is_too_large_for_a_receiver(make: Make) -> None:
    """Large and many requests are cut and joined to parcels of 2 MiB, and no span is lost."""
    fat = "x" * 100_000
    traces = [
        request(*(journey_span(n * 100 + k, fat=fat) for k in range(30))) for n in range(1, 4)
    ]
    traces += [request(journey_span(1000 + n)) for n in range(5)]
    expected = sorted(found.span_id for found in spans_of(*traces))
    parcels = list(make().parcels(Change(NOON, traces=traces)))
    assert 4 < len(parcels) < 10
    assert max(len(parcel.payload) for parcel in parcels) <= 2 * 1024 * 1024
    contents = sent(parcels)
    assert sorted(found.span_id for found in spans_of(*contents)) == expected
    resource = contents[0].resource_spans[0]
    assert resource.resource == traces[0].resource_spans[0].resource
    assert resource.schema_url == traces[0].resource_spans[0].schema_url
    assert resource.scope_spans[0].scope.name == "library"


def test_a_span_too_large_for_any_parcel_goes_alone(make: Make) -> None:
    """Its neighbours arrive, whatever the receiver says to it."""
    giant = journey_span(2, fat="x" * 3_000_000)
    traces = [request(journey_span(1), giant, journey_span(3))]
    contents = sent(list(make().parcels(Change(NOON, traces=traces))))
    assert [[found.span_id[-1] for found in spans_of(one)] for one in contents] == [[1], [2], [3]]


@given(sizes=st.lists(st.lists(st.integers(0, 300), max_size=8), max_size=8))
def test_packing_keeps_every_span_in_order(sizes: list[list[int]]) -> None:
    """However requests are joined and cut, the same spans leave in the same order."""
    requests = [request(*(span(1, fat="x" * size) for size in each)) for each in sizes]
    found = list(packed([one.SerializeToString() for one in requests], target=400))
    contents = [ExportTraceServiceRequest.FromString(payload) for payload in found]
    assert spans_of(*contents) == spans_of(*requests)
    for payload, content in zip(found, contents, strict=True):
        assert len(payload) <= 400 or len(spans_of(content)) == 1


def test_a_cut_is_never_over_the_limit() -> None:
    """Whatever the limit, no piece with more than one span is over it, by not even a byte."""
    payload = request(*(span(1, fat="x" * size) for size in range(90, 150))).SerializeToString()
    for target in range(300, 1500):
        for piece in pieces(payload, target):
            assert len(piece) <= target or len(spans_of(*sent([Parcel("otlp", piece)]))) == 1
