"""The one place that turns events into OpenTelemetry calls.

Span events are being replaced by log records in OpenTelemetry; the day that matters, it matters
here alone.
"""

from __future__ import annotations

from contextlib import suppress
from os import urandom
from time import time_ns
from typing import TYPE_CHECKING, Final, NamedTuple

from opentelemetry import context as otel_context
from opentelemetry.context import Context, get_current
from opentelemetry.trace import (
    INVALID_SPAN,
    Link,
    NonRecordingSpan,
    NoOpTracer,
    Span,
    SpanContext,
    SpanKind,
    TraceFlags,
    Tracer,
    get_current_span,
    set_span_in_context,
)

from journeytrace import _settings, identity
from journeytrace._described import with_fields
from journeytrace._diagnostics import Problem, report
from journeytrace.conventions import EVENT_ID, SESSION_ID

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from journeytrace._described import Described
    from journeytrace._values import Value

__all__ = ["Emitter"]

# OpenTelemetry has two keys of one meaning, and no public name for the first.
_SUPPRESSING: Final = "suppress_instrumentation"
_SUPPRESSING_TOO: Final = getattr(otel_context, "_SUPPRESS_INSTRUMENTATION_KEY", _SUPPRESSING)

_INTERNAL: Final = SpanKind.INTERNAL

_NO_HOST: Final[tuple[tuple[Link, ...], None]] = ((), None)


class _Parent(NamedTuple):
    """A stand-in for the root or stage span, which the collector sends in the end."""

    span: Span
    alone: Context
    """Holds the span and nothing else."""


class Emitter:
    """Sends the events of one session. Safe to share between threads.

    Raises:
        InvalidSessionIdError: see `normalise_session_id`.
    """

    __slots__ = (
        "_host",
        "_parents",
        "_trace",
        "clock",
        "fields",
        "project",
        "session_id",
        "started",
    )

    def __init__(self, session_id: str, clock: Callable[[], int] | None) -> None:
        self.session_id = identity.normalise_session_id(session_id)
        self._trace = identity.trace_id(self.session_id)
        self.clock = clock
        """None: the SDK's."""
        self.fields: dict[str, str] = {}
        """What the next event says of the session; see `identified`."""
        self._parents: dict[str | None, _Parent] = {}
        self.project: str | None = None
        """Of the session, where it began here."""
        self.started: int | None = None
        """When it began, in seconds since 1970; None: elsewhere."""
        self._host: tuple[SpanContext, tuple[Link, ...]] | None = None

    @property
    def trace_id(self) -> str:
        """The trace id as 32 hex digits."""
        return self._trace.hex()

    def now(self) -> int | None:
        """Give the clock's nanoseconds since the epoch; None: the SDK takes the time."""
        if self.clock is None:
            return None
        try:
            at = self.clock()
        except Exception:  # the host's clock must not break the host's journey
            at = None
        if type(at) is int and 0 < at < 2**63:
            return at
        report(Problem.BAD_CLOCK, self.clock, "gave no nanoseconds since the epoch")
        return None

    def identify(self, fields: Mapping[str, str]) -> None:
        """Keep what the next event says of the session."""
        self.fields.update(fields)

    def identified(self, described: Described, metadata: Mapping[str, Value]) -> Described:
        """Describe an event with what `identify` kept, which is then no longer kept.

        What the event says itself is newer.
        """
        if not self.fields or _suppressed(get_current()):
            return described
        taken: dict[str, str] = {}
        # One by one, so that nothing is lost that another thread says meanwhile.
        with suppress(KeyError):
            while True:
                key, value = self.fields.popitem()
                taken[key] = value
        own = described.attributes
        return with_fields(
            described, {k: v for k, v in taken.items() if k not in own and k not in metadata}
        )

    def mark_host(self) -> None:
        """Put the session's id on the host's current span, before any event does it."""
        context = get_current()
        if _suppressed(context) or isinstance(_settings.current().tracer, NoOpTracer):
            return
        _, unmarked = self._links_to(get_current_span(context))
        if unmarked is not None:
            unmarked.set_attribute(SESSION_ID, self.session_id)

    def start(
        self, tracer: Tracer, described: Described, metadata: dict[str, Value], at: int | None
    ) -> Span:
        """Start the span of an event; whoever asked for it has to end it."""
        name, stage, own = described
        # Metadata comes first: at its limit the SDK drops the oldest attributes.
        attributes = metadata | own
        attributes[SESSION_ID] = self.session_id
        parent, alone = self._parents.get(stage) or self._known(stage)
        if context := get_current():
            return self._start_within(context, tracer, name, parent, attributes, at)
        return tracer.start_span(name, alone, _INTERNAL, attributes, (), at)

    def record(self, tracer: Tracer, described: Described, metadata: dict[str, Value]) -> None:
        """Send an event without duration as a span of its own; `metadata` is used up."""
        # One time for both ends, or what it takes to make a span would be the event's duration.
        at = time_ns() if self.clock is None else self.now() or time_ns()
        if self.fields:
            described = self.identified(described, metadata)
        # From here on it does what `start` does: a call more would be felt.
        name, stage, own = described
        attributes: dict[str, Value] = metadata
        attributes.update(own)
        attributes[SESSION_ID] = self.session_id
        parent, alone = self._parents.get(stage) or self._known(stage)
        if context := get_current():
            self._start_within(context, tracer, name, parent, attributes, at).end(at)
        else:
            tracer.start_span(name, alone, _INTERNAL, attributes, (), at).end(at)

    def _start_within(  # noqa: PLR0917 - likewise
        self,
        context: Context,
        tracer: Tracer,
        name: str,
        parent: Span,
        attributes: Mapping[str, Value],
        at: int | None,
    ) -> Span:
        """Start a span where the host has a context, which can hold its span and its baggage."""
        if _suppressed(context):
            return INVALID_SPAN
        links, unmarked = self._links_to(get_current_span(context))
        under = set_span_in_context(parent, context)
        span = tracer.start_span(name, under, _INTERNAL, attributes, links, at)
        # A journey that nobody records leaves no mark on the host.
        if unmarked is not None and span.is_recording():
            unmarked.set_attribute(SESSION_ID, self.session_id)
        return span

    def update(self, span: Span, described: Described, metadata: Mapping[str, Value]) -> None:
        """Set the attributes of a span anew."""
        # All of them, again with what must not be lost as the newest.
        span.set_attributes({**metadata, **described.attributes, SESSION_ID: self.session_id})

    def observe(self, span: Span, described: Described, metadata: Mapping[str, Value]) -> None:
        """Send an event as a span event of `span`."""
        if _suppressed(get_current()):
            return
        described = self.identified(described, metadata)
        # With an id of its own, two of one name are two events even if the clock stood still.
        attributes = {EVENT_ID: urandom(8).hex(), **metadata, **described.attributes}
        span.add_event(described.name, attributes, self.now())

    def _known(self, stage: str | None) -> _Parent:
        known = self._parents[stage] = _parent(self._trace, stage)
        return known

    def _links_to(self, host: Span) -> tuple[tuple[Link, ...], Span | None]:
        """Give the link to the host's current span, and that span unless it is known already."""
        context = host.get_span_context()
        if not context.is_valid:
            return _NO_HOST
        last = self._host
        if last is not None and last[0] is context:
            return last[1], None
        links = (Link(context),)
        self._host = (context, links)
        return links, host


def _parent(trace: bytes, stage: str | None) -> _Parent:
    span_id = identity.stage_span_id(trace, stage) if stage else identity.root_span_id(trace)
    # Sampled, so that a ParentBased sampler keeps every event.
    flags = TraceFlags(TraceFlags.SAMPLED)
    context = SpanContext(
        int.from_bytes(trace), int.from_bytes(span_id), is_remote=True, trace_flags=flags
    )
    span = NonRecordingSpan(context)
    return _Parent(span, set_span_in_context(span, Context()))


def _suppressed(context: Context) -> bool:
    """Whether the host, or an exporter at work, wants nothing recorded here."""
    if _SUPPRESSING in context or _SUPPRESSING_TOO in context:
        return bool(context.get(_SUPPRESSING) or context.get(_SUPPRESSING_TOO))
    return False
