"""An event → the span that says all of it: decoded, it is the same event. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
from opentelemetry.proto.common.v1.common_pb2 import AnyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from journeytrace import conventions as names
from journeytrace.catalogue import Catalogue
from journeytrace.identity import root_span_id, stage_span_id, trace_id
from journeytrace_collector.core.model import Event

__all__ = ["event_span"]

# Each is an attribute of the wire and the field of an event that came from it.
_FIELDS = (
    (names.SESSION_ID, "session_id"),
    (names.EVENT_NAME, "name"),
    (names.EVENT_SOURCE, "source"),
    (names.EVENT_RESULT, "result"),
    (names.EVENT_IMPACT, "impact"),
    (names.STAGE, "stage"),
    (names.REASON, "reason"),
    (names.ERROR_CODE, "error_code"),
    (names.PROJECT_ID, "project_id"),
    (names.SUBMISSION_ID, "submission_id"),
    (names.FLOW_ID, "flow_id"),
    (names.USER_ID, "user_id"),
    (names.USER_EMAIL, "email"),
    (names.RETENTION_DAYS, "retention_days"),
)


def event_span(event: Event, catalogue: Catalogue) -> Span:
    """Give the span of an event, with the event id as its span id: decoded, it is the same one."""
    trace = trace_id(event.session_id)
    stage = event.stage if catalogue.rank(event.stage) is not None else None
    span = Span(
        name=event.name,
        trace_id=trace,
        span_id=event.event_id,
        parent_span_id=stage_span_id(trace, stage) if stage else root_span_id(trace),
        kind=Span.SPAN_KIND_INTERNAL,
        start_time_unix_nano=event.at,
        end_time_unix_nano=event.at + event.duration,
    )
    for key, value in _attributes(event):
        span.attributes.add(key=key, value=_any_value(value))
    return span


def _attributes(event: Event) -> Iterator[tuple[str, Any]]:
    for key, field in _FIELDS:
        value = getattr(event, field)
        if value is not None:
            yield key, value
    metadata: dict[str, Any] = msgspec.json.decode(event.metadata)
    yield from metadata.items()


def _any_value(value: Any) -> AnyValue:
    """Bring a JSON value back. Bytes stay the base64 that the decoder made of them."""
    found = AnyValue()
    # bool before int, for a bool is an int to Python.
    if isinstance(value, bool):
        found.bool_value = value
    elif isinstance(value, int):
        found.int_value = value
    elif isinstance(value, float):
        found.double_value = value
    elif isinstance(value, str):
        found.string_value = value
    elif isinstance(value, list):
        found.array_value.SetInParent()
        found.array_value.values.extend(_any_value(item) for item in value)
    elif isinstance(value, dict):
        found.kvlist_value.SetInParent()
        for key, item in value.items():
            found.kvlist_value.values.add(key=key, value=_any_value(item))
    return found
