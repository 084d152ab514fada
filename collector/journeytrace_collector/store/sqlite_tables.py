"""The rows of the SQLite store, one statement a row: inside one process that is quickest."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from journeytrace.identity import support_code, trace_id
from journeytrace_collector.core.derive import QUIET
from journeytrace_collector.core.forgetting import former_values
from journeytrace_collector.core.invitations import marks_of
from journeytrace_collector.core.model import Event
from journeytrace_collector.core.sighting import Numbers
from journeytrace_collector.store import invitations, sightings, tasks
from journeytrace_collector.store.sqlite_erasing import SqliteErasing
from journeytrace_collector.store.writing import (
    CHANGING,
    EVENT_FIELDS,
    MOVING,
    Due,
    Row,
    Saved,
    Settled,
    Writing,
    changing_values,
    moving_values,
)

__all__ = ["SqliteTables"]

_INSERT_EVENT: Final = (
    f"INSERT OR IGNORE INTO events (session_no, {', '.join(EVENT_FIELDS)})"
    f" VALUES (?{', ?' * len(EVENT_FIELDS)})"
)
_INSERT_SESSION: Final = (
    f"INSERT INTO sessions (no, session_id, support_code, {', '.join(MOVING + CHANGING)})"
    f" VALUES (?, ?, ?{', ?' * len(MOVING + CHANGING)})"
)
# SQLite rewrites the index entries of every column that an UPDATE names, changed or not.
_UPDATE_MOVING: Final = f"UPDATE sessions SET {' = ?, '.join(MOVING)} = ? WHERE no = ?"
_UPDATE_CHANGING: Final = f"UPDATE sessions SET {' = ?, '.join(CHANGING)} = ? WHERE no = ?"
_DROP_TASKS: Final = "DELETE FROM tasks WHERE session_no = ?"
_ADD_TASK: Final = (
    f"INSERT INTO tasks ({', '.join(tasks.COLUMNS)}) VALUES ({', '.join('?' * len(tasks.COLUMNS))})"
)
_KEEP_FORMER: Final = "INSERT OR IGNORE INTO former_values VALUES (?, ?, ?)"
_MARK: Final = invitations.MARK.format(f"VALUES (?{', ?' * (len(invitations.COLUMNS) - 1)})")
_SETTLE: Final = (
    "UPDATE sessions SET pending = NULL, settled_at = ?, settled_status = ?, revision = ?,"
    " told = ?, stages_told = ? WHERE no = ?"
)

_SIGHT: Final = f"UPDATE sessions SET {' = ?, '.join(sightings.COLUMNS)} = ? WHERE no = ?"
_SIGHTED: Final = sightings.READ.format("= ?") + sightings.IN_ORDER
_STORED: Final = (
    f"SELECT session_id, {', '.join('events.' + name for name in EVENT_FIELDS)}"
    " FROM sessions JOIN events ON session_no = no WHERE no = ? ORDER BY at, event_id"
)
_DUE: Final = f"SELECT {', '.join(Due._fields)} FROM sessions INDEXED BY"
_DUE_VERDICT: Final = f"{_DUE} sessions_verdict WHERE pending = 'VERDICT' LIMIT ?"
_DUE_QUIET: Final = (
    f"{_DUE} sessions_quiet WHERE pending = 'QUIET' AND arrived_at < ? ORDER BY arrived_at LIMIT ?"
)
_DUE_IDLE: Final = (
    f"{_DUE} sessions_pending WHERE pending = 'IDLE' AND idle_at <= ? AND arrived_at < ?"
    " ORDER BY idle_at LIMIT ?"
)

_values = msgspec.structs.astuple


class SqliteTables(SqliteErasing):
    """Implements `Tables`. Its one writer holds all rows, so holding one takes no statement."""

    def __init__(
        self,
        connection: sqlite3.Connection,
        idle_timeout: int,
        writing: Writing,
        numbers: Numbers,
    ) -> None:
        super().__init__(connection)
        self._idle_timeout = idle_timeout
        self._writing = writing
        self._sighting = numbers

    def take(self, events: Mapping[str, Sequence[Event]]) -> list[Row]:
        """See `Tables.take`."""
        # Sessions that are gone may have left events: their numbers are not free yet.
        numbers = "SELECT max(no) AS no FROM sessions UNION ALL SELECT max(session_no) FROM events"
        (newest,) = self._execute(f"SELECT coalesce(max(no), 0) FROM ({numbers})").fetchone()
        sql = "SELECT no, session_id, state, told, pending FROM sessions WHERE session_id = ?"
        rows = []
        for session_id in events:
            found = self._execute(sql, (session_id,)).fetchone()
            if found:
                rows.append(self._writing.row(*found))
            else:
                newest += 1
                rows.append(Row(newest, session_id))
        return rows

    def stored(self, no: int) -> list[Event]:
        """See `Tables.stored`."""
        return [Event(*row) for row in self._execute(_STORED, (no,))]

    def has(self, no: int, event: Event) -> bool:
        """See `Tables.has`."""
        sql = "SELECT 1 FROM events WHERE session_no = ? AND event_id = ?"
        return self._execute(sql, (no, event.event_id)).fetchone() is not None

    def insert(self, events: Sequence[tuple[int, Sequence[Event]]]) -> list[list[Event]]:
        """See `Tables.insert`."""
        execute = self._execute
        return [
            [e for e in mine if execute(_INSERT_EVENT, (no, *_values(e)[1:])).rowcount]
            for no, mine in events
        ]

    def save(self, saved: Sequence[Saved]) -> None:
        """See `Tables.save`."""
        retention = self._writing.retention
        for no, session, pending in saved:
            after = session.after
            moving = moving_values(after, pending)
            changing = changing_values(after, session.status, retention)
            if session.before is None:
                code = support_code(trace_id(after.session_id))
                self._execute(_INSERT_SESSION, (no, after.session_id, code, *moving, *changing))
            else:
                self._execute(_UPDATE_MOVING, (*moving, no))
                if changing != changing_values(session.before, session.told, retention):
                    self._execute(_UPDATE_CHANGING, (*changing, no))
            for field, value in former_values(session):
                self._execute(_KEEP_FORMER, (no, field, value))
            for digest, *times in marks_of(session.fresh):
                self._execute(_MARK, (digest, no, *times))

    def save_tasks(self, tasks: Mapping[int, Sequence[tuple[object, ...]]]) -> None:
        """See `Tables.save_tasks`."""
        for no, rows in tasks.items():
            self._execute(_DROP_TASKS, (no,))
            self._executemany(_ADD_TASK, rows)

    def due(self, now: int, limit: int) -> list[Due]:
        """Give sessions that are due to settle at `now` (ns), the longest quiet first."""
        found = self._execute(_DUE_VERDICT, (limit,)).fetchall()
        if len(found) < limit:
            found += self._execute(_DUE_QUIET, (now - QUIET, limit - len(found))).fetchall()
        if len(found) < limit:
            idle = (now - self._idle_timeout, now - QUIET, limit - len(found))
            found += self._execute(_DUE_IDLE, idle).fetchall()
        return [Due(*row) for row in found]

    def settle(self, settled: Sequence[Settled]) -> None:
        """Write what settling made of sessions."""
        self._executemany(_SETTLE, settled)
        seen: list[tuple[object, ...]] = []
        for row in settled:
            events = self._execute(_SIGHTED, (row.no,))
            seen += sightings.values(self._sighting, (row.no,), events)
        self._executemany(_SIGHT, seen)
