"""What leaves by OTLP because of a change."""

from __future__ import annotations

import hmac
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from tests.support.events import MINUTE, NOON, SECOND, SESSION, event
from tests.support.receivers import spans_of

from journeytrace.catalogue import builtin_catalogue
from journeytrace.conventions import Status
from journeytrace.identity import root_span_id, stage_span_id, trace_id
from journeytrace_collector.core.change import Change, Parcel, SessionChange, Settlement
from journeytrace_collector.core.decode import Decoder
from journeytrace_collector.core.model import Event
from journeytrace_collector.core.sessionize import fold
from journeytrace_exporters.otlp import OtlpExporter
from journeytrace_exporters.otlp.logged import logged_spans
from journeytrace_exporters.otlp.pack import packed, pieces

CATALOGUE = builtin_catalogue()
TRACE = trace_id(SESSION)
KEY = "a key of sixteen or more"
MAIL = "Ann@Example.com "
HASH = hmac.digest(KEY.encode(), b"ann@example.com", "sha256").hex()

Make = Callable[..., OtlpExporter]


def value(plain: str | int) -> AnyValue:
    """Wrap a plain value."""
    return AnyValue(string_value=plain) if isinstance(plain, str) else AnyValue(int_value=plain)


def pairs(attributes: dict[str, Any]) -> list[KeyValue]:
    """Give attributes as OTLP has them."""
    return [KeyValue(key=key, value=value(plain)) for key, plain in attributes.items()]


def span(number: int = 1, *, trace: bytes = TRACE, **attributes: Any) -> Span:
    """Make a span; `__` in a name stands for a dot."""
    named = {key.replace("__", "."): plain for key, plain in attributes.items()}
    return Span(
        name="SESSION_CREATED",
        trace_id=trace,
        span_id=number.to_bytes(8, "big"),
        start_time_unix_nano=NOON,
        end_time_unix_nano=NOON + SECOND,
        attributes=pairs(named),
    )


def journey_span(number: int = 1, **attributes: Any) -> Span:
    """Make a span that is a journey event."""
    name = "SESSION_CREATED"
    return span(number, session__id=SESSION, journey__event__name=name, **attributes)


def request(*spans: Span, service: str = "kyc") -> ExportTraceServiceRequest:
    """Make a request of one service."""
    found = ExportTraceServiceRequest()
    resource_spans = found.resource_spans.add(schema_url="https://example.com/schema")
    resource_spans.resource.attributes.extend(pairs({"service.name": service}))
    scope_spans = resource_spans.scope_spans.add(schema_url="https://example.com/scope")
    scope_spans.scope.name = "library"
    scope_spans.spans.extend(spans)
    return found


def sessions(*events: Event, settlement: Settlement | None = None) -> list[SessionChange]:
    """Make the changes of sessions that are new."""
    return [
        SessionChange(None, state, settlement=settlement)
        for state in fold(events, CATALOGUE).values()
    ]


def sent(parcels: list[Parcel]) -> list[ExportTraceServiceRequest]:
    """Read what parcels hold."""
    return [ExportTraceServiceRequest.FromString(parcel.payload) for parcel in parcels]


def export(exporter: OtlpExporter, change: Change) -> list[Span]:
    """Give the spans that leave."""
    return spans_of(*sent(list(exporter.parcels(change))))


def plain(found: Span) -> dict[str, Any]:
    """Give the attributes of a span as plain values."""
    return {
        pair.key: getattr(pair.value, pair.value.WhichOneof("value") or "string_value")
        for pair in found.attributes
    }


def test_spans_pass_through_as_they_are(make: Make) -> None:
    """Resource, scope, schema and spans leave as they came, those that are none of ours too."""
    first = request(journey_span(1, custom="x"), span(2, trace=b"t" * 16, user__email=MAIL))
    second = request(span(3), service="other")
    expected = ExportTraceServiceRequest()
    expected.MergeFrom(first)
    expected.MergeFrom(second)
    (parcel,) = make(email="plain").parcels(Change(NOON, traces=[first, second]))
    assert (parcel.destination, parcel.session_id, parcel.headers) == ("otlp", None, {})
    assert ExportTraceServiceRequest.FromString(parcel.payload) == expected


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


def test_an_address_leaves_as_a_hash(make: Make) -> None:
    """With a key, an address becomes its keyed hash, on spans and on span events."""
    holder = span(2, session__id=SESSION, user__email="not a journey event's")
    holder.events.add(name="E", attributes=pairs({"journey.event.name": "E", "user.email": MAIL}))
    spans = [journey_span(1, user__email=MAIL, x=1), holder, journey_span(3, user__email=42)]
    found = export(make(email_key=KEY), Change(NOON, traces=[request(*spans)]))
    assert plain(found[0])["user.hash"] == HASH
    assert "user.email" not in plain(found[0])
    assert list(plain(found[0])) == ["session.id", "journey.event.name", "user.hash", "x"]
    assert [pair.key for pair in found[1].events[0].attributes][1:] == ["user.hash"]
    assert found[1].events[0].attributes[1].value.string_value == HASH
    assert plain(found[1])["user.email"] == "not a journey event's"
    assert plain(found[2])["user.hash"] == hmac.digest(KEY.encode(), b"42", "sha256").hex()


def test_an_address_is_hashed_however_it_is_written(make: Make) -> None:
    """Case and surrounding space make no other user."""
    spans = [journey_span(n, user__email=m) for n, m in enumerate((MAIL, " ann@EXAMPLE.com"), 1)]
    found = export(make(email_key=KEY), Change(NOON, traces=[request(*spans)]))
    assert {plain(one)["user.hash"] for one in found} == {HASH}


def test_a_hash_that_is_there_stays(make: Make) -> None:
    """Who hashed the address already is not overruled, and no key comes twice."""
    own = journey_span(user__email=MAIL, user__hash="own")
    (found,) = export(make(email_key=KEY), Change(NOON, traces=[request(own)]))
    assert [pair.key for pair in found.attributes].count("user.hash") == 1
    assert plain(found)["user.hash"] == "own"
    assert "user.email" not in plain(found)


@pytest.mark.parametrize("section", [{}, {"email": "drop"}, {"email": "drop", "email_key": KEY}])
def test_without_a_key_no_address_leaves(make: Make, section: dict[str, Any]) -> None:
    """Dropping is the default, for a hash without a secret hides nothing."""
    change = Change(
        NOON,
        sessions(event("STEP_VIEW", email=MAIL), settlement=Settlement(0, None, Status.DROPPED)),
        traces=[request(journey_span(user__email=MAIL))],
        logged=[event("STEP_VIEW", email=MAIL)],
    )
    (parcel,) = make(**section).parcels(change)
    assert b"Ann" not in parcel.payload
    assert b"user.email" not in parcel.payload
    assert b"user.hash" not in parcel.payload


def test_an_address_leaves_only_when_told_to(make: Make) -> None:
    """`plain` sends it as it came."""
    spans, logged = [journey_span(user__email=MAIL)], [event("STEP_VIEW", email=MAIL)]
    found = export(make(email="plain"), Change(NOON, traces=[request(*spans)], logged=logged))
    assert [plain(one)["user.email"] for one in found] == [MAIL, MAIL]


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


TENANTS = {"tenants": {30: "short", 365: "long"}, "default_tenant": "rest"}


def tenants(exporter: OtlpExporter, change: Change) -> dict[str, list[int]]:
    """Give the last byte of the id of each span that leaves, by tenant."""
    found: dict[str, list[int]] = {}
    for parcel in exporter.parcels(change):
        content = ExportTraceServiceRequest.FromString(parcel.payload)
        numbers = [one.span_id[-1] for one in spans_of(content)]
        found.setdefault(parcel.headers["X-Scope-OrgID"], []).extend(numbers)
    return found


def test_spans_go_to_the_tenant_of_their_retention(make: Make) -> None:
    """By session, the host's own spans in its trace included; all else goes to the default."""
    change = Change(
        NOON,
        sessions(
            event("SESSION_CREATED", retention_days=365),
            event("SESSION_CREATED", session_id="short"),
            event("SESSION_CREATED", session_id="rest", retention_days=90),
        ),
        traces=[
            request(
                journey_span(1),
                span(2),
                span(3, trace=trace_id("short")),
                span(4, trace=trace_id("rest")),
                span(5, trace=b"t" * 16),
                span(6, trace=b"t" * 16, session__id=SESSION.upper()),
                span(7, trace=b"t" * 16, session__id=" no id "),
            )
        ],
    )
    expected = {"long": [1, 2, 6], "short": [3], "rest": [4, 5, 7]}
    assert tenants(make(**TENANTS), change) == expected


def test_a_session_of_unknown_retention_goes_where_it_lives_shortest(make: Make) -> None:
    """A duplicate's session did not change, so its class is not at hand: it may not live longer."""
    foreign = span(1, trace=b"t" * 16, session__id=SESSION)
    assert tenants(make(**TENANTS), Change(NOON, traces=[request(foreign)])) == {"short": [1]}


def test_derived_and_logged_spans_go_to_their_tenant(make: Make) -> None:
    """What the collector makes follows the session too."""
    created = event("SESSION_CREATED", retention_days=365)
    change = Change(
        NOON,
        sessions(created, settlement=Settlement(0, None, Status.DROPPED)),
        logged=[created],
    )
    parcels = list(make(**TENANTS).parcels(change))
    assert [parcel.headers for parcel in parcels] == [{"X-Scope-OrgID": "long"}]
    assert len(spans_of(*sent(parcels))) == 3
