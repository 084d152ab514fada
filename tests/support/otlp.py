"""Spans and requests to test with."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from tests.support.events import NOON, SECOND, SESSION

from journeytrace.catalogue import builtin_catalogue
from journeytrace.identity import trace_id
from journeytrace_collector.core.change import Parcel, SessionChange, Settlement
from journeytrace_collector.core.model import Event
from journeytrace_collector.core.sessionize import fold

__all__ = ["journey_span", "pairs", "plain", "request", "sent", "sessions", "span", "value"]


def value(plain: Any) -> AnyValue:
    """Wrap a plain value."""
    if isinstance(plain, str):
        return AnyValue(string_value=plain)
    if isinstance(plain, bool):
        return AnyValue(bool_value=plain)
    if isinstance(plain, int):
        return AnyValue(int_value=plain)
    found = AnyValue()
    if isinstance(plain, dict):
        found.kvlist_value.SetInParent()
        found.kvlist_value.values.extend(pairs(plain))
    else:
        found.array_value.SetInParent()
        found.array_value.values.extend(map(value, plain))
    return found


def pairs(attributes: dict[str, Any]) -> list[KeyValue]:
    """Give attributes as OTLP has them."""
    return [KeyValue(key=key, value=value(plain)) for key, plain in attributes.items()]


def span(number: int = 1, *, trace: bytes = trace_id(SESSION), **attributes: Any) -> Span:
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
    return span(number, **{"session__id": SESSION, "journey__event__name": name, **attributes})


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
        for state in fold(events, builtin_catalogue()).values()
    ]


def sent(parcels: Iterable[Parcel]) -> list[ExportTraceServiceRequest]:
    """Read what parcels hold."""
    return [ExportTraceServiceRequest.FromString(parcel.payload) for parcel in parcels]


def plain(found: Span | Span.Event | Span.Link) -> dict[str, Any]:
    """Give the attributes of a span, span event or link as plain values."""
    return {
        pair.key: getattr(pair.value, pair.value.WhichOneof("value") or "string_value")
        for pair in found.attributes
    }
