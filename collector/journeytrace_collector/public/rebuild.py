"""What a page sent → what it may say: every record is made anew, from little of the old. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256
from typing import Any, Final, NamedTuple

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from journeytrace import conventions as names
from journeytrace.catalogue import Catalogue
from journeytrace.conventions import Source
from journeytrace.identity import trace_id
from journeytrace_collector.core.attributes import plain_attributes
from journeytrace_collector.core.fields import MAX_NAME, BadFieldError, check_id
from journeytrace_collector.core.model import Rejection
from journeytrace_collector.core.record import Limits, Record, written
from journeytrace_collector.public.refusal import Outcome, RefusedError
from journeytrace_collector.public.times import corrected
from journeytrace_collector.public.token import Claims

__all__ = ["EVENT_LIMITS", "MAX_EVENTS", "Rebuilt", "rebuilt"]

MAX_EVENTS: Final = 64
"""Events in one request."""

EVENT_LIMITS: Final = Limits(attributes=64, metadata_bytes=8 * 1024)
"""What one event may weigh."""

_SAID: Final = frozenset((names.EVENT_NAME, names.ERROR_CODE))
"""Of what has a meaning of its own, all that a page knows: what happened, and the code it shows."""

_RESERVED: Final = ("journey.", "session.", "user.")
_PRIVATE: Final = "journey.private."


class Rebuilt(NamedTuple):
    """What is left of one request."""

    records: list[tuple[str, dict[str, Any], Record]]
    """Where each was found, what it says, and the rest of it."""
    rejections: list[Rejection]


def rebuilt(
    request: ExportTraceServiceRequest,
    claims: Claims,
    catalogue: Catalogue,
    service: str,
    *,
    sent_at: int | None,
    received: int,
) -> Rebuilt:
    """Rebuild the events of a request.

    Args:
        request: what was sent, whatever it is.
        claims: what the page may speak for.
        catalogue: which events are a page's.
        service: what the page is called.
        sent_at: see `corrected`.
        received: the arrival, in ns.

    Raises:
        RefusedError: there are too many.
    """
    spans = list(_spans(request))
    if len(spans) + sum(len(span.events) for span in spans) > MAX_EVENTS:
        raise RefusedError(Outcome.TOO_LARGE, f"a request may hold {MAX_EVENTS} events: send fewer")
    rejections: list[Rejection] = []
    taken: list[tuple[str, dict[str, Any], Span]] = []
    for span in spans:
        where = f"span {span.name[:MAX_NAME]!r}"
        try:
            taken.append((where, _attributes(span, claims, catalogue), span))
        except BadFieldError as bad:
            rejections.append(Rejection(where, bad.name, bad.problem))
    now = sent_at or received
    starts = [s.start_time_unix_nano or s.end_time_unix_nano or now for *_, s in taken]
    times = corrected(starts, sent_at, received, claims.started)
    for _, said, span in taken:
        # What both sides told of one call says more of the page's clock than one arrival does.
        if span.start_time_unix_nano:
            said[names.TIME_SCREEN] = written(span.start_time_unix_nano)
    trace = trace_id(claims.session_id)
    records = [
        (
            where,
            said,
            Record(
                at,
                min(max(0, span.end_time_unix_nano - start), received - at),
                received,
                service,
                None,
                sha256(b"journey.fe:" + trace + span.span_id).digest()[:8],
            ),
        )
        for (where, said, span), start, at in zip(taken, starts, times, strict=True)
    ]
    return Rebuilt(records, rejections)


def _spans(request: ExportTraceServiceRequest) -> Iterator[Span]:
    for resource in request.resource_spans:
        for scope in resource.scope_spans:
            yield from scope.spans


def _attributes(span: Span, claims: Claims, catalogue: Catalogue) -> dict[str, Any]:
    """Give what the event of a span says.

    Raises:
        BadFieldError: it is none that a page may send.
    """
    check_id("span_id", span.span_id, 8)
    sent = plain_attributes(span.attributes)
    name = sent.get(names.EVENT_NAME)
    if name is None:
        raise BadFieldError(names.EVENT_NAME, "is missing: other spans are not taken here")
    spec = catalogue.events.get(name) if isinstance(name, str) else None
    if spec is None or spec.source is not Source.FE:
        shown = str(name)[:MAX_NAME]
        raise BadFieldError(names.EVENT_NAME, f"is {shown!r}, which is no event of a page (FE)")
    said = {key: value for key, value in sent.items() if _may_say(key)}
    said[names.SESSION_ID] = claims.session_id
    said[names.EVENT_SOURCE] = Source.FE.value
    if claims.project is not None:
        said[names.PROJECT_ID] = claims.project
    return said


def _may_say(key: str) -> bool:
    return key in _SAID or not key.startswith(_RESERVED) or key.startswith(_PRIVATE)
