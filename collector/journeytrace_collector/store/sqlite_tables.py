"""The rows of the SQLite store, one statement a row: inside one process that is quickest."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, Final

import msgspec

from journeytrace_collector.core.derive import QUIET
from journeytrace_collector.core.forgetting import former_values
from journeytrace_collector.core.invitations import marks_of
from journeytrace_collector.core.model import Event
from journeytrace_collector.core.sighting import Numbers
from journeytrace_collector.store import invitations, sightings, tasks
from journeytrace_collector.store.base import Subject
from journeytrace_collector.store.erasing import Found, Gone
from journeytrace_collector.store.idling import minute
from journeytrace_collector.store.sqlite_behind import Behind
from journeytrace_collector.store.sqlite_erasing import SqliteErasing
from journeytrace_collector.store.writing import (
    EVENT_FIELDS,
    SEEN,
    Due,
    Row,
    Saved,
    Settled,
    Writing,
)

__all__ = ["SqliteTables"]

_INSERT_EVENT: Final = (
    f"INSERT OR IGNORE INTO events (session_no, {', '.join(EVENT_FIELDS)})"
    f" VALUES (?{', ?' * len(EVENT_FIELDS)})"
)
_INSERTED: Final = "SELECT session_no, event_id FROM events WHERE rowid >= ?"
_DROP_TASKS: Final = "DELETE FROM tasks WHERE session_no = ?"
_ADD_TASK: Final = (
    f"INSERT INTO tasks ({', '.join(tasks.COLUMNS)}) VALUES ({', '.join('?' * len(tasks.COLUMNS))})"
)
_KEEP_FORMER: Final = "INSERT OR IGNORE INTO former_values VALUES (?, ?, ?)"
_MARK: Final = invitations.MARK.format(f"VALUES (?{', ?' * (len(invitations.COLUMNS) - 1)})")
_SETTLE: Final = (
    "UPDATE sessions SET pending = NULL, settled_at = ?, settled_status = ?, revision = ?,"
    f" told = ?, stages_told = ?, violates = ?, {' = ?, '.join(sightings.COLUMNS)} = ?"
    " WHERE no = ?"
)
_VIOLATES: Final = "UPDATE sessions SET violates = ? WHERE no = ?"
_VIOLATION: Final = "INSERT OR IGNORE INTO violations (session_no, rule) VALUES (?, ?)"

_SIGHTED: Final = sightings.READ.format("= ?") + sightings.IN_ORDER
_STORED: Final = (
    f"SELECT session_id, {', '.join('events.' + name for name in EVENT_FIELDS)}"
    " FROM sessions JOIN events ON session_no = no WHERE no = ? ORDER BY at, event_id"
)
_DUE: Final = f"SELECT session_id, {', '.join(Due._fields)} FROM sessions INDEXED BY"
_DUE_VERDICT: Final = f"{_DUE} sessions_verdict WHERE pending = 'VERDICT' LIMIT ?"
_DUE_QUIET: Final = (
    f"{_DUE} sessions_quiet WHERE pending = 'QUIET' AND arrived_minute <= ? AND arrived_at < ?"
    " ORDER BY arrived_minute LIMIT ?"
)
_DUE_IDLE: Final = (
    f"{_DUE} sessions_pending WHERE pending = 'IDLE' AND idle_minute <= ? AND arrived_minute <= ?"
    " AND idle_at <= ? AND arrived_at < ? ORDER BY idle_minute LIMIT ?"
)

_values = msgspec.structs.astuple


class SqliteTables(SqliteErasing):
    """Implements `Tables`. Its one writer holds all rows, so holding one takes no statement."""

    def __init__(
        self,
        connection: sqlite3.Connection,
        idle_timeout: int,
        writing: Writing,
        behind: Behind,
        numbers: Numbers,
    ) -> None:
        super().__init__(connection)
        self._idle_timeout = idle_timeout
        self._writing = writing
        self._behind = behind
        self._sighting = numbers

    def take(self, events: Mapping[str, Sequence[Event]]) -> list[Row]:
        """See `Tables.take`."""
        # Sessions that are gone may have left events: their numbers are not free yet.
        numbers = "SELECT max(no) AS no FROM sessions UNION ALL SELECT max(session_no) FROM events"
        (newest,) = self._execute(f"SELECT coalesce(max(no), 0) FROM ({numbers})").fetchone()
        rows = []
        for session_id in events:
            row = self._behind.take(session_id)
            if row is None:
                newest += 1
                row = Row(newest, session_id)
            rows.append(row)
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
        first = self._behind.begin()
        rows = [(no, *_values(event)[1:]) for no, mine in events for event in mine]
        if self._executemany(_INSERT_EVENT, rows).rowcount == len(rows):
            return [list(mine) for _, mine in events]
        inserted = set(self._execute(_INSERTED, (first,)))
        # Of two in one request the first was taken.
        return [
            [one for one in mine if _taken(inserted, (no, one.event_id))] for no, mine in events
        ]

    def save(self, saved: Sequence[Saved]) -> None:
        """See `Tables.save`."""
        for one in saved:
            self._behind.save(one)
            for field, value in former_values(one.change):
                self._execute(_KEEP_FORMER, (one.no, field, value))
            for digest, *times in marks_of(one.change.fresh):
                self._execute(_MARK, (digest, one.no, *times))
        self._behind.sweep()

    def save_tasks(self, tasks: Mapping[int, Sequence[tuple[object, ...]]]) -> None:
        """See `Tables.save_tasks`."""
        for no, rows in tasks.items():
            self._execute(_DROP_TASKS, (no,))
            self._executemany(_ADD_TASK, rows)

    def seen(self, wanted: Mapping[int, tuple[str, ...]]) -> dict[int, list[Event]]:
        """See `Tables.seen`."""
        return {
            no: [Event("", *row) for row in self._execute(_seen(len(names)), (no, *names))]
            for no, names in wanted.items()
        }

    def note_violations(self, found: Mapping[int, Sequence[str]]) -> dict[int, list[str]]:
        """See `Tables.note_violations`."""
        new: dict[int, list[str]] = {}
        for no, rules in found.items():
            for rule in rules:
                if self._execute(_VIOLATION, (no, rule)).rowcount:
                    new.setdefault(no, []).append(rule)
        return new

    def save_violates(self, violates: Mapping[int, str | None]) -> None:
        """See `Tables.save_violates`."""
        self._executemany(_VIOLATES, [(text, no) for no, text in violates.items()])

    def due(self, now: int, limit: int) -> list[Due]:
        """Give sessions that are due to settle at `now` (ns), the longest quiet first.

        By the minute: what is due in the same one comes in any order.
        """
        while True:
            found = self._due(now, limit)
            # Of a row that is behind, nobody knows yet: brought up to date it may not be due.
            if not self._behind.write(session_id for session_id, *_ in found):
                break
        self._behind.forget(session_id for session_id, *_ in found)
        return [Due(*row) for _, *row in found]

    def _due(self, now: int, limit: int) -> list[tuple[Any, ...]]:
        quiet, idle = now - QUIET, now - self._idle_timeout
        found = self._execute(_DUE_VERDICT, (limit,)).fetchall()
        if len(found) < limit:
            by_arrival = (minute(quiet), quiet, limit - len(found))
            found += self._execute(_DUE_QUIET, by_arrival).fetchall()
        if len(found) < limit:
            by_both = (minute(idle), minute(quiet), idle, quiet, limit - len(found))
            found += self._execute(_DUE_IDLE, by_both).fetchall()
        return found

    def expired(self, now: int, limit: int) -> list[Found]:
        """See `SqliteErasing.expired`."""
        found = super().expired(now, limit)
        while self._behind.write(row.session_id for row in found):
            found = super().expired(now, limit)
        return found

    def of_subject(self, subject: Subject, limit: int) -> list[Found]:
        """See `SqliteErasing.of_subject`."""
        self._behind.write_some(len(self._behind))
        return super().of_subject(subject, limit)

    def erase_sessions(self, sessions: Sequence[Gone]) -> None:
        """See `Erasing.erase_sessions`."""
        super().erase_sessions(sessions)
        self._behind.forget(gone.session_id for gone in sessions)

    def settle(self, settled: Sequence[Settled]) -> None:
        """Write what settling made of sessions."""
        rows: list[tuple[object, ...]] = []
        for row in settled:
            events = self._execute(_SIGHTED, (row.no,))
            (seen,) = sightings.values(self._sighting, (row.no,), events)
            rows.append((*row[:-1], *seen))
        self._executemany(_SETTLE, rows)


@lru_cache
def _seen(names: int) -> str:
    among = f" AND name IN ({', '.join('?' * names)})" if names else ""
    return f"SELECT {SEEN} FROM events WHERE session_no = ?{among}"


def _taken(inserted: set[tuple[int, bytes]], key: tuple[int, bytes]) -> bool:
    known = key in inserted
    inserted.discard(key)
    return known
