"""Erasing in the SQLite store: the rows, then what the files still hold.

A deleted row stays in its file until something is written over it. Zeros are written over it at
once where its page is written anyway (``secure_delete = FAST``), which costs next to nothing and is
always on. Pages that become free as a whole are written over only while sessions are erased
(``ON``): for every delivered parcel that would be a second write. What is left then is seen to
after an erasure on request: pages that parcels have left, copies of rows that SQLite has moved, and
the log of changes (WAL).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Final

from journeytrace_collector.store.acts import COLUMNS, act_of, listed, row_of
from journeytrace_collector.store.base import Act, ActQuery, Erased, Subject
from journeytrace_collector.store.erasing import Found, Gone
from journeytrace_collector.store.sql import SQLITE
from journeytrace_collector.store.subjects import sessions_of

__all__ = [
    "SqliteErasing",
    "acts",
    "clear_blank",
    "empty_log",
    "erasable",
    "is_small",
    "overwrite_free_pages",
    "salt",
    "scrub_due",
    "set_scrub_due",
]

SMALL: Final = 256 * 1024 * 1024
"""Bytes of a database that is written anew as a whole: a matter of seconds, in which requests
wait. In a larger one, copies of rows that SQLite has moved stay in the gaps of pages."""

PAGES_AT_ONCE: Final = 1_024
PATIENCE_MS: Final = 50
"""Requests wait while the log waits for its readers."""

# What people did is counted apart from the journey.
_EVENTS: Final = (
    "json_extract(state, '$.events') + coalesce(json_extract(state, '$.operations.events'), 0)"
)
_FOUND: Final = f"SELECT no, session_id, {_EVENTS}, project_id FROM sessions"
_LEFT: Final = "SELECT session_no FROM erasing ORDER BY session_no LIMIT :limit"
_NOTE_ACTS: Final = (
    f"INSERT INTO acts ({', '.join(COLUMNS)}) VALUES (?{', ?' * (len(COLUMNS) - 1)})"
)


class SqliteErasing:
    """Implements `Erasing`, and finds what is to be erased."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._execute = connection.execute
        self._executemany = connection.executemany

    def expired(self, now: int, limit: int) -> list[Found]:
        """Give sessions that have expired at `now` (ns)."""
        sql = f"{_FOUND} WHERE expires_at <= ? ORDER BY expires_at LIMIT ?"
        return [Found(*row) for row in self._execute(sql, (now, limit))]

    def of_subject(self, subject: Subject, limit: int) -> list[Found]:
        """Give sessions of a subject."""
        condition = sessions_of(subject, SQLITE)
        sql = f"{_FOUND} WHERE {condition.text} ORDER BY session_id LIMIT ?"
        return [Found(*row) for row in self._execute(sql, (*condition.values, limit))]

    def forgotten(self, digests: Sequence[bytes]) -> set[bytes]:
        """See `Tables.forgotten`."""
        sql = "SELECT 1 FROM digests WHERE digest = ?"
        return {digest for digest in digests if self._execute(sql, (digest,)).fetchone()}

    def erase_sessions(self, sessions: Sequence[Gone]) -> None:
        """See `Erasing.erase_sessions`."""
        if not sessions:
            return
        numbers = [(gone.no,) for gone in sessions]
        self._executemany("DELETE FROM sessions WHERE no = ?", numbers)
        self._executemany("DELETE FROM former_values WHERE session_no = ?", numbers)
        self._executemany("DELETE FROM tasks WHERE session_no = ?", numbers)
        self._executemany("DELETE FROM violations WHERE session_no = ?", numbers)
        self._executemany("DELETE FROM invitations WHERE session_no = ?", numbers)
        self._executemany("INSERT INTO erasing VALUES (?)", numbers)
        # What waits or is parked for delivery is the session's data too.
        parcels = [(gone.session_id,) for gone in sessions]
        self._executemany("DELETE FROM outbox WHERE session_id = ?", parcels)
        traces = ", ".join("?" * len(sessions))
        self._execute(
            f"DELETE FROM exemplars WHERE trace_id IN ({traces})",
            [gone.trace_id for gone in sessions],
        )
        self._executemany(
            "INSERT INTO digests VALUES (?, ?)"
            " ON CONFLICT DO UPDATE SET kept_until = excluded.kept_until",
            [(gone.digest, gone.kept_until) for gone in sessions],
        )

    def erase_events(self, limit: int) -> int:
        """See `Erasing.erase_events`."""
        if limit <= 0:
            return 0
        given = {"limit": limit}
        left = f"SELECT rowid FROM events WHERE session_no IN ({_LEFT}) LIMIT :limit"
        erased = self._execute(f"DELETE FROM events WHERE rowid IN ({left})", given).rowcount
        self._execute(
            f"DELETE FROM erasing WHERE session_no IN ({_LEFT}) AND NOT EXISTS"
            " (SELECT 1 FROM events WHERE events.session_no = erasing.session_no)",
            given,
        )
        return erased

    def drop_digests(self, now: int, limit: int) -> int:
        """See `Erasing.drop_digests`."""
        if limit <= 0:
            return 0
        old = "SELECT digest FROM digests WHERE kept_until <= ? ORDER BY kept_until LIMIT ?"
        return self._execute(f"DELETE FROM digests WHERE digest IN ({old})", (now, limit)).rowcount

    def note_acts(self, acts: Sequence[Act]) -> None:
        """See `Erasing.note_acts`."""
        self._executemany(_NOTE_ACTS, [row_of(act) for act in acts])


def salt(connection: sqlite3.Connection) -> bytes:
    """Give the salt of the store's digests."""
    (found,) = connection.execute("SELECT salt FROM erasure").fetchone()
    return bytes(found)


def erasable(connection: sqlite3.Connection, subject: Subject) -> Erased:
    """See `Store.erasable`."""
    condition = sessions_of(subject, SQLITE)
    counts = f"SELECT count(*), coalesce(sum({_EVENTS}), 0) FROM sessions"
    sql = f"{counts} WHERE {condition.text}"
    return Erased(*connection.execute(sql, condition.values).fetchone())


def acts(connection: sqlite3.Connection, limit: int, query: ActQuery) -> list[Act]:
    """See `Store.acts`."""
    sql = listed(query, limit, SQLITE)
    return [act_of(row) for row in connection.execute(sql.text, sql.values)]


def set_scrub_due(connection: sqlite3.Connection, *, due: bool) -> None:
    """Note whether the files have to be seen to."""
    connection.execute("UPDATE erasure SET scrub_due = ?", (due,))


def scrub_due(connection: sqlite3.Connection) -> bool:
    """Whether the files have to be seen to."""
    (due,) = connection.execute("SELECT scrub_due FROM erasure").fetchone()
    return bool(due)


def is_small(connection: sqlite3.Connection) -> bool:
    """Whether the database can be written anew as a whole."""
    (pages,) = connection.execute("PRAGMA page_count").fetchone()
    (page,) = connection.execute("PRAGMA page_size").fetchone()
    return bool(pages * page <= SMALL)


def overwrite_free_pages(connection: sqlite3.Connection) -> bool:
    """Put some free pages to use, full of zeros; False: none is free any more."""
    (free,) = connection.execute("PRAGMA freelist_count").fetchone()
    if not free:
        return False
    (page,) = connection.execute("PRAGMA page_size").fetchone()
    # A row's first bytes stand with its neighbours', the rest fills pages of its own less 4 bytes.
    # With between 489 and 4061 bytes (of 4096) at the start, the last of these is full, too.
    size = min(free, PAGES_AT_ONCE) * (page - 4) + page // 4
    connection.execute("INSERT INTO blank (zeros) VALUES (zeroblob(?))", (size,))
    return True


def clear_blank(connection: sqlite3.Connection) -> bool:
    """Give some of these pages back; False: all of them have been."""
    sql = "DELETE FROM blank WHERE no = (SELECT max(no) FROM blank)"
    return connection.execute(sql).rowcount > 0


def empty_log(connection: sqlite3.Connection) -> bool:
    """Bring all changes into the database and cut the log to nothing; False: a reader is in it."""
    (patience,) = connection.execute("PRAGMA busy_timeout").fetchone()
    connection.execute(f"PRAGMA busy_timeout = {PATIENCE_MS}")
    try:
        (busy, _, _) = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    finally:
        connection.execute(f"PRAGMA busy_timeout = {patience}")
    return not busy
