"""The store of one machine: a single SQLite file in WAL mode."""

from __future__ import annotations

import fcntl
import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from functools import reduce
from importlib.resources import files
from pathlib import Path
from typing import Final

import msgspec

from journeytrace.catalogue import Catalogue
from journeytrace_collector import derive
from journeytrace_collector.errors import StartError, StoreUnavailableError
from journeytrace_collector.model import Event
from journeytrace_collector.sessionize import SessionState, merge, single
from journeytrace_collector.store import listing
from journeytrace_collector.store.base import Page, SessionQuery, Written

__all__ = ["SqliteStore"]

SCHEMA_VERSION: Final = 1
FILE_NAME: Final = "journeys.sqlite"

_PRAGMAS: Final = """
PRAGMA journal_mode = WAL;
PRAGMA synchronous = FULL; -- an answer of success must survive a power cut, not only a crash
PRAGMA wal_autocheckpoint = 8000; -- pages; fewer, larger checkpoints write less in all
PRAGMA journal_size_limit = 67108864;
PRAGMA cache_size = -65536; -- KiB
"""

_EVENT_FIELDS: Final = Event.__struct_fields__[1:]
_INSERT_EVENT: Final = (
    f"INSERT OR IGNORE INTO events (session_no, {', '.join(_EVENT_FIELDS)})"
    f" VALUES (?{', ?' * len(_EVENT_FIELDS)})"
)
_COLUMNS: Final = (
    "user_id",
    "email",
    "submission_id",
    "project_id",
    "created_at",
    "phase",
    "decision",
)
_INSERT_SESSION: Final = (
    f"INSERT INTO sessions (no, session_id, last_event, idle_at, state, {', '.join(_COLUMNS)})"
    f" VALUES (?, ?, ?, ?, ?{', ?' * len(_COLUMNS)})"
)
# SQLite rewrites the index entries of every column that an UPDATE names, changed or not.
_UPDATE_MOVING: Final = "UPDATE sessions SET last_event = ?, idle_at = ?, state = ? WHERE no = ?"
_UPDATE_COLUMNS: Final = f"UPDATE sessions SET {' = ?, '.join(_COLUMNS)} = ? WHERE no = ?"

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(SessionState).decode


class SqliteStore:
    """Implements `Store`. One process owns the folder; reads never wait for the writer."""

    def __init__(self, folder: Path, catalogue: Catalogue, idle_timeout: int) -> None:
        """Open or create the store; `idle_timeout` in ns.

        Raises:
            StartError: the folder cannot be used, another process has it, or the file is no store.
        """
        self._catalogue = catalogue
        self._idle_timeout = idle_timeout
        self._path = folder / FILE_NAME
        self._lock = _lock(folder)
        try:
            self._writer = sqlite3.connect(
                self._path, isolation_level=None, check_same_thread=False
            )
            self._writer.executescript(_PRAGMAS)
            self._create()
        except sqlite3.Error as error:
            os.close(self._lock)
            raise StartError(f"{self._path}: cannot be used as a store: {error}") from error

    def _create(self) -> None:
        (version,) = self._writer.execute("PRAGMA user_version").fetchone()
        if version == 0:
            schema = (files("journeytrace_collector.store") / "schema.sql").read_text("utf-8")
            self._writer.executescript(
                f"BEGIN; {schema} PRAGMA user_version = {SCHEMA_VERSION}; COMMIT;"
            )
        elif version != SCHEMA_VERSION:
            message = f"was written by another version (schema {version}, not {SCHEMA_VERSION})"
            raise StartError(f"{self._path}: {message}")

    def write(self, events: Sequence[Event]) -> Written:
        """See `Store.write`."""
        by_session: dict[str, list[Event]] = {}
        for event in events:
            by_session.setdefault(event.session_id, []).append(event)
        with self._transaction():
            new = sum(self._write_session(*item) for item in by_session.items())
        return Written(new, len(events) - new)

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        try:
            self._writer.execute("BEGIN IMMEDIATE")
            yield
            self._writer.execute("COMMIT")
        except BaseException as error:
            if self._writer.in_transaction:
                self._writer.execute("ROLLBACK")
            if isinstance(error, sqlite3.DatabaseError) and not isinstance(
                error, sqlite3.ProgrammingError
            ):
                raise StoreUnavailableError(str(error)) from error
            raise

    def _write_session(self, session_id: str, events: list[Event]) -> int:
        """Write the events of one session and give the number of new ones."""
        execute = self._writer.execute
        row = execute(
            "SELECT no, state FROM sessions WHERE session_id = ?", (session_id,)
        ).fetchone()
        before = _decode(row[1]) if row else None
        if row:
            no = row[0]
        else:
            (no,) = execute("SELECT coalesce(max(no), 0) + 1 FROM sessions").fetchone()
        fresh = [
            event
            for event in events
            if execute(_INSERT_EVENT, (no, *msgspec.structs.astuple(event)[1:])).rowcount
        ]
        if not fresh:
            return 0
        added = reduce(merge, (single(event, self._catalogue) for event in fresh))
        if before is None:
            moving = _moving(added)
            execute(_INSERT_SESSION, (no, session_id, *moving, *_columns(added)))
            return len(fresh)
        after = merge(before, added)
        execute(_UPDATE_MOVING, (*_moving(after), no))
        columns = _columns(after)
        if columns != _columns(before):
            execute(_UPDATE_COLUMNS, (*columns, no))
        return len(fresh)

    def sessions(self, query: SessionQuery, now: int) -> Page:
        """See `Store.sessions`."""
        with closing(self._reader()) as reader:
            candidates = listing.narrow(query, now, self._idle_timeout)
            few = next((sql for sql in candidates if _names_few(reader, sql)), None)
            sql = listing.page(query, now, self._idle_timeout, few)
            rows = reader.execute(sql.text, sql.values).fetchall()
        shown = rows[: query.limit]
        following = (shown[-1][0], shown[-1][1]) if len(rows) > query.limit else None
        return Page([_decode(state) for _, _, state in shown], following)

    def session(self, session_id: str) -> SessionState | None:
        """See `Store.session`."""
        with closing(self._reader()) as reader:
            sql = "SELECT state FROM sessions WHERE session_id = ?"
            row = reader.execute(sql, (session_id,)).fetchone()
        return _decode(row[0]) if row else None

    def events(self, session_id: str, source: str | None = None) -> list[Event]:
        """See `Store.events`."""
        sql = (
            f"SELECT session_id, {', '.join('events.' + name for name in _EVENT_FIELDS)}"
            " FROM sessions JOIN events ON session_no = no"
            " WHERE session_id = ? AND source = coalesce(?, source) ORDER BY at, event_id"
        )
        with closing(self._reader()) as reader:
            return [Event(*row) for row in reader.execute(sql, (session_id, source))]

    def _reader(self) -> sqlite3.Connection:
        # One connection a query: no thread shares one, and opening takes well under 1 ms.
        return sqlite3.connect(f"{self._path.absolute().as_uri()}?mode=ro", uri=True)

    def close(self) -> None:
        """See `Store.close`."""
        self._writer.close()
        os.close(self._lock)


def _names_few(reader: sqlite3.Connection, sql: listing.Sql) -> bool:
    counting = f"SELECT count(*) FROM ({sql.text} LIMIT {listing.FEW + 1})"
    (count,) = reader.execute(counting, sql.values).fetchone()
    return bool(count <= listing.FEW)


def _moving(state: SessionState) -> tuple[object, ...]:
    """Give the columns that nearly every event moves."""
    return state.last[2], state.idle, _encode(state).decode()


def _columns(state: SessionState) -> tuple[object, ...]:
    """Give the values of `_COLUMNS`, which change a few times in a session's life."""
    kept = {name: value for name, (_, _, value) in state.kept.items()}
    return (
        kept.get("user_id"),
        kept.get("email"),
        kept.get("submission_id"),
        kept.get("project_id"),
        derive.created_at(state),
        derive.phase(state).value,
        state.decided[2] if state.decided else None,
    )


def _lock(folder: Path) -> int:
    """Take the folder for this process; the kernel gives it back however the process ends."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = os.open(folder / "lock", os.O_CREAT | os.O_RDWR, 0o600)
    except OSError as error:
        raise StartError(f"{folder}: cannot be used as data folder: {error.strerror}") from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(lock)
        raise StartError(f"{folder}: another collector is using this data folder") from error
    return lock
