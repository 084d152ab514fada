"""The store of one machine: a single SQLite file in WAL mode."""

from __future__ import annotations

import fcntl
import os
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from importlib.resources import files
from pathlib import Path
from typing import Final

import msgspec

from journeytrace.catalogue import Catalogue
from journeytrace.conventions import Status
from journeytrace_collector import derive
from journeytrace_collector.change import Change, Effects, SessionChange, Settlement, Tally
from journeytrace_collector.errors import StartError, StoreUnavailableError
from journeytrace_collector.model import Event
from journeytrace_collector.sessionize import SessionState, merge, state_of
from journeytrace_collector.store import listing, sqlite_ledger
from journeytrace_collector.store.base import (
    NOTHING_CARRIED,
    Carried,
    Known,
    OutboxRow,
    OutboxState,
    Page,
    SessionLimits,
    SessionQuery,
    Written,
)

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
# SQLite rewrites the index entries of every column that an UPDATE names, changed or not.
_MOVING: Final = ("state", "last_event", "idle_at", "due_at")
_CHANGING: Final = (
    "user_id",
    "email",
    "submission_id",
    "project_id",
    "created_at",
    "expires_at",
    "phase",
    "stage",
    "decision",
    "told",
)
_INSERT_SESSION: Final = (
    f"INSERT INTO sessions (no, session_id, {', '.join(_MOVING + _CHANGING)})"
    f" VALUES (?, ?{', ?' * len(_MOVING + _CHANGING)})"
)
_UPDATE_MOVING: Final = f"UPDATE sessions SET {' = ?, '.join(_MOVING)} = ? WHERE no = ?"
_UPDATE_CHANGING: Final = f"UPDATE sessions SET {' = ?, '.join(_CHANGING)} = ? WHERE no = ?"

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(SessionState).decode


class SqliteStore:
    """Implements `Store`. One process owns the folder; reads never wait for the writer."""

    def __init__(
        self,
        folder: Path,
        catalogue: Catalogue,
        idle_timeout: int,
        limits: SessionLimits | None = None,
    ) -> None:
        """Open or create the store; `idle_timeout` in ns.

        Raises:
            StartError: the folder cannot be used, another process has it, or the file is no store.
        """
        self._catalogue = catalogue
        self._idle_timeout = idle_timeout
        self._limits = limits or SessionLimits()
        self._effects: Effects | None = None
        self._path = folder / FILE_NAME
        self._lock = _lock(folder)
        try:
            self._writer = sqlite3.connect(
                # Waiting longer for somebody's lock would outlast the sender's patience.
                self._path,
                timeout=1,
                isolation_level=None,
                check_same_thread=False,
            )
            self._writer.executescript(_PRAGMAS)
            self._create()
        except sqlite3.Error as error:
            os.close(self._lock)
            raise StartError(f"{self._path}: cannot be used as a store: {error}") from error
        except StartError:
            os.close(self._lock)
            raise

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

    def follow(self, effects: Effects) -> None:
        """See `Store.follow`."""
        self._effects = effects

    def write(self, events: Sequence[Event], carried: Carried = NOTHING_CARRIED) -> Written:
        """See `Store.write`."""
        by_session: dict[str, list[Event]] = {}
        for event in events:
            by_session.setdefault(event.session_id, []).append(event)
        at = max((event.received for event in events), default=carried.at)
        change = Change(at, traces=carried.traces, logged=carried.logged)
        refused: list[Event] = []
        with self._transaction():
            for session_id, mine in by_session.items():
                self._write_session(session_id, mine, change, refused)
            new = sum(len(session.fresh) for session in change.sessions)
            duplicate = len(events) - new - len(refused)
            change.records = {
                "new": new,
                "duplicate": duplicate,
                "refused": len(refused),
                "rejected": carried.rejected,
                "ignored": carried.ignored,
            }
            committed = self._follow_up(change)
        committed()
        return Written(new, duplicate, tuple(refused))

    def _write_session(
        self, session_id: str, events: list[Event], change: Change, refused: list[Event]
    ) -> None:
        row = self._writer.execute(
            "SELECT no, state, told FROM sessions WHERE session_id = ?", (session_id,)
        ).fetchone()
        before = _decode(row[1]) if row else None
        told = Status(row[2]) if row else None
        if row:
            no = row[0]
        else:
            newest = "SELECT coalesce(max(no), 0) + 1 FROM sessions"
            (no,) = self._writer.execute(newest).fetchone()
        fresh = self._insert(no, before, events, refused)
        if not fresh:
            return
        added = state_of(fresh, self._catalogue)
        after = merge(before, added) if before else added
        status = derive.tellable(after, change.at, self._idle_timeout, told)
        moving, changing = self._moving(after), _changing(after, status)
        if before is None:
            self._writer.execute(_INSERT_SESSION, (no, session_id, *moving, *changing))
        else:
            self._writer.execute(_UPDATE_MOVING, (*moving, no))
            if changing != _changing(before, told):
                self._writer.execute(_UPDATE_CHANGING, (*changing, no))
        change.sessions.append(SessionChange(before, after, fresh, told, status))

    def _insert(
        self, no: int, before: SessionState | None, events: list[Event], refused: list[Event]
    ) -> list[Event]:
        """Insert what is new of the events of one session and give it."""
        count, size = (before.events, before.size) if before else (0, 0)
        size += sum(len(event.metadata) for event in events)
        if count + len(events) > self._limits.events or size > self._limits.size:
            events = self._within_limits(no, before, events, refused)
        execute = self._writer.execute
        return [
            event
            for event in events
            if execute(_INSERT_EVENT, (no, *msgspec.structs.astuple(event)[1:])).rowcount
        ]

    def _within_limits(
        self, no: int, before: SessionState | None, events: list[Event], refused: list[Event]
    ) -> list[Event]:
        """Give the events for which there is room, and those that are known anyway."""
        count, size = (before.events, before.size) if before else (0, 0)
        known = "SELECT 1 FROM events WHERE session_no = ? AND event_id = ?"
        taken = []
        for event in events:
            if self._writer.execute(known, (no, event.event_id)).fetchone():
                taken.append(event)
                continue
            spec = self._catalogue.events.get(event.name)
            count += 1
            size += len(event.metadata)
            if self._limits.allow(count, size, changes_status=bool(spec and spec.role)):
                taken.append(event)
            else:
                count -= 1
                size -= len(event.metadata)
                refused.append(event)
        return taken

    def settle(self, now: int, limit: int) -> int:
        """See `Store.settle`."""
        change = Change(now)
        sql = (
            "SELECT no, state, told, settled_at, settled_status, revision"
            " FROM sessions INDEXED BY sessions_due WHERE due_at <= ? ORDER BY due_at LIMIT ?"
        )
        update = (
            "UPDATE sessions SET due_at = NULL, settled_at = ?, settled_status = ?, revision = ?,"
            " told = ? WHERE no = ?"
        )
        with self._transaction():
            rows = self._writer.execute(sql, (now, limit)).fetchall()
            for no, text, told, settled_at, settled_status, revision in rows:
                state = _decode(text)
                status = derive.status(state, now, self._idle_timeout)
                again = settled_at is not None
                settlement = Settlement(
                    revision + again, Status(settled_status) if again else None, status
                )
                values = (settled_at if again else now, status.value, settlement.revision)
                self._writer.execute(update, (*values, status.value, no))
                change.sessions.append(
                    SessionChange(state, state, (), Status(told), status, settlement)
                )
            committed = self._follow_up(change)
        committed()
        return len(rows)

    def erase(self, now: int, limit: int) -> int:
        """See `Store.erase`."""
        due = (
            "SELECT no, session_id FROM sessions WHERE expires_at <= ? ORDER BY expires_at LIMIT ?"
        )
        events = (
            "DELETE FROM events WHERE rowid IN"
            " (SELECT rowid FROM events WHERE session_no = ? LIMIT ?)"
        )
        rows = sessions = 0
        with self._transaction():
            for no, session_id in self._writer.execute(due, (now, limit)).fetchall():
                rows += self._writer.execute(events, (no, limit - rows)).rowcount
                if rows >= limit:
                    break
                # What waits or is parked for delivery is the session's data too.
                self._writer.execute("DELETE FROM outbox WHERE session_id = ?", (session_id,))
                self._writer.execute("DELETE FROM sessions WHERE no = ?", (no,))
                rows += 1
                sessions += 1
            committed = self._follow_up(Change(now, records={"erased": sessions}))
        committed()
        return rows

    def delivered(self, ids: Sequence[int]) -> None:
        """See `Store.delivered`."""
        with self._transaction():
            sqlite_ledger.delete_parcels(self._writer, ids)

    def park(self, id: int, reason: str) -> None:  # noqa: A002 - see `Store.park`
        """See `Store.park`."""
        with self._transaction():
            sqlite_ledger.park(self._writer, id, reason)

    def requeue(self, ids: Sequence[int] | None = None) -> int:
        """See `Store.requeue`."""
        with self._transaction():
            return sqlite_ledger.requeue(self._writer, ids)

    def sessions(self, query: SessionQuery, now: int) -> Page:
        """See `Store.sessions`."""
        with self._reading() as reader:
            candidates = listing.narrow(query, now, self._idle_timeout)
            few = next((sql for sql in candidates if _names_few(reader, sql)), None)
            sql = listing.page(query, now, self._idle_timeout, few)
            rows = reader.execute(sql.text, sql.values).fetchall()
        shown = rows[: query.limit]
        following = (shown[-1][0], shown[-1][1]) if len(rows) > query.limit else None
        return Page([_known(*row[2:]) for row in shown], following)

    def session(self, session_id: str) -> Known | None:
        """See `Store.session`."""
        sql = "SELECT state, settled_at, revision FROM sessions WHERE session_id = ?"
        with self._reading() as reader:
            row = reader.execute(sql, (session_id,)).fetchone()
        return _known(*row) if row else None

    def events(self, session_id: str, source: str | None = None) -> list[Event]:
        """See `Store.events`."""
        sql = (
            f"SELECT session_id, {', '.join('events.' + name for name in _EVENT_FIELDS)}"
            " FROM sessions JOIN events ON session_no = no"
            " WHERE session_id = ? AND source = coalesce(?, source) ORDER BY at, event_id"
        )
        with self._reading() as reader:
            return [Event(*row) for row in reader.execute(sql, (session_id, source))]

    def waiting(self, destination: str, limit: int) -> list[OutboxRow]:
        """See `Store.waiting`."""
        with self._reading() as reader:
            return sqlite_ledger.waiting(reader, destination, limit)

    def parked(self, limit: int) -> list[OutboxRow]:
        """See `Store.parked`."""
        with self._reading() as reader:
            return sqlite_ledger.parked(reader, limit)

    def outbox(self) -> dict[str, OutboxState]:
        """See `Store.outbox`."""
        with self._reading() as reader:
            return sqlite_ledger.outbox(reader)

    def counters(self) -> Tally:
        """See `Store.counters`."""
        with self._reading() as reader:
            return sqlite_ledger.read_counters(reader)

    def open_sessions(self, now: int) -> dict[tuple[str | None, str | None], int]:
        """See `Store.open_sessions`."""
        sql = (
            "SELECT project_id, stage, count(*) FROM sessions INDEXED BY sessions_idle"
            " WHERE phase = 'OPEN' AND idle_at > ? GROUP BY project_id, stage"
        )
        with self._reading() as reader:
            rows = reader.execute(sql, (now - self._idle_timeout,))
            return {(project, stage): count for project, stage, count in rows}

    def close(self) -> None:
        """See `Store.close`."""
        self._writer.close()
        os.close(self._lock)

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

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        # One connection a query: no thread shares one, and opening takes well under 1 ms.
        uri = f"{self._path.absolute().as_uri()}?mode=ro"
        try:
            with closing(sqlite3.connect(uri, uri=True)) as reader:
                yield reader
        except sqlite3.ProgrammingError:
            raise
        except sqlite3.DatabaseError as error:
            raise StoreUnavailableError(str(error)) from error

    def _follow_up(self, change: Change) -> Callable[[], None]:
        """Write what follows from a change; what it gives is to be called after the commit."""
        if self._effects is None:
            return lambda: None
        followup = self._effects(change)
        sqlite_ledger.raise_counters(self._writer, followup.tally)
        sqlite_ledger.add_parcels(self._writer, followup.parcels, change.at)
        return followup.committed

    def _moving(self, state: SessionState) -> tuple[object, ...]:
        """Give the values of `_MOVING`."""
        due = derive.due_at(state, self._idle_timeout)
        return _encode(state).decode(), state.last[2], state.idle, due


def _changing(state: SessionState, told: Status | None) -> tuple[object, ...]:
    """Give the values of `_CHANGING`."""
    return (
        derive.kept(state, "user_id"),
        derive.kept(state, "email"),
        derive.kept(state, "submission_id"),
        derive.kept(state, "project_id"),
        derive.created_at(state),
        derive.expires_at(state),
        derive.phase(state).value,
        derive.highest_stage(state),
        state.decided[2] if state.decided else None,
        told.value if told else None,
    )


def _known(state: str, settled_at: int | None, revision: int) -> Known:
    return Known(_decode(state), settled_at, revision)


def _names_few(reader: sqlite3.Connection, sql: listing.Sql) -> bool:
    counting = f"SELECT count(*) FROM ({sql.text} LIMIT {listing.FEW + 1})"
    (count,) = reader.execute(counting, sql.values).fetchone()
    return bool(count <= listing.FEW)


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
