"""Whose a parcel is: its session, and the tenant that keeps spans as long."""

from __future__ import annotations

from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from tests.support.events import NOON, SESSION, event
from tests.support.otlp import journey_span, pairs, request, sent, sessions, span
from tests.support.receivers import spans_of

from journeytrace.conventions import Status
from journeytrace.identity import trace_id
from journeytrace_collector.core.change import Change, Settlement
from journeytrace_exporters.otlp import OtlpExporter
from journeytrace_exporters.otlp.split import split

FOREIGN = b"t" * 16
TENANTS = {"tenants": {30: "short", 365: "long"}, "default_tenant": "rest"}

Make = Callable[..., OtlpExporter]


def owners(exporter: OtlpExporter, change: Change) -> dict[str | None, list[int]]:
    """Give the last byte of the id of each span that leaves, by the session of its parcel."""
    parcels = list(exporter.parcels(change))
    return {
        parcel.session_id: [one.span_id[-1] for one in spans_of(content)]
        for parcel, content in zip(parcels, sent(parcels), strict=True)
    }


def test_each_session_has_parcels_of_its_own(make: Make) -> None:
    """Spans of one request part by session, by trace or by what they say; the rest has none."""
    holder = span(7, trace=FOREIGN)
    holder.events.add(attributes=pairs({"journey.event.name": "E", "session.id": "b"}))
    change = Change(
        NOON,
        sessions(event("STEP_VIEW", session_id="a"), event("STEP_VIEW", session_id="b")),
        traces=[
            request(span(1, trace=trace_id("a")), span(2, trace=trace_id("b")), span(3)),
            request(
                span(4, trace=FOREIGN, session__id="a"),
                span(5, trace=FOREIGN),
                span(6, trace=FOREIGN, session__id=" no id "),
                holder,
                span(8, trace=FOREIGN, session__id=SESSION.upper()),
                span(9, trace=FOREIGN, session__id=42),
            ),
        ],
    )
    assert owners(make(), change) == {
        "a": [1, 4],
        "b": [2, 7],
        None: [3, 5, 6],
        SESSION: [8],
        "42": [9],
    }


def test_what_the_collector_makes_belongs_to_its_session(make: Make) -> None:
    """Spans of log records and derived spans share the parcel of their session."""
    events = [event("STEP_VIEW", session_id=name) for name in ("a", "b")]
    settled = sessions(*events, settlement=Settlement(0, None, Status.DROPPED))
    parcels = list(make().parcels(Change(NOON, settled, logged=events)))
    assert [parcel.session_id for parcel in parcels] == ["a", "b"]
    for parcel, content in zip(parcels, sent(parcels), strict=True):
        assert {one.trace_id for one in spans_of(content)} == {trace_id(parcel.session_id or "")}


@given(
    numbers=st.lists(st.lists(st.lists(st.integers(0, 3), max_size=6), max_size=3), max_size=3),
    fat=st.integers(0, 20_000),
)
def test_splitting_keeps_every_span_in_its_order(numbers: list[list[list[int]]], fat: int) -> None:
    """Each part has its owner's spans alone, in their order, each under its resource and scope."""
    whole = ExportTraceServiceRequest()
    for index, scopes in enumerate(numbers):
        resource_spans = whole.resource_spans.add(schema_url=f"r{index}" * (fat // 100))
        resource_spans.resource.attributes.extend(pairs({"service.name": f"s{index}"}))
        for inner, spans in enumerate(scopes):
            scope_spans = resource_spans.scope_spans.add(schema_url=f"u{inner}")
            scope_spans.scope.name = f"scope {inner}"
            scope_spans.spans.extend(
                span(n, nth=place, fat="x" * (fat * place)) for place, n in enumerate(spans)
            )
    parts = dict(split(whole, whole.SerializeToString(), {}, lambda one: one.span_id[-1]))
    for owner, part in parts.items():
        expected = ExportTraceServiceRequest()
        expected.CopyFrom(whole)
        for resource_spans in expected.resource_spans:
            for scope_spans in resource_spans.scope_spans:
                mine = [one for one in scope_spans.spans if one.span_id[-1] == owner]
                del scope_spans.spans[:]
                scope_spans.spans.extend(mine)
            kept = [scope_spans for scope_spans in resource_spans.scope_spans if scope_spans.spans]
            del resource_spans.scope_spans[:]
            resource_spans.scope_spans.extend(kept)
        full = [resource for resource in expected.resource_spans if resource.scope_spans]
        del expected.resource_spans[:]
        expected.resource_spans.extend(full)
        assert ExportTraceServiceRequest.FromString(part) == expected
    assert sorted(parts) == sorted({one.span_id[-1] for one in spans_of(whole)})


def test_fields_of_a_later_otlp_pass_through() -> None:
    """What this version of OTLP does not know, of whatever kind, stays where it was."""
    unknown = b"\xf8\x07\x01" + b"\xe3\x3e\x08\x01\xe4\x3e" + b"\x82\x3f\x02hi"
    one = Span.FromString(span(1).SerializeToString() + unknown)
    whole = request(one, span(2))
    resource = ExportTraceServiceRequest.FromString(whole.SerializeToString()).resource_spans[0]
    scope = resource.scope_spans[0].FromString(
        resource.scope_spans[0].SerializeToString() + unknown
    )
    del resource.scope_spans[:]
    resource.scope_spans.append(scope)
    del whole.resource_spans[:]
    whole.resource_spans.append(resource)
    ((_, part),) = split(whole, whole.SerializeToString(), {}, lambda _: 0)
    assert ExportTraceServiceRequest.FromString(part) == whole
    assert part.count(unknown) == 2


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
