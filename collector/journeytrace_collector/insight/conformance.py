"""Does a session keep the rules? A verdict for each rule, over state, events and time (DESIGN 15).

A rule says which sessions it speaks of (`when`), and one thing that it demands of them. Most
verdicts follow from the state alone. Where one does not, it is open until the events are read, and
the two never differ: what is told without events is told with them, too.

Nothing here depends on the order in which events come in, or on how often they do: an event is
looked for by what it is, and "first" means the least (time, event id).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

import msgspec

from journeytrace.conventions import ACTOR_ID, Source, Status
from journeytrace_collector.core.marks import FAILED
from journeytrace_collector.core.model import Event
from journeytrace_collector.core.screening import CLEARED, CONFIRMED, ENDED, open_hits
from journeytrace_collector.core.sessionize import SessionState, Stamp

__all__ = [
    "NO_DECISION",
    "NO_RULES",
    "Judged",
    "Like",
    "Pair",
    "Rule",
    "Rules",
    "Some",
    "Within",
    "wanted",
]

NO_DECISION: Final = "NONE"
"""Among decisions: nothing is decided."""

_SCREENINGS: Final = frozenset((ENDED, CLEARED, CONFIRMED))


class _Said(msgspec.Struct):
    actor: Any = msgspec.field(name=ACTOR_ID, default=None)


_said: Final = msgspec.json.Decoder(_Said).decode


class Some(msgspec.Struct, frozen=True):
    """An event, by what it has to be. Empty or None anywhere: anything."""

    names: tuple[str, ...] = ()
    """One of these."""
    source: str | None = None
    result: str | None = None
    impact: str | None = None
    by_decider: bool = False
    """Done by the person whose verdict holds."""

    def cannot_be(self, state: SessionState) -> bool:
        """Whether the state alone tells that there is no such event."""
        operations = state.operations
        if self.by_decider and state.verdict is None:
            return True
        if self.source == Source.OP and operations is None:
            return True
        # What people do is in no such count.
        if operations is not None:
            return False
        if self.impact is not None and not state.impacts.get(self.impact):
            return True
        return self.result == "FAIL" and not state.marks & FAILED

    def is_like(self, event: Event, decider: str | None) -> bool:
        """Whether this is such an event; `decider`: the person whose verdict holds."""
        return (
            (not self.names or event.name in self.names)
            and self.source in {None, event.source}
            and self.result in {None, event.result}
            and self.impact in {None, event.impact}
            and (not self.by_decider or (decider is not None and _actor(event) == decider))
        )


class Like(msgspec.Struct, frozen=True):
    """What a session has to be. Empty or None anywhere: anything; the rest holds all together."""

    projects: tuple[str, ...] = ()
    decisions: tuple[str, ...] = ()
    """One of these holds; `NO_DECISION`: none does."""
    by_person: bool | None = None
    """Whether a person decided; False: it was decided, and automatically."""
    statuses: tuple[str, ...] = ()
    open_hits: bool | None = None
    """Whether a screening has hits that nobody has cleared."""
    event: Some | None = None
    """There is one such event."""


class Pair(msgspec.Struct, frozen=True):
    """Of two events the one comes first: where there is a `then`, a `first` came before it."""

    first: Some
    then: Some


class Within(msgspec.Struct, frozen=True):
    """One event follows another in time: after the first `since` there is an `until`."""

    since: Some
    until: Some
    limit: int
    """ns"""


class Rule(msgspec.Struct, frozen=True):
    """One rule. Exactly one of the last four is what it demands."""

    name: str
    meaning: str
    """What it means that a session violates it, in one sentence."""
    when: Like = Like()
    """The sessions that it speaks of."""
    requires: Like | None = None
    forbids: Like | None = None
    before: Pair | None = None
    within: Within | None = None
    own: bool = False
    """Whether a user's file has it, or a part of it."""

    @property
    def kind(self) -> str:
        """What it demands: ``requires``, ``forbids``, ``before`` or ``within``."""
        kinds = ("requires", "forbids", "before", "within")
        return next(kind for kind in kinds if getattr(self, kind) is not None)

    @property
    def reads(self) -> tuple[Some, ...]:
        """The events that it looks for."""
        likes = [like for like in (self.when, self.requires, self.forbids) if like is not None]
        found = [like.event for like in likes]
        if self.before is not None:
            found += [self.before.first, self.before.then]
        if self.within is not None:
            found += [self.within.since, self.within.until]
        if any(like.open_hits is not None for like in likes):
            found.append(Some(tuple(sorted(_SCREENINGS)), source=Source.OP.value))
        return tuple(one for one in found if one is not None)

    def violated(self, session: _Session) -> bool | None:
        """Tell whether a session violates it; None: its events have to be read."""
        when = session.is_like(self.when)
        if when is False:
            return False
        broken = self._broken(session)
        # Whether it speaks of the session does not matter where the session keeps it.
        return False if broken is False else (broken if when else None)

    def _broken(self, session: _Session) -> bool | None:
        if self.requires is not None:
            kept = session.is_like(self.requires)
            return None if kept is None else not kept
        if self.forbids is not None:
            return session.is_like(self.forbids)
        if self.before is not None:
            return session.is_out_of_order(self.before)
        if self.within is not None:
            return session.is_late(self.within)
        return False


class Judged(msgspec.Struct, frozen=True):
    """What became of the rules for one session."""

    violated: tuple[str, ...]
    """The names of those that it violates, in the order of the rules."""
    open: tuple[Rule, ...] = ()
    """Those that cannot be told without its events."""


class Rules:
    """All rules that are in force."""

    def __init__(self, rules: Iterable[Rule] = ()) -> None:
        self._rules = tuple(rules)
        self.names = tuple(rule.name for rule in self._rules)
        reads = [some for rule in self._rules for some in rule.reads]
        self._read = frozenset(name for some in reads for name in some.names)
        own = {None, Source.OP.value}
        self._reads_all = any(not some.names and some.source in own for some in reads)

    def __iter__(self) -> Iterator[Rule]:
        return iter(self._rules)

    def __len__(self) -> int:
        return len(self._rules)

    def ask_for(self, events: Iterable[Event]) -> bool:
        """Whether a rule looks for one of these events, all of them passive."""
        return self._reads_all or any(event.name in self._read for event in events)

    def judge(
        self,
        state: SessionState,
        status: Status,
        now: int,
        events: Sequence[Event] | None = None,
    ) -> Judged:
        """Judge a session that has come to `status`, at `now` in ns.

        `events` are all of it, or at least all that `wanted` names, in any order; None: they have
        not been read.
        """
        session = _Session(state, status, now, events)
        violated, unknown = [], []
        for rule in self._rules:
            broken = rule.violated(session)
            if broken:
                violated.append(rule.name)
            elif broken is None:
                unknown.append(rule)
        return Judged(tuple(violated), tuple(unknown))


NO_RULES: Final = Rules()


def wanted(rules: Iterable[Rule]) -> tuple[str, ...]:
    """Give the names of the events that rules look for, sorted; none: events of any name."""
    reads = [some for rule in rules for some in rule.reads]
    if not all(some.names for some in reads):
        return ()
    return tuple(sorted({name for some in reads for name in some.names}))


class _Session:
    """One session as rules look at it."""

    def __init__(
        self, state: SessionState, status: Status, now: int, events: Sequence[Event] | None
    ) -> None:
        self._state = state
        self._status = status.value
        self._now = now
        self._events = events
        decided, verdict = state.decision, state.verdict
        self._decision = decided[2] if decided else NO_DECISION
        self._by_person = None if decided is None else verdict is not None
        self._decider = verdict.person if verdict else None

    def is_like(self, like: Like) -> bool | None:
        """Whether it is what `like` says; None: its events have to be read."""
        if (
            (like.decisions and self._decision not in like.decisions)
            or (like.by_person is not None and like.by_person is not self._by_person)
            or (like.statuses and self._status not in like.statuses)
            or (like.projects and (self._state.project or "") not in like.projects)
        ):
            return False
        parts = (self._has_hits(like.open_hits), self._has(like.event))
        if False in parts:
            return False
        return None if None in parts else True

    def _has_hits(self, wanted: bool | None) -> bool | None:
        if wanted is None:
            return True
        operations = self._state.operations
        if operations is None or operations.screened is None:
            return not wanted
        if self._events is None:
            return None
        return (open_hits(self._events) > 0) is wanted

    def _has(self, some: Some | None) -> bool | None:
        if some is None:
            return True
        if some.cannot_be(self._state):
            return False
        if self._events is None:
            return None
        return any(some.is_like(event, self._decider) for event in self._events)

    def is_out_of_order(self, pair: Pair) -> bool | None:
        if pair.then.cannot_be(self._state):
            return False
        if self._events is None:
            return None
        then = self._first(pair.then)
        if then is None:
            return False
        first = self._first(pair.first)
        return first is None or first > then

    def is_late(self, within: Within) -> bool | None:
        if within.since.cannot_be(self._state):
            return False
        if self._events is None:
            return None
        since = self._first(within.since)
        if since is None:
            return False
        end = since[0] + within.limit
        decider = self._decider
        came = any(
            since <= (event.at, event.event_id) and event.at <= end
            for event in self._events
            if within.until.is_like(event, decider)
        )
        return not came and self._now > end

    def _first(self, some: Some) -> Stamp | None:
        stamps = [(e.at, e.event_id) for e in self._events or () if some.is_like(e, self._decider)]
        return min(stamps, default=None)


def _actor(event: Event) -> str | None:
    if event.source != Source.OP:
        return None
    actor = _said(event.metadata).actor
    return actor if isinstance(actor, str) else None
