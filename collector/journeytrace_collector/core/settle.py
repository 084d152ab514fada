"""A settled session → its derived spans: pure, and the same bytes whenever it is said again.

The root and the stage spans are what every event of the session hangs under (DESIGN sections 3, 6).
Each is sent once, for a backend that has a span takes no second version of it. A session that
changes afterwards says so in a revision span, beside which the stages first seen since get theirs:
so every event has its parent. What became of a stage after it was told, only the revision can tell.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from journeytrace import conventions as names
from journeytrace.identity import (
    revision_span_id,
    root_span_id,
    stage_span_id,
    support_code,
    trace_id,
)
from journeytrace_collector.core.change import Settlement
from journeytrace_collector.core.derive import highest_stage
from journeytrace_collector.core.sessionize import SessionState

__all__ = ["SCOPE", "SERVICE", "derived_spans", "request_of"]

SERVICE: Final = "journeytrace"
"""``service.name`` of the derived spans."""

SCOPE: Final = "journeytrace.collector"
"""Name of the instrumentation scope of all spans that the collector makes."""

_KEPT: Final = (
    (names.SUBMISSION_ID, "submission_id"),
    (names.PROJECT_ID, "project_id"),
    (names.USER_ID, "user_id"),
    (names.ERROR_CODE, "error_code"),
)
_IMPACTS: Final = tuple(
    (names.IMPACTS + impact.value.lower(), impact.value) for impact in names.Impact
)

_Attribute = tuple[str, str | int | None]


def derived_spans(state: SessionState, settlement: Settlement) -> list[Span]:
    """Give the spans that tell how the session ended: the root or a revision, and new stages."""
    trace = trace_id(state.session_id)
    root = root_span_id(trace)
    if settlement.revision:
        span_id = revision_span_id(trace, settlement.revision)
        revision = _session_span(names.REVISION_SPAN, state, settlement.status, trace, span_id)
        revision.parent_span_id = root
        _set(revision, [(names.REVISION, settlement.revision)])
        first = revision
    else:
        first = _session_span(names.SESSION_SPAN, state, settlement.status, trace, root)
    return [first, *_stage_spans(state, settlement.stages_told, trace, root)]


def request_of(spans: Iterable[Span], service: str | None = SERVICE) -> ExportTraceServiceRequest:
    """Wrap spans that the collector made; `service` None: of a sender that did not say its name."""
    request = ExportTraceServiceRequest()
    resource_spans = request.resource_spans.add()
    if service is not None:
        pair = resource_spans.resource.attributes.add(key="service.name")
        pair.value.string_value = service
    scope_spans = resource_spans.scope_spans.add()
    scope_spans.scope.name = SCOPE
    scope_spans.spans.extend(spans)
    return request


def _session_span(
    name: str, state: SessionState, status: names.Status, trace: bytes, span_id: bytes
) -> Span:
    span = Span(
        name=name,
        trace_id=trace,
        span_id=span_id,
        kind=Span.SPAN_KIND_INTERNAL,
        start_time_unix_nano=state.first[0],
        end_time_unix_nano=state.end,
    )
    if status is names.Status.ERROR:
        span.status.code = Status.STATUS_CODE_ERROR
    _set(span, _attributes(state, status))
    return span


def _attributes(state: SessionState, status: names.Status) -> Iterable[_Attribute]:
    yield names.SESSION_ID, state.session_id
    yield names.SUPPORT_CODE, support_code(trace_id(state.session_id))
    yield names.STATUS, status.value
    if state.decision is not None:
        _, _, decision, reason = state.decision
        yield names.DECISION, decision
        yield names.REASON, reason
    yield names.STAGE, highest_stage(state)
    for key, field in _KEPT:
        yield key, _kept(state, field)
    yield names.LAST_EVENT, state.last[2]
    yield names.EVENTS, state.events
    for key, impact in _IMPACTS:
        yield key, state.impacts.get(impact)


def _stage_spans(
    state: SessionState, told: frozenset[str], trace: bytes, root: bytes
) -> Iterable[Span]:
    common = Span(
        trace_id=trace,
        parent_span_id=root,
        kind=Span.SPAN_KIND_INTERNAL,
    )
    project = _kept(state, "project_id")
    _set(common, [(names.SESSION_ID, state.session_id), (names.PROJECT_ID, project)])
    # By rank and name, for the state remembers its stages in no order of meaning.
    for _, stage in sorted((rank, stage) for stage, (rank, _, _) in state.stages.items()):
        if stage in told:
            continue
        span = Span()
        span.CopyFrom(common)
        span.name = f"{names.STAGE_SPAN} {stage}"
        span.span_id = stage_span_id(trace, stage)
        _, span.start_time_unix_nano, span.end_time_unix_nano = state.stages[stage]
        _set(span, [(names.STAGE, stage)])
        yield span


def _kept(state: SessionState, field: str) -> str | None:
    stamped = state.kept.get(field)
    return stamped[2] if stamped is not None else None


def _set(span: Span, attributes: Iterable[_Attribute]) -> None:
    """Add what has a value; what is not known is left out."""
    for key, value in attributes:
        if value is None:
            continue
        pair = span.attributes.add()
        pair.key = key
        if isinstance(value, str):
            pair.value.string_value = value
        else:
            pair.value.int_value = value
