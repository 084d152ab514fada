"""What a transaction makes of its sessions: the rules that every store shares.

A store says how its rows are held, read and written (`Tables`). What is decided about them, and
what is told to those who follow, is decided here and nowhere else.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Final, NamedTuple, Protocol

import msgspec
from msgspec.structs import replace

from journeytrace.catalogue import Catalogue
from journeytrace.conventions import Status
from journeytrace_collector.core import derive
from journeytrace_collector.core.change import Change, SessionChange, Settlement
from journeytrace_collector.core.derive import Pending
from journeytrace_collector.core.forgetting import digest, drop_spans
from journeytrace_collector.core.model import Event
from journeytrace_collector.core.operations import PASSIVE
from journeytrace_collector.core.retention import NO_PERIODS, Retention
from journeytrace_collector.core.review import Guard
from journeytrace_collector.core.review import check as check_guard
from journeytrace_collector.core.rights import Rights
from journeytrace_collector.core.sessionize import (
    SessionState,
    extended,
    rank_anew,
    refolded,
    state_of,
)
from journeytrace_collector.core.waiting import hold_back
from journeytrace_collector.insight.conformance import NO_RULES
from journeytrace_collector.store.base import Carried, Known, SessionLimits, Written
from journeytrace_collector.store.checking import Resting, check
from journeytrace_collector.store.tasks import changed_rows

__all__ = [
    "CHANGING",
    "EVENT_FIELDS",
    "MOVING",
    "SEEN",
    "Due",
    "Row",
    "Saved",
    "Settled",
    "Tables",
    "Writing",
    "changing_values",
    "moving_values",
]

EVENT_FIELDS: Final = Event.__struct_fields__[1:]
"""Columns of an event beside the number of its session."""

SEEN: Final = ", ".join(EVENT_FIELDS).replace(
    "metadata", f"CASE WHEN source = '{PASSIVE}' THEN metadata ELSE '{{}}' END"
)
"""The same, without the metadata of what no person did."""

MOVING: Final = ("state", "last_event", "idle_at", "arrived_at", "pending", "marks")
"""Columns of a session that nearly every event moves."""

CHANGING: Final = (
    "user_id",
    "email",
    "submission_id",
    "project_id",
    "created_at",
    "expires_at",
    "phase",
    "stage",
    "decision",
    "reason",
    "last_error_code",
    "told",
)
"""Columns of a session that change a few times in its life."""

_encode = msgspec.json.Encoder().encode
_decode_state = msgspec.json.Decoder(SessionState).decode
_decode_stages = msgspec.json.Decoder(list[str]).decode


class Row(NamedTuple):
    """A session's row, held by the open transaction."""

    no: int
    """The store's number of the session; of a new one, the number that it will have."""
    session_id: str
    before: SessionState | None = None
    """None: the session is new."""
    told: Status | None = None
    """None: nothing was told yet, for it is new or has not begun."""
    pending: Pending | None = None
    """What it waits for to settle; None: nothing, or it is new."""


class Due(NamedTuple):
    """The row of a session that is due, held by the open transaction."""

    no: int
    state: str
    told: str
    settled_at: int | None
    settled_status: str | None
    revision: int
    stages_told: str | None
    pending: str
    violates: str | None


class Settled(NamedTuple):
    """What settling makes of a row."""

    settled_at: int
    settled_status: str
    revision: int
    told: str
    stages_told: str
    violates: str | None
    no: int


class Saved(NamedTuple):
    """What is to be written of a session."""

    no: int
    change: SessionChange
    pending: Pending | None
    """As in `Row`, from now on."""


class Tables(Protocol):
    """What a store's open transaction can do with its rows."""

    def take(self, events: Mapping[str, Sequence[Event]]) -> list[Row]:
        """Hold the rows of these sessions, and give them in their order.

        `events` is what is about to be inserted, for a store that looks for all of it at once.
        """

    def stored(self, no: int) -> list[Event]:
        """Give the events of a session that is held, in their order."""

    def has(self, no: int, event: Event) -> bool:
        """Whether a session that is held has this event already."""

    def insert(self, events: Sequence[tuple[int, Sequence[Event]]]) -> list[list[Event]]:
        """Insert what is new of the events of each session, and give it."""

    def save(self, saved: Sequence[Saved]) -> None:
        """Write the columns of sessions that changed."""

    def save_tasks(self, tasks: Mapping[int, Sequence[tuple[object, ...]]]) -> None:
        """Have these open tasks, by the number of their session, and no others of it."""

    def seen(self, wanted: Mapping[int, tuple[str, ...]]) -> dict[int, list[Event]]:
        """Give the events of sessions that are held by the names that rules look for, in any order;
        no names: all of them. Of what no person did, all but the metadata.
        """

    def note_violations(self, found: Mapping[int, Sequence[str]]) -> dict[int, list[str]]:
        """Remember that sessions violate rules, and give what was not known of them."""

    def save_violates(self, violates: Mapping[int, str | None]) -> None:
        """Write the column ``violates``."""

    def forgotten(self, digests: Sequence[bytes]) -> set[bytes]:
        """Give those of the digests that are kept."""


class Writing:
    """Turns events, or time, into changes of sessions."""

    def __init__(
        self, catalogue: Catalogue, idle_timeout: int, limits: SessionLimits | None = None
    ) -> None:
        """Decide by `catalogue`; `idle_timeout` in ns."""
        self._catalogue = catalogue
        self._idle_timeout = idle_timeout
        self._limits = limits or SessionLimits()
        self.retention = NO_PERIODS
        """How long sessions are kept; the store sets it."""
        self.salt = b""
        """Of the digests of sessions that were erased; the store sets it."""
        self.rules = NO_RULES
        """What is checked of a session when it comes to rest; the store sets it."""

    def state(self, text: str) -> SessionState:
        """Read the column ``state``."""
        return rank_anew(_decode_state(text), self._catalogue)

    def refolded(self, text: str, events: Sequence[Event]) -> SessionState:
        """Fold a session anew from all of its events; `text`: the column ``state``."""
        return refolded(_decode_state(text), events, self._catalogue)

    def row(self, no: int, session_id: str, state: str, told: str, pending: str | None) -> Row:
        """Read a session's columns."""
        before = self.state(state)
        return Row(
            no,
            session_id,
            before,
            Status(told) if before.begun else None,
            Pending(pending) if pending else None,
        )

    def known(
        self, state: str, settled_at: int | None, revision: int, violates: str | None
    ) -> Known:
        """Read a session's columns of these names."""
        rules = tuple(violates.split()) if violates else ()
        return Known(self.state(state), settled_at, revision, self.retention, rules)

    def write(
        self, tables: Tables, events: Sequence[Event], carried: Carried
    ) -> tuple[Change, Written]:
        """Bring the sessions of `events` up to date."""
        by_session: dict[str, list[Event]] = {}
        for event in events:
            by_session.setdefault(event.session_id, []).append(event)
        # Events of a log arrived when it took them, and are written now.
        at = max((event.received for event in events), default=carried.at)
        at = max(at, carried.at)
        change = Change(at, traces=carried.traces, logged=carried.logged, retention=self.retention)
        refused: list[Event] = []
        rows = tables.take(by_session)
        if carried.guard is not None:
            self._check(tables, rows[0], carried.guard, by_session, change)
        forgotten = 0
        if gone := self._forgotten(tables, rows):
            rows = [row for row in rows if row.session_id not in gone]
            forgotten = sum(len(by_session[session_id]) for session_id in gone)
            change.logged = [event for event in change.logged if event.session_id not in gone]
            drop_spans(carried.traces, gone)
        foreign = _foreign(rows, events, carried.rights) if carried.rights else []
        for event in foreign:
            by_session[event.session_id].remove(event)
        wanted = [
            (row.no, self._within_limits(tables, row, by_session[row.session_id], refused))
            for row in rows
        ]
        saved = [
            self._saved(row, fresh)
            for row, fresh in zip(rows, tables.insert(wanted), strict=True)
            if fresh
        ]
        tables.save(saved)
        saved = self._checked_again(tables, rows, saved, at)
        states = ((one.no, one.change.before, one.change.after) for one in saved)
        changed = {no: changed_rows(no, before, after) for no, before, after in states}
        if tasks := {no: rows for no, rows in changed.items() if rows is not None}:
            tables.save_tasks(tasks)
        change.sessions = [one.change for one in saved]
        self._let_wait(tables, rows, saved, change)
        if carried.parcels:
            fresh = {event.event_id for one in saved for event in one.change.fresh}
            change.parcels = [parcel for event_id, parcel in carried.parcels if event_id in fresh]
        new = sum(len(session.fresh) for session in change.sessions)
        duplicate = len(events) - new - len(refused) - len(foreign) - forgotten
        change.records = {
            "new": new,
            "duplicate": duplicate,
            "refused": len(refused) + len(foreign),
            "forgotten": forgotten,
            "rejected": carried.rejected,
            "ignored": carried.ignored,
        }
        return change, Written(new, duplicate, tuple(refused), tuple(foreign), forgotten)

    def _check(
        self,
        tables: Tables,
        row: Row,
        guard: Guard,
        by_session: dict[str, list[Event]],
        change: Change,
    ) -> None:
        """Check the one event that is written, unless it was stored before."""
        ((session_id, (event,)),) = by_session.items()
        if not tables.has(row.no, event):
            stored = partial(tables.stored, row.no)
            checked = check_guard(guard, event, row.before, stored, self._catalogue)
            by_session[session_id] = [checked]
            change.logged = [checked for _ in change.logged]

    def _forgotten(self, tables: Tables, rows: Sequence[Row]) -> set[str]:
        """Give those of the sessions that were erased: only one that is new can be."""
        new = [row.session_id for row in rows if row.before is None]
        digests = {digest(self.salt, session_id): session_id for session_id in new}
        return {digests[found] for found in tables.forgotten(list(digests))} if new else set()

    def _saved(self, row: Row, fresh: list[Event]) -> Saved:
        before = row.before
        if before is None:
            after = state_of(fresh, self._catalogue)
        else:
            after = extended(before, fresh, self._catalogue)
        if after.events > (before.events if before else 0):
            # As it was when they arrived, however late they are read.
            status = derive.tellable(after, after.arrived, self._idle_timeout, row.told)
            pending: Pending | None = derive.pending(after)
        else:
            status, pending = row.told or Status.IN_PROGRESS, row.pending
            # One that has settled does so again, and one that has not begun never does.
            if before and before.begun and pending is None and before.verdict != after.verdict:
                pending = Pending.VERDICT
        return Saved(row.no, SessionChange(before, after, fresh, row.told, status), pending)

    def _checked_again(
        self, tables: Tables, rows: Sequence[Row], saved: list[Saved], at: int
    ) -> list[Saved]:
        """Check sessions at rest of which people have just done something that a rule asks for.

        All others are checked when they settle.
        """
        told = {row.no: row.told for row in rows}
        resting = [
            Resting(one.no, one.change.after, status)
            for one in saved
            if one.pending is None
            and (status := told[one.no]) is not None
            and self.rules.ask_for(one.change.fresh)
        ]
        if not resting:
            return saved
        marks, new = check(tables, self.rules, resting, at)
        tables.save_violates(marks)
        return [
            one._replace(change=replace(one.change, violated=new[one.no])) if one.no in new else one
            for one in saved
        ]

    def _let_wait(
        self, tables: Tables, rows: Sequence[Row], saved: Sequence[Saved], change: Change
    ) -> None:
        """Hold back what people did with sessions that have not begun; let go what waited.

        Its span would hang under a root that may never come. Once there is one to come, the event
        leaves as those do that came as log records.
        """
        after = {one.no: one.change.after for one in saved}
        states = ((row.session_id, after.get(row.no, row.before)) for row in rows)
        if waiting := {session_id for session_id, state in states if state and not state.begun}:
            hold_back(change.traces, waiting)
            change.logged = [one for one in change.logged if one.session_id not in waiting]
        for no, session, _ in saved:
            if session.before and not session.before.begun and session.after.begun:
                fresh = {event.event_id for event in session.fresh}
                waited = [one for one in tables.stored(no) if one.event_id not in fresh]
                change.logged = [*waited, *change.logged]

    def _within_limits(
        self, tables: Tables, row: Row, events: list[Event], refused: list[Event]
    ) -> list[Event]:
        """Give the events for which there is room, and those that are known anyway."""
        before = row.before
        count, size = before.weight if before else (0, 0)
        most = size + sum([event.size for event in events])
        if count + len(events) <= self._limits.events and most <= self._limits.size:
            return events
        taken: list[Event] = []
        completed = before is not None and before.completed
        decided = before.decided if before else None
        # One answer for each id, or a sender of the same event twice would hear both.
        answers: dict[bytes, bool] = {}
        for event in events:
            if (welcome := answers.get(event.event_id)) is None:
                # What people do takes no room, so that nobody can keep them from deciding.
                welcome = event.source == PASSIVE or tables.has(row.no, event)
                if not welcome:
                    alone = state_of([event], self._catalogue)
                    # Only what ends the journey or says something new of its outcome: nobody can
                    # use the reserve up with what merely belongs to the same kind.
                    ends = alone.completed and not completed
                    decides = alone.decided is not None and (
                        decided is None
                        or (alone.decided > decided and alone.decided[2:] != decided[2:])
                    )
                    grown = size + event.size
                    welcome = self._limits.allow(count + 1, grown, reserved=ends or decides)
                    if welcome:
                        count, size = count + 1, grown
                        completed = completed or alone.completed
                        decided = alone.decided if decides else decided
                answers[event.event_id] = welcome
            (taken if welcome else refused).append(event)
        return taken

    def settle(
        self, tables: Tables, due: Sequence[Due], now: int, at: int | None = None
    ) -> tuple[Change, list[Settled]]:
        """Let sessions come to rest by what they are at `now` (ns), and check whether they keep the
        rules; `at`: see `Store.settle`.
        """
        done = now if at is None else at
        change = Change(done, retention=self.retention)
        settled = []
        resting = []
        for row in due:
            state = self.state(row.state)
            status = derive.status(state, now, self._idle_timeout)
            again = row.settled_at is not None
            before = Status(row.settled_status) if row.settled_status else None
            by_verdict = row.pending == Pending.VERDICT
            if by_verdict and before is not None:
                # A verdict moves the decision and nothing else.
                status = before
            told_before = frozenset(_decode_stages(row.stages_told or "[]"))
            settlement = Settlement(row.revision + again, before, status, told_before, by_verdict)
            first = done if row.settled_at is None else row.settled_at
            stages = _encode(sorted(told_before.union(state.stages))).decode()
            told = status.value
            settled.append(
                Settled(first, told, settlement.revision, told, stages, row.violates, row.no)
            )
            change.sessions.append(
                SessionChange(state, state, (), Status(row.told), status, settlement)
            )
            resting.append(Resting(row.no, state, status))
        if not self.rules:
            return change, settled
        marks, new = check(tables, self.rules, resting, now)
        settled = [one._replace(violates=marks[one.no]) for one in settled]
        for place, row in enumerate(due):
            if row.no in new:
                found = replace(change.sessions[place], violated=new[row.no])
                change.sessions[place] = found
        return change, settled


def _foreign(rows: Sequence[Row], events: Sequence[Event], rights: Sequence[Rights]) -> list[Event]:
    """Give the events whose sender may not speak for the project of their session.

    Only here, with the rows held, is it certain whose a session is.
    """
    projects = {row.session_id: row.before.project if row.before else None for row in rows}
    foreign = []
    for event, own in zip(events, rights, strict=True):
        if event.session_id not in projects:
            continue
        project = projects[event.session_id]
        if not own.speaks_for(project):
            foreign.append(event)
        elif project is None:
            projects[event.session_id] = event.project_id
    return foreign


def moving_values(state: SessionState, pending: Pending | None) -> tuple[object, ...]:
    """Give the values of `MOVING`."""
    text, waits_for = _encode(state).decode(), pending.value if pending else None
    return text, state.last[2], state.idle, state.arrived, waits_for, state.marks


def changing_values(
    state: SessionState, told: Status | None, retention: Retention
) -> tuple[object, ...]:
    """Give the values of `CHANGING`."""
    _, _, decision, reason = state.decision or (0, b"", None, None)
    return (
        derive.kept(state, "user_id"),
        derive.kept(state, "email"),
        derive.kept(state, "submission_id"),
        state.project,
        state.created_at,
        retention.expires_at(state),
        derive.phase(state).value,
        derive.highest_stage(state),
        decision,
        reason,
        derive.kept(state, "error_code"),
        told.value if told else None,
    )
