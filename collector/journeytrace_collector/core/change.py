"""What one transaction changed: the material of counters and of whatever leaves the collector.

A change is handed on inside the transaction that makes it, so that what follows from it, counters
and outbox rows, is committed with it or not at all.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from msgspec import Struct
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from journeytrace.conventions import Status
from journeytrace_collector.core.model import Event
from journeytrace_collector.core.retention import NO_PERIODS, Retention
from journeytrace_collector.core.sessionize import SessionState

__all__ = [
    "Change",
    "Effects",
    "Exemplar",
    "Followup",
    "Parcel",
    "Series",
    "SessionChange",
    "Settlement",
    "Tally",
    "halves",
]


@dataclass(frozen=True, slots=True)
class Settlement:
    """A session came to rest: nothing more is expected of it (DESIGN section 6)."""

    revision: int
    """0: it settled for the first time; n: it had changed for the nth time since."""
    before: Status | None
    """The status with which it had settled last; None: never before."""
    status: Status
    stages_told: frozenset[str] = frozenset()
    """The stages that had been seen when it settled before: whatever was to be told of them has
    been. Empty for the first time."""
    by_verdict: bool = False
    """A person's verdict is all that is new since it settled before."""


class SessionChange(Struct, frozen=True, gc=False):
    """What became of one session."""

    before: SessionState | None
    """None: the session is new."""
    after: SessionState
    fresh: Sequence[Event] = ()
    """The events that made the difference; empty: time alone did."""
    told: Status | None = None
    """The status that was told outside before; None: none yet."""
    status: Status = Status.IN_PROGRESS
    """The status that can be told now. Time alone makes a session DROPPED, so that is told on
    settling."""
    settlement: Settlement | None = None
    """None: it did not settle now."""
    violated: Sequence[str] = ()
    """The rules that it violates now and never did before."""


@dataclass(slots=True)
class Change:
    """What one transaction changed."""

    at: int
    """The collector's time in ns."""
    sessions: list[SessionChange] = field(default_factory=list)
    """Also some that are only known and did not change, for what they say of the traces."""
    traces: Sequence[ExportTraceServiceRequest] = ()
    """All spans that came in and were not rejected, tagged; journey events or not."""
    logged: Sequence[Event] = ()
    """Events that came as log records, duplicates included, and those that people did before their
    session began: no span stands for them yet."""
    retention: Retention = NO_PERIODS
    """How long sessions are kept, as it is in force."""
    parcels: Sequence[Parcel] = ()
    """What leaves with it whatever exporters make of it: what no event may tell."""
    records: dict[str, int] = field(default_factory=dict)
    """How many events were new, duplicate, refused or forgotten, how many records rejected or
    ignored, how many sessions erased."""


@dataclass(frozen=True, slots=True)
class Parcel:
    """Something to be delivered, at least once and in order of its session."""

    destination: str
    """Whose it is: the exporter's name, or ``name:detail`` for one of its several endpoints."""
    payload: bytes
    session_id: str | None = None
    """Parcels of one session to one destination arrive in order; None: of the destination."""
    headers: dict[str, str] = field(default_factory=dict)
    """Whatever the exporter wants to remember beside the payload, such as an idempotency key."""


@dataclass(frozen=True, slots=True)
class Exemplar:
    """One trace behind a bucket of a histogram."""

    trace_id: str
    value: float
    at: int
    """ns"""


Series: TypeAlias = tuple[str, tuple[str, ...]]
"""(name of the series, label values in the order of the metric's labels)"""


@dataclass(slots=True)
class Tally:
    """By how much counters rise. A rise of 0 makes a series exist, so its first event shows."""

    rises: dict[Series, float] = field(default_factory=dict)
    exemplars: dict[Series, Exemplar] = field(default_factory=dict)
    """The newest exemplar of a bucket's series."""
    born: dict[Series, int] = field(default_factory=dict)
    """When series came to be, in ns, as a store tells it; lacks those of which it is not known."""

    def add(self, name: str, labels: tuple[str, ...], by: float = 1) -> None:
        """Let a series rise."""
        series = (name, labels)
        self.rises[series] = self.rises.get(series, 0) + by


@dataclass(frozen=True, slots=True)
class Followup:
    """What follows from a change, to be committed with it."""

    tally: Tally
    parcels: Sequence[Parcel] = ()
    committed: Callable[[], None] = lambda: None
    """Called once all of it is on disk."""


Effects: TypeAlias = Callable[[Change], Followup]
"""Pure: no I/O, for it runs while the transaction is open."""


def halves(change: Change) -> tuple[Change, Change] | None:
    """Divide a change in two, in its order: requests, logged events, sessions; None: it is one.

    One request that stands alone is divided by its spans. A part with spans or events knows all
    sessions, those of the other part as they are and without what became of them.
    """
    changed = [session for session in change.sessions if _has_changed(session)]
    requests, logged = len(change.traces), len(change.logged)
    things = requests + logged + len(changed)
    if things > 1:
        middle = things // 2
        return _part(change, changed, 0, middle), _part(change, changed, middle, things)
    if requests != 1:
        return None
    spans = sum(len(s.spans) for r in change.traces[0].resource_spans for s in r.scope_spans)
    if spans < 2:
        return None
    first, second = (
        replace(change, traces=[_spans(change.traces[0], *ends)])
        for ends in ((0, spans // 2), (spans // 2, spans))
    )
    return first, second


def _has_changed(session: SessionChange) -> bool:
    return bool(session.fresh or session.settlement or session.before is not session.after)


def _part(change: Change, changed: list[SessionChange], start: int, end: int) -> Change:
    requests, before_sessions = len(change.traces), len(change.traces) + len(change.logged)
    own = changed[max(start - before_sessions, 0) : max(end - before_sessions, 0)]
    traces = change.traces[start:end]
    logged = change.logged[max(start - requests, 0) : max(end - requests, 0)]
    if not traces and not logged:
        return replace(change, traces=(), logged=(), sessions=own)
    mine = {id(session) for session in own}
    sessions = [
        session if id(session) in mine else _as_it_is(session) for session in change.sessions
    ]
    return replace(change, traces=traces, logged=logged, sessions=sessions)


def _as_it_is(session: SessionChange) -> SessionChange:
    return SessionChange(session.after, session.after) if _has_changed(session) else session


def _spans(request: ExportTraceServiceRequest, start: int, end: int) -> ExportTraceServiceRequest:
    """Give a request with some of the spans, counted through all resources and scopes."""
    part = ExportTraceServiceRequest()
    for resource_spans in request.resource_spans:
        own = None
        for scope_spans in resource_spans.scope_spans:
            count = len(scope_spans.spans)
            spans = scope_spans.spans[max(start, 0) : max(end, 0)]
            start, end = start - count, end - count
            if not spans:
                continue
            if own is None:
                own = part.resource_spans.add(schema_url=resource_spans.schema_url)
                own.resource.CopyFrom(resource_spans.resource)
            scope = own.scope_spans.add(schema_url=scope_spans.schema_url)
            scope.scope.CopyFrom(scope_spans.scope)
            scope.spans.extend(spans)
    return part
