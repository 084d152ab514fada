"""Events → session state: a pure fold whose order does not matter (DESIGN section 5).

`distinct` makes duplicates harmless, `state_of` gives the state of some events, `merge` joins those
of two disjoint sets of events. Every field of the state is a minimum, a maximum, a sum or a union,
so that `merge` is commutative and associative: any order and any split give the same state.
What keeps the sets disjoint is the event id, here through `distinct`, in a store by a unique key.

Passive events are folded apart (`operations`). Of a session that has no others, every field has the
value that changes nothing when it is merged: it has not begun.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from copy import copy
from typing import Any, Final, TypeAlias

import msgspec

from journeytrace.catalogue import Catalogue, EventSpec, Role
from journeytrace.conventions import Decision, Source
from journeytrace_collector.core.marks import IN_THE_WAY, is_corrected, marks_of
from journeytrace_collector.core.model import Event
from journeytrace_collector.core.operations import (
    Operations,
    Verdict,
    chosen,
    is_passive,
    join,
    operations_of,
)

__all__ = [
    "MAX_HURDLES",
    "NEVER",
    "Decided",
    "Hurdle",
    "SessionState",
    "Stamp",
    "distinct",
    "extended",
    "fold",
    "merge",
    "rank_anew",
    "refolded",
    "state_of",
]

Stamp: TypeAlias = tuple[int, bytes]
"""(time in ns, event id): the order in which "newest" and "earliest" are meant."""

StampedText: TypeAlias = tuple[int, bytes, str]

Decided: TypeAlias = tuple[int, bytes, str, str | None]
"""(time in ns, event id, decision, its reason)"""

NEVER: Final = 2**63 - 1
"""When a session was created that has not begun, in ns: the last moment that a store can hold."""

_KEPT = ("project_id", "submission_id", "flow_id", "user_id", "email", "error_code")


class Hurdle(msgspec.Struct, frozen=True, array_like=True, order=True, gc=False):
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


class SessionState(msgspec.Struct, omit_defaults=True, gc=False):
    """What is remembered of a set of events of one session.

    All but `operations` is of events that are not passive.
    """

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
    decided: Decided | None = None
    """The newest automatic decision; None: there is none yet."""
    completed: bool = False
    error: Stamp | None = None
    """The newest event that left the normal flow."""
    resumed: Stamp | None = None
    """The newest event that came back to it."""
    failed: tuple[int, int] | None = None
    """(newest time, newest arrival) in ns of the server's checks that failed; None: none did."""
    operations: Operations | None = None
    """What people did; None: nothing."""

    @property
    def begun(self) -> bool:
        """Whether there is an event that is not passive: without one there is no journey yet."""
        return self.events > 0

    @property
    def weight(self) -> tuple[int, int]:
        """How many events services have sent, and how many bytes of metadata."""
        if self.operations is None:
            return self.events, self.size
        return self.events + self.operations.told, self.size + self.operations.told_size

    @property
    def created_at(self) -> int:
        """The time in ns of the earliest SESSION_CREATED, else of the earliest event.

        `NEVER` if the session has not begun.
        """
        return (self.created or self.first)[0]

    @property
    def decision(self) -> Decided | None:
        """What holds: the newest verdict of a person, else the newest automatic decision."""
        verdict = self.verdict
        if verdict is None:
            return self.decided
        return verdict.at, verdict.event_id, verdict.decision, verdict.reason

    @property
    def verdict(self) -> Verdict | None:
        """The newest verdict of a person; None: nobody has decided."""
        return self.operations.verdict if self.operations else None

    @property
    def open_proposal(self) -> Verdict | None:
        """What somebody proposed and waits for a second person; None: nothing does."""
        return self.operations.open_proposal if self.operations else None

    @property
    def project(self) -> str | None:
        """Whose the session is; of one that has not begun, by what people did. None: nobody's."""
        named = self.kept.get("project_id")
        if named is None and self.operations is not None and not self.begun:
            named = self.operations.project
        return named[2] if named else None


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
    return extended(_not_begun(events[0].session_id), events, catalogue)


def extended(state: SessionState, events: Iterable[Event], catalogue: Catalogue) -> SessionState:
    """Give the state that `events` make of `state`, which stays as it is.

    None of them may be part of it already. It is `merge` with the state of the events alone, which
    need not be made: a session is touched by few events at a time.
    """
    after = copy(state)
    if passive := [event for event in events if is_passive(event)]:
        after.operations = join(state.operations, operations_of(passive, catalogue))
        events = [event for event in events if not is_passive(event)]
        if not events:
            return after
    # What no event changes stays the same object: whoever compares the two is quick.
    after.impacts, after.kept = {**state.impacts}, {**state.kept}
    for event in events:
        _extend(after, event, catalogue, state)
    if len(after.hurdles) > MAX_HURDLES:
        after.hurdles = _newest_hurdles(after.hurdles, {})
    return after


def _extend(state: SessionState, event: Event, catalogue: Catalogue, before: SessionState) -> None:
    """Let a state know one event more: what every event costs. It shares parts with `before`."""
    at, event_id = event.at, event.event_id
    _extend_times(state, event)
    state.size += event.size
    state.events += 1
    impacts, impact = state.impacts, event.impact
    impacts[impact] = impacts.get(impact, 0) + 1
    for name in _KEPT:
        if (value := getattr(event, name)) is not None:
            _keep(state.kept, name, (at, event_id, value))
    if event.source == "FE" and _SCREEN in event.metadata:
        path = _screen(event.metadata).path
        if isinstance(path, str):
            _keep(state.kept, "screen", (at, event_id, path[:MAX_SCREEN]))
    if event.stage is not None and (rank := catalogue.rank(event.stage)) is not None:
        _enter(state, event, event.stage, rank, before)
    spec = catalogue.events.get(event.name)
    if spec is not None and spec.role is not None:
        _play_role(state, event, spec)
    failed = event.result == "FAIL"
    marks = marks_of(impact, failed=failed, corrected=is_corrected(event))
    if marks:
        state.marks |= marks
    if (failed or impact in IN_THE_WAY) and (spec is None or spec.decision is None):
        if failed and event.source == "BE":
            state.failed = _both((at, event.received), state.failed)
        hurdle = Hurdle(at, event_id, impact, failed, event.error_code)
        if state.hurdles is before.hurdles:
            state.hurdles = {**before.hurdles}
        known = state.hurdles.get(event.name)
        state.hurdles[event.name] = hurdle if known is None else max(hurdle, known)


def _enter(state: SessionState, event: Event, stage: str, rank: int, before: SessionState) -> None:
    if state.stages is before.stages:
        state.stages = {**before.stages}
    _extend_stage(state.stages, stage, rank, event.at, event.at + event.duration)
    if event.impact == "COMPLETED":
        if state.cleared is before.cleared:
            state.cleared = {**before.cleared}
        state.cleared[stage] = max(event.at, state.cleared.get(stage, 0))


def _extend_times(state: SessionState, event: Event) -> None:
    at, event_id, received = event.at, event.event_id, event.received
    stamp, ended, alive = (at, event_id), at + event.duration, min(received, at)
    if stamp < state.first:
        state.first = stamp
    if stamp > state.last[:2]:
        state.last = (at, event_id, event.name)
    if ended > state.end:
        state.end = ended
    if alive > state.idle:
        state.idle = alive
    if received < state.first_received:
        state.first_received = received
    if received > state.arrived:
        state.arrived = received


def _keep(kept: dict[str, StampedText], name: str, value: StampedText) -> None:
    known = kept.get(name)
    if known is None or value > known:
        kept[name] = value


def _not_begun(session_id: str) -> SessionState:
    """Give the state that leaves every other as it is when it is merged with it."""
    return SessionState(
        session_id=session_id,
        first=(NEVER, b""),
        last=(0, b"", ""),
        end=0,
        idle=0,
        first_received=NEVER,
        arrived=0,
        events=0,
        impacts={},
    )


def _both(a: tuple[int, int], b: tuple[int, int] | None) -> tuple[int, int]:
    """Give the greater of each."""
    return (max(a[0], b[0]), max(a[1], b[1])) if b else a


def _play_role(state: SessionState, event: Event, spec: EventSpec) -> None:
    stamp = event.at, event.event_id
    if spec.role is Role.CREATE:
        # The one field of which the earliest counts.
        state.created = chosen(min, state.created, (*stamp, event.retention_days))
    elif spec.role is Role.COMPLETE:
        state.completed = True
    elif spec.role is Role.ERROR:
        state.error = chosen(max, state.error, stamp)
    elif spec.role is Role.RESUME:
        state.resumed = chosen(max, state.resumed, stamp)
    elif spec.decision is not None and event.source == Source.BE.value:
        # Plain text, for the state is stored; and a reason belongs to REJECTED and PENDING alone.
        reason = None if spec.decision is Decision.APPROVED else event.reason
        state.decided = chosen(max, state.decided, (*stamp, spec.decision.value, reason))


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
        created=chosen(min, a.created, b.created),
        kept=_newest_of_each(a.kept, b.kept),
        stages=_spans(a.stages, b.stages),
        cleared=_latest(a.cleared, b.cleared),
        hurdles=_newest_hurdles(a.hurdles, b.hurdles),
        marks=a.marks | b.marks,
        size=a.size + b.size,
        decided=chosen(max, a.decided, b.decided),
        completed=a.completed or b.completed,
        error=chosen(max, a.error, b.error),
        resumed=chosen(max, a.resumed, b.resumed),
        failed=chosen(_both, a.failed, b.failed),
        operations=join(a.operations, b.operations),
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


def refolded(known: SessionState, events: Sequence[Event], catalogue: Catalogue) -> SessionState:
    """Give the state of all `events` of a session of which `known` has been stored.

    It also keeps the stages of that which have no place any more: see `rank_anew`.
    """
    state = state_of(events, catalogue)
    for stage, seen in rank_anew(known, catalogue).stages.items():
        state.stages.setdefault(stage, seen)
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
    known = spans.get(stage)
    if known is not None:
        _, known_start, known_end = known
        start, end = min(start, known_start), max(end, known_end)
    spans[stage] = (rank, start, end)


def _newest_of_each(a: dict[str, StampedText], b: dict[str, StampedText]) -> dict[str, StampedText]:
    newest = dict(a)
    for name, stamped in b.items():
        if name not in newest or stamped > newest[name]:
            newest[name] = stamped
    return newest
