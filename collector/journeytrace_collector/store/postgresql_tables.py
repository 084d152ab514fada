"""The rows of the PostgreSQL store: a few statements for a whole batch.

Whoever writes to a session holds its row, so between `take` and the commit nobody else adds an
event to it: what is new is told by looking, and goes in by COPY. Rows are held in the order of
their ids. A session that is new here may be new elsewhere at the same moment, and then one of the
two is `Overtaken`. It lets go of everything and begins again: so none waits for another in a ring.

However many sessions there are, a transaction waits for the server as often: once for all that it
reads, twice for the COPY, once for all that it writes, which waits until `flush`, and once for the
commit.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, TypeAlias

import msgspec
from psycopg import Cursor

from journeytrace.conventions import Impact
from journeytrace.identity import support_code, trace_id
from journeytrace_collector.core.derive import QUIET
from journeytrace_collector.core.forgetting import digest, former_values
from journeytrace_collector.core.invitations import marks_of
from journeytrace_collector.core.model import Event
from journeytrace_collector.core.retention import Retention
from journeytrace_collector.core.sessionize import SessionState
from journeytrace_collector.core.sighting import Numbers
from journeytrace_collector.store import invitations, periods, sightings, tasks
from journeytrace_collector.store.idling import MINUTE
from journeytrace_collector.store.ledger import json_text
from journeytrace_collector.store.postgresql_arrays import array, arrays, unnest
from journeytrace_collector.store.postgresql_connections import Connection
from journeytrace_collector.store.postgresql_erasing import PostgresqlErasing
from journeytrace_collector.store.writing import (
    CHANGING,
    EVENT_FIELDS,
    MOVING,
    SEEN,
    Due,
    Row,
    Saved,
    Settled,
    Writing,
    changing_values,
    moving_values,
)

__all__ = ["Overtaken", "PostgresqlTables"]

_READ: Final = (
    "last_event_at",
    "decided_at",
    "decided_by",
    "automatic_decision",
    "events",
    "impacts",
    "retries",
    "retention_days",
)
"""Columns of a session that only views show."""

_INTEGERS: Final = {"marks", "events", "retries", "retention_days", "revision"}
_BIGINTS: Final = {"no", "at", "duration", "received"}
_EVENT_TYPES: Final = {"retention_days": "int4", "event_id": "bytea"} | dict.fromkeys(
    _BIGINTS, "int8"
)


def _type(column: str) -> str:
    if column in _INTEGERS:
        return "integer"
    return "bigint" if column in _BIGINTS or column.endswith("_at") else "text"


def _types(*columns: str) -> dict[str, str]:
    return {column: _type(column) for column in columns}


_SAVED: Final = (*MOVING, *CHANGING, *_READ)
_INSERTED: Final = ("no", "session_id", "trace_id", "support_code", *_SAVED)

_TAKE: Final = (
    "SELECT no, session_id, state, told, pending FROM sessions"
    " WHERE session_id = ANY(%s::text[]) ORDER BY session_id FOR UPDATE"
)
_KNOWN: Final = (
    "SELECT session_no, events.event_id FROM"
    " unnest(%s::text[], %s::bytea[]) AS given(session_id, event_id)"
    " JOIN sessions USING (session_id)"
    " JOIN events ON session_no = no AND events.event_id = given.event_id"
)
_NUMBERS: Final = "SELECT nextval('session_numbers') FROM generate_series(1, %s)"
_NUMBERS_AT_ONCE: Final = 128
_COPY: Final = f"COPY events (session_no, {', '.join(EVENT_FIELDS)}) FROM STDIN (FORMAT binary)"
_COPY_TYPES: Final = ["int8", *(_EVENT_TYPES.get(name, "text") for name in EVENT_FIELDS)]
_INSERT: Final = (
    f"INSERT INTO sessions ({', '.join(_INSERTED)})"
    f" SELECT * FROM {unnest(_types(*_INSERTED))} ORDER BY session_id"
    " ON CONFLICT (session_id) DO NOTHING RETURNING no"
)
_UPDATE: Final = (
    f"UPDATE sessions SET {', '.join(f'{name} = given.{name}' for name in _SAVED)}"
    f" FROM {unnest(_types('no', *_SAVED))} WHERE sessions.no = given.no"
)
_FORMER: Final = {"session_no": "bigint", "field": "text", "value": "text"}
_KEEP_FORMER: Final = (
    f"INSERT INTO former_values SELECT * FROM {unnest(_FORMER)} ON CONFLICT DO NOTHING"
)
_TASK: Final = {
    name: "bigint" if name in {"session_no", "since"} else "text" for name in tasks.COLUMNS
}
_ADD_TASKS: Final = f"INSERT INTO tasks ({', '.join(_TASK)}) SELECT * FROM {unnest(_TASK)}"
_MARK: Final = invitations.MARK.format(
    "VALUES (" + ", ".join(f"%s::{kind}" for kind in invitations.COLUMNS.values()) + ")"
)
_ANY_DIGEST: Final = "SELECT 1 FROM digests WHERE digest = ANY(%s::bytea[]) LIMIT 1"
_SETTLE_TYPES: Final = {
    **_types(*Settled._fields[:-1]),
    "seen": "bigint",
    **dict.fromkeys(sightings.COLUMNS[1:], "text"),
}
_SETTLE: Final = (
    f"UPDATE sessions SET {', '.join(f'{name} = given.{name}' for name in _SETTLE_TYPES)},"
    f" pending = NULL FROM {unnest({**_SETTLE_TYPES, 'no': 'bigint'})}"
    " WHERE sessions.no = given.no"
)
_SIGHTED: Final = sightings.READ.format("= ANY(%s::bigint[])") + sightings.IN_ORDER
_SEEN: Final = (
    f"SELECT session_no, {SEEN} FROM events WHERE session_no = ANY(%s::bigint[])"
    " AND (%s::text[] IS NULL OR name = ANY(%s::text[]))"
)
_VIOLATION: Final = {"session_no": "bigint", "rule": "text"}
_ADD_VIOLATIONS: Final = (
    f"INSERT INTO violations SELECT * FROM {unnest(_VIOLATION)}"
    " ON CONFLICT DO NOTHING RETURNING session_no, rule"
)
_MARKS: Final = {"no": "bigint", "violates": "text"}
_SAVE_MARKS: Final = (
    f"UPDATE sessions SET violates = given.violates FROM {unnest(_MARKS)}"
    " WHERE sessions.no = given.no"
)
_STORED: Final = (
    f"SELECT no, session_id, {', '.join('events.' + name for name in EVENT_FIELDS)}"
    " FROM sessions JOIN events ON session_no = no WHERE no = ANY(%s::bigint[])"
    " ORDER BY at, event_id"
)
_DUE_COLUMNS: Final = ", ".join(Due._fields)
_DUE_SELECT: Final = f"SELECT {_DUE_COLUMNS} FROM sessions WHERE"
# Each kind has the room that those before it have left. Of the same minute any may be the first,
# for the clock of an open session would else move an index with every event.
_DUE: Final = f"""
WITH verdict AS MATERIALIZED (
    {_DUE_SELECT} pending = 'VERDICT' LIMIT %(limit)s FOR UPDATE SKIP LOCKED
), quiet AS MATERIALIZED (
    {_DUE_SELECT} quiet_since < %(quiet)s ORDER BY quiet_since
    LIMIT %(limit)s - (SELECT count(*) FROM verdict) FOR UPDATE SKIP LOCKED
), idle AS MATERIALIZED (
    {_DUE_SELECT} pending = 'IDLE'
        AND idle_minute <= %(idle)s / {MINUTE} AND idle_at <= %(idle)s
        AND arrived_minute <= %(quiet)s / {MINUTE} AND arrived_at < %(quiet)s
    ORDER BY idle_minute
    LIMIT %(limit)s - (SELECT count(*) FROM verdict) - (SELECT count(*) FROM quiet)
    FOR UPDATE SKIP LOCKED
)
SELECT {_DUE_COLUMNS} FROM verdict
UNION ALL SELECT {_DUE_COLUMNS} FROM quiet
UNION ALL SELECT {_DUE_COLUMNS} FROM idle
"""
_PERIODS: Final = "SELECT count(*) FROM retention_periods"
_values = msgspec.structs.astuple
_Cursor: TypeAlias = Cursor[tuple[Any, ...]]


class Overtaken(Exception):  # noqa: N818 - nothing went wrong
    """Another collector has just made or erased a session that was to be new, or begun a period
    for which sessions are kept: begin again.
    """


class PostgresqlTables(PostgresqlErasing):
    """Implements `Tables`."""

    def __init__(self, idle_timeout: int, writing: Writing) -> None:
        self._idle_timeout = idle_timeout
        self._writing = writing
        self._numbers: deque[int] = deque()
        self._known: set[tuple[int, bytes]] = set()
        self._waited: dict[int, list[Event]] = {}
        self._later: list[Callable[[], object]] = []
        self._checks: list[Callable[[], bool]] = []
        self._wary = False
        self.sighting: Numbers
        """What each bit stands for; the store sets it."""

    def begin(self, connection: Connection, *, again: bool = False) -> None:
        """Work in the transaction that this connection has open; `again`: it was overtaken."""
        self.connection = connection
        self._known.clear()
        self._waited.clear()
        self._later.clear()
        self._checks.clear()
        self._wary = again

    def take(self, events: Mapping[str, Sequence[Event]]) -> list[Row]:
        """See `Tables.take`.

        Raises:
            Overtaken: see there.
        """
        if not events:
            return []
        sessions = array([s for s, mine in events.items() for _ in mine])
        ids = array([event.event_id for mine in events.values() for event in mine])
        execute = self.connection.execute
        with self.connection.pipeline():
            periods = execute(_PERIODS)
            numbers = self._more_numbers(len(events))
            taken = execute(_TAKE, (array(events),))
            # A statement of its own sees what was committed while the first one waited.
            known = execute(_KNOWN, (sessions, ids))
        self._hold_to_periods(periods)
        if numbers is not None:
            self._numbers.extend(no for (no,) in numbers)
        self._known.update((no, event_id) for no, event_id in known)
        rows = {row.session_id: row for row in (self._writing.row(*found) for found in taken)}
        return [rows.get(s) or Row(self._numbers.popleft(), s) for s in events]

    def _more_numbers(self, count: int) -> _Cursor | None:
        """Ask for numbers, should all of so many sessions be new; some are lost when a collector
        ends. None: there are enough.
        """
        if count <= len(self._numbers):
            return None
        return self.connection.execute(_NUMBERS, (count - len(self._numbers) + _NUMBERS_AT_ONCE,))

    def _hold_to_periods(self, counted: _Cursor) -> None:
        """Learn what other collectors have begun. Until the commit nobody begins another period,
        for who does has to lock the table that was read."""
        ((count,),) = counted.fetchall()
        if count != len(self._writing.retention):
            found = self.connection.execute(periods.READ)
            self._writing.retention = Retention([periods.period_of(row) for row in found])
            raise Overtaken

    def forgotten(self, digests: Sequence[bytes]) -> set[bytes]:
        """See `Tables.forgotten`. Hardly any session was erased: it is asked when `flush` has found
        that one was."""
        return super().forgotten(digests) if self._wary else set()

    def stored(self, no: int) -> list[Event]:
        """See `Tables.stored`."""
        if no not in self._waited:
            self._read_events([no])
        return self._waited[no]

    def _read_events(self, numbers: Sequence[int]) -> None:
        self._waited.update((no, []) for no in numbers)
        for no, *event in self.connection.execute(_STORED.encode(), (array(numbers),)):
            self._waited[no].append(Event(*event))

    def has(self, no: int, event: Event) -> bool:
        """See `Tables.has`."""
        return (no, event.event_id) in self._known

    def insert(self, events: Sequence[tuple[int, Sequence[Event]]]) -> list[list[Event]]:
        """See `Tables.insert`."""
        fresh = [[event for event in mine if self._learn(no, event)] for no, mine in events]
        if any(fresh):
            with self.connection.cursor().copy(_COPY) as copy:
                copy.set_types(_COPY_TYPES)
                for (no, _), mine in zip(events, fresh, strict=True):
                    for event in mine:
                        copy.write_row((no, *_values(event)[1:]))
        return fresh

    def _learn(self, no: int, event: Event) -> bool:
        """Take note of an event; tell whether it is new."""
        key = (no, event.event_id)
        if key in self._known:
            return False
        self._known.add(key)
        return True

    def save(self, saved: Sequence[Saved]) -> None:
        """See `Tables.save`: it is done by `flush`."""
        new = [self._new_values(one) for one in saved if one.change.before is None]
        old = [(one.no, *self._values(one)) for one in saved if one.change.before is not None]
        marks = [(d, one.no, *t) for one in saved for d, *t in marks_of(one.change.fresh)]
        former = [(one.no, *value) for one in saved for value in former_values(one.change)]
        if new:
            self._later.append(lambda: self._insert(new))
        if old:
            self._later_execute(_UPDATE, arrays(old))
        if former:
            self._later_execute(_KEEP_FORMER, arrays(former))
        if marks:
            self._later.append(lambda: self.connection.cursor().executemany(_MARK, marks))
        changes = ((one.no, one.change.before, one.change.after) for one in saved)
        if begun := [no for no, was, now in changes if was and now.begun and not was.begun]:
            self._read_events(begun)

    def _insert(self, new: Sequence[tuple[Any, ...]]) -> None:
        inserted = self.connection.execute(_INSERT, arrays(new))
        # Now that nobody else can make or erase these sessions: one may have done both before.
        digests = [digest(self._writing.salt, session_id) for _, session_id, *_ in new]
        erased = self.connection.execute(_ANY_DIGEST, (array(digests),))
        self._checks.append(lambda: len(inserted.fetchall()) == len(new) and not erased.fetchall())

    def save_tasks(self, tasks: Mapping[int, Sequence[tuple[object, ...]]]) -> None:
        """See `Tables.save_tasks`: it is done by `flush`."""
        rows = [row for mine in tasks.values() for row in mine]
        drop = "DELETE FROM tasks WHERE session_no = ANY(%s::bigint[])"
        self._later_execute(drop, (array(tasks),))
        if rows:
            self._later_execute(_ADD_TASKS, arrays(rows))

    def _later_execute(self, sql: str, values: Sequence[object]) -> None:
        self._later.append(lambda: self.connection.execute(sql.encode(), values))

    def flush(self, *, after: Callable[[], None]) -> None:
        """Write what was saved, then what `after` writes, all at once.

        Raises:
            Overtaken: see there.
        """
        with self.connection.pipeline():
            for write in self._later:
                write()
            after()
        if not all(check() for check in self._checks):
            raise Overtaken

    def seen(self, wanted: Mapping[int, tuple[str, ...]]) -> dict[int, list[Event]]:
        """See `Tables.seen`."""
        found: dict[int, list[Event]] = {no: [] for no in wanted}
        by_names: dict[tuple[str, ...], list[int]] = {}
        for no, names in wanted.items():
            by_names.setdefault(names, []).append(no)
        for names, numbers in by_names.items():
            among = array(names) if names else None
            rows = self.connection.execute(_SEEN.encode(), (array(numbers), among, among))
            for no, *values in rows:
                found[no].append(Event("", *values))
        return found

    def note_violations(self, found: Mapping[int, Sequence[str]]) -> dict[int, list[str]]:
        """See `Tables.note_violations`."""
        rows = [(no, rule) for no, rules in found.items() for rule in rules]
        new: dict[int, list[str]] = {}
        for no, rule in self.connection.execute(_ADD_VIOLATIONS, arrays(rows)):
            new.setdefault(no, []).append(rule)
        return new

    def save_violates(self, violates: Mapping[int, str | None]) -> None:
        """See `Tables.save_violates`."""
        self.connection.execute(_SAVE_MARKS, arrays(list(violates.items())))

    def _new_values(self, saved: Saved) -> tuple[Any, ...]:
        session_id = saved.change.after.session_id
        trace = trace_id(session_id)
        return (saved.no, session_id, trace.hex(), support_code(trace), *self._values(saved))

    def _values(self, saved: Saved) -> tuple[object, ...]:
        state, retention = saved.change.after, self._writing.retention
        changing = changing_values(state, saved.change.status, retention)
        moving = moving_values(state, saved.pending)
        return (*moving, *changing, *_read_values(state, retention))

    def due(self, now: int, limit: int) -> list[Due]:
        """Hold sessions that are due to settle at `now` (ns) and that nobody else holds.

        Raises:
            Overtaken: see there.
        """
        asked = {"limit": limit, "quiet": now - QUIET, "idle": now - self._idle_timeout}
        with self.connection.pipeline():
            counted = self.connection.execute(_PERIODS)
            found = self.connection.execute(_DUE.encode(), asked)
        self._hold_to_periods(counted)
        return [Due(*row) for row in found]

    def settle(self, settled: Sequence[Settled]) -> None:
        """Have what settling made of sessions written by `flush`."""
        if settled:
            numbers = [row.no for row in settled]
            events = self.connection.execute(_SIGHTED, (array(numbers),))
            seen = sightings.values(self.sighting, numbers, events)
            rows = [(*row[:-1], *of) for row, of in zip(settled, seen, strict=True)]
            self._later_execute(_SETTLE, arrays(rows))


def _read_values(state: SessionState, retention: Retention) -> tuple[object, ...]:
    """Give the values of `_READ`."""
    impacts = {impact.value: state.impacts.get(impact.value, 0) for impact in Impact}
    verdict = state.verdict
    return (
        state.last[0],
        state.decision[0] if state.decision else None,
        verdict.person if verdict else None,
        state.decided[2] if state.decided else None,
        state.events,
        json_text(impacts),
        impacts[Impact.RETAKE.value],
        retention.days(state),
    )
