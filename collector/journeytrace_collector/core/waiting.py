"""What must not leave yet: spans of a session that has not begun (DESIGN section 13): pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from journeytrace.conventions import EVENT_NAME
from journeytrace.identity import trace_id
from journeytrace_collector.core.forgetting import drop_where, names_any

__all__ = ["hold_back"]


def hold_back(requests: Iterable[ExportTraceServiceRequest], sessions: Collection[str]) -> None:
    """Take the spans of events of these sessions out of the requests.

    Those of its trace, and those that name it, whatever trace they are in. What is no event, such
    as the request in which somebody sent an invitation, stays.
    """
    traces = {trace_id(session_id) for session_id in sessions}
    for request in requests:
        for resource_spans in request.resource_spans:
            for scope_spans in resource_spans.scope_spans:
                drop_where(
                    scope_spans.spans,
                    lambda s: (
                        any(pair.key == EVENT_NAME for pair in s.attributes)
                        and (s.trace_id in traces or names_any(s, traces))
                    ),
                )
