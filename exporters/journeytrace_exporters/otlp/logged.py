"""Events that came as log records → spans, so that every event is in the one trace."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from journeytrace.catalogue import Catalogue
from journeytrace_collector.core.event_span import event_span
from journeytrace_collector.core.model import Event
from journeytrace_collector.core.settle import request_of

__all__ = ["logged_spans"]


def logged_spans(
    events: Iterable[Event], catalogue: Catalogue
) -> Iterator[tuple[str, ExportTraceServiceRequest]]:
    """Give, with its session, one request for each session and service of the events."""
    spans: dict[tuple[str, str | None], list[Span]] = {}
    for event in events:
        key = event.session_id, event.service
        spans.setdefault(key, []).append(event_span(event, catalogue))
    for (session_id, service), found in spans.items():
        yield session_id, request_of(found, service)
