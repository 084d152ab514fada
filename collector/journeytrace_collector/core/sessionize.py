"""Events → session state: a pure fold whose order does not matter (DESIGN section 5).

`distinct` makes duplicates harmless, `state_of` gives the state of some events, `merge` joins those
of two disjoint sets of events. Every field of the state is a minimum, a maximum, a sum or a union,
so that `merge` is commutative and associative: any order and any split give the same state.
What keeps the sets disjoint is the event id, here through `distinct`, in a store by a unique key.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final, TypeAlias, TypeVar

import msgspec

from journeytrace.catalogue import Catalogue, EventSpec, Role
from journeytrace.conventions import Decision, Source
from journeytrace_collector.core.marks import IN_THE_WAY, is_corrected, marks_of
from journeytrace_collector.core.model import Event

__all__ = [
    "MAX_HURDLES",
    "Hurdle",
    "SessionState",
    "Stamp",
    "distinct",
    "fold",
    "merge",
    "rank_anew",
    "state_of",
]

Stamp: TypeAlias = tuple[int, bytes]
"""(time in ns, event id): the order in which "newest" and "earliest" are meant."""

StampedText: TypeAlias = tuple[int, bytes, str]

_T = TypeVar("_T")

_KEPT = ("project_id", "submission_id", "flow_id", "user_id", "email", "error_code")


class Hurdle(msgspec.Struct, frozen=True, array_like=True, order=True):
    """The newest time that an event of one name failed or stood in the user's way."""

    at: int
    """ns"""
    event_id: bytes
    impact: str
    failed: bool
    """Its result was FAIL."""
    error_code: str | None


MAX_HURDLES: Final = 16
"""Names of which the newest hurdle is remembered."""

OUT_OF_ORDER: Final = -1
"""The rank of a stage that had a place when it was seen, and has none any more."""

MAX_SCREEN: Final = 200
"""Characters of a screen's path."""

_SCREEN: Final = '"path":'


class _Screen(msgspec.Struct):
    path: Any = None


_screen = msgspec.json.Decoder(_Screen).decode


class SessionState(msgspec.Struct, omit_defaults=True):
    """What is remembered of a set of events of one session."""

    session_id: str
    first: Stamp
    last: StampedText
    """The newest event with its name."""
    end: int
    """When the last of the events ended, in ns."""
    idle: int
    """The idle clock in ns: max of min(event time, time received)."""
    first_received: int
    """The earliest arrival, in ns."""
    arrived: int
    """The newest arrival of an event that was new, in ns."""
    events: int
    impacts: dict[str, int]
    """Number of events by impact."""
    created: tuple[int, bytes, int | None] | None = None
    """The earliest SESSION_CREATED with its retention in days; None: not seen yet."""
    kept: dict[str, StampedText] = {}
    """By field of the event: the value of the newest event that has one. ``screen`` is the path of
    the newest event of the screen that tells one."""
    stages: dict[str, tuple[int, int, int]] = {}
    """By ordered stage: (rank, start of its first event, end of its last event), times in ns."""
    cleared: dict[str, int] = {}
    """By ordered stage: the time in ns of the newest event that completed it."""
    hurdles: dict[str, Hurdle] = {}
    """By name of the event, of the names with the newest hurdles."""
    marks: int = 0
    """What its events were like: see `core.marks`."""
    size: int = 0
    """Bytes of the events' metadata as UTF-8, in all."""
    decided: tuple[int, bytes, str, str | None] | None = None
    """The newest decision with its reason; None: nothing decided yet."""
    completed: bool = False
    error: Stamp | None = None
    """The newest event that left the normal flow."""
    resumed: Stamp | None = None
    """The newest event that came back to it."""

    @property
    def created_at(self) -> int:
        """The time in ns of the earliest SESSION_CREATED, else of the earliest event."""
        return (self.created or self.first)[0]


def distinct(events: Iterable[Event]) -> dict[tuple[str, bytes], Event]:
    """Keep one event for each id: the first received, whatever order they come in here."""
    kept: dict[tuple[str, bytes], Event] = {}
    for event in events:
        key = (event.session_id, event.event_id)
        if key not in kept or _precedence(event) < _precedence(kept[key]):
            kept[key] = event
    return kept


def _precedence(event: Event) -> tuple[int, bytes]:
    # Received in one instant under one id, yet different: any rule will do that all share.
    return event.received, msgspec.json.encode(event)


def fold(events: Iterable[Event], catalogue: Catalogue) -> dict[str, SessionState]:
    """Give the state of each session in `events`, which may come in any order and repeat."""
    sessions: dict[str, list[Event]] = {}
    for event in distinct(events).values():
        sessions.setdefault(event.session_id, []).append(event)
    return {session_id: state_of(mine, catalogue) for session_id, mine in sessions.items()}


def state_of(events: Sequence[Event], catalogue: Catalogue) -> SessionState:
    """Give the state of a session of which only `events` are known: distinct, at least one."""
    # In order of time the newest comes last, and simply replaces what was there before it.
    ordered = sorted(events, key=_stamp)
    first, last = ordered[0], ordered[-1]
    state = SessionState(
        session_id=first.session_id,
        first=_stamp(first),
        last=(*_stamp(last), last.name),
        end=max([event.at + event.duration for event in ordered]),
        idle=max([min(event.at, event.received) for event in ordered]),
        first_received=min([event.received for event in ordered]),
        arrived=max([event.received for event in ordered]),
        size=sum([event.size for event in ordered]),
        events=len(ordered),
        impacts={},
    )
    for event in ordered:
        state.impacts[event.impact] = state.impacts.get(event.impact, 0) + 1
        for name in _KEPT:
            if (value := getattr(event, name)) is not None:
                state.kept[name] = (event.at, event.event_id, value)
        if event.source == "FE" and _SCREEN in event.metadata:
            path = _screen(event.metadata).path
            if isinstance(path, str):
                state.kept["screen"] = (event.at, event.event_id, path[:MAX_SCREEN])
        rank = catalogue.rank(event.stage)
        if rank is not None and event.stage is not None:
            _extend_stage(state.stages, event.stage, rank, event.at, event.at + event.duration)
            if event.impact == "COMPLETED":
                state.cleared[event.stage] = event.at
        spec = catalogue.events.get(event.name)
        if spec is not None and spec.role is not None:
            _play_role(state, event, spec)
        failed = event.result == "FAIL"
        if (failed or event.impact in IN_THE_WAY) and (spec is None or spec.decision is None):
            hurdle = Hurdle(event.at, event.event_id, event.impact, failed, event.error_code)
            state.hurdles[event.name] = hurdle
    state.marks = marks_of(
        state.impacts,
        failed=any(event.result == "FAIL" for event in ordered),
        corrected=any(is_corrected(event) for event in ordered),
    )
    if len(state.hurdles) > MAX_HURDLES:
        state.hurdles = _newest_hurdles(state.hurdles, {})
    return state


def _stamp(event: Event) -> Stamp:
    return event.at, event.event_id


def _play_role(state: SessionState, event: Event, spec: EventSpec) -> None:
    stamp = _stamp(event)
    if spec.role is Role.CREATE:
        # The one field of which the earliest counts.
        state.created = state.created or (*stamp, event.retention_days)
    elif spec.role is Role.COMPLETE:
        state.completed = True
    elif spec.role is Role.ERROR:
        state.error = stamp
    elif spec.role is Role.RESUME:
        state.resumed = stamp
    elif spec.decision is not None and event.source == Source.BE.value:
        # Plain text, for the state is stored; and a reason belongs to REJECTED and PENDING alone.
        reason = None if spec.decision is Decision.APPROVED else event.reason
        state.decided = (*stamp, spec.decision.value, reason)


def merge(a: SessionState, b: SessionState) -> SessionState:
    """Join the states of two disjoint sets of events of one session."""
    return SessionState(
        session_id=a.session_id,
        first=min(a.first, b.first),
        last=max(a.last, b.last),
        end=max(a.end, b.end),
        idle=max(a.idle, b.idle),
        first_received=min(a.first_received, b.first_received),
        arrived=max(a.arrived, b.arrived),
        events=a.events + b.events,
        impacts=_sum(a.impacts, b.impacts),
        created=_known(min, a.created, b.created),
        kept=_newest_of_each(a.kept, b.kept),
        stages=_spans(a.stages, b.stages),
        cleared=_latest(a.cleared, b.cleared),
        hurdles=_newest_hurdles(a.hurdles, b.hurdles),
        marks=a.marks | b.marks,
        size=a.size + b.size,
        decided=_known(max, a.decided, b.decided),
        completed=a.completed or b.completed,
        error=_known(max, a.error, b.error),
        resumed=_known(max, a.resumed, b.resumed),
    )


def rank_anew(state: SessionState, catalogue: Catalogue) -> SessionState:
    """Give a state that was stored, its stages in the order that they have now.

    Between two starts the user's catalogue may put a stage between two others, and states of both
    times are merged. A stage without a place any more comes before all others: what hangs under it
    has left already, so it must still be told.
    """
    for stage, (rank, start, end) in state.stages.items():
        now = catalogue.rank(stage)
        if rank != now:
            state.stages[stage] = (OUT_OF_ORDER if now is None else now, start, end)
    return state


def _newest_hurdles(a: dict[str, Hurdle], b: dict[str, Hurdle]) -> dict[str, Hurdle]:
    """Keep the newest of each name, of the names that have the newest.

    What a part leaves out has as many newer names beside it in the whole, too: so it is left out
    there as well, and the order of merging does not matter.
    """
    if not a or not b:
        newest = a or b
    else:
        newest = {name: max(h for h in (a.get(name), b.get(name)) if h) for name in {**a, **b}}
    if len(newest) <= MAX_HURDLES:
        return newest
    names = sorted(newest, key=lambda name: (newest[name], name), reverse=True)
    return {name: newest[name] for name in names[:MAX_HURDLES]}


def _known(choose: Callable[[_T, _T], _T], a: _T | None, b: _T | None) -> _T | None:
    if a is None or b is None:
        return a if b is None else b
    return choose(a, b)


def _sum(a: dict[str, int], b: dict[str, int]) -> dict[str, int]:
    total = dict(a)
    for impact, count in b.items():
        total[impact] = total.get(impact, 0) + count
    return total


def _latest(a: dict[str, int], b: dict[str, int]) -> dict[str, int]:
    if not a or not b:
        return a or b
    return {stage: max(a.get(stage, 0), b.get(stage, 0)) for stage in {**a, **b}}


def _spans(
    a: dict[str, tuple[int, int, int]], b: dict[str, tuple[int, int, int]]
) -> dict[str, tuple[int, int, int]]:
    spans = dict(a)
    for stage, (rank, start, end) in b.items():
        _extend_stage(spans, stage, rank, start, end)
    return spans


def _extend_stage(
    spans: dict[str, tuple[int, int, int]], stage: str, rank: int, start: int, end: int
) -> None:
    _, known_start, known_end = spans.get(stage, (rank, start, end))
    spans[stage] = (rank, min(start, known_start), max(end, known_end))


def _newest_of_each(a: dict[str, StampedText], b: dict[str, StampedText]) -> dict[str, StampedText]:
    newest = dict(a)
    for name, stamped in b.items():
        if name not in newest or stamped > newest[name]:
            newest[name] = stamped
    return newest
