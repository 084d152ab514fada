"""Sessions that the writer of the SQLite store remembers, and rows that it has still to write.

Events are the truth, and are on disk before anybody is answered. A session's row is a projection of
them: that of a session that goes on is written about a second later, once for all the events of
that second, and until then the writer, of which there is one, knows what it will say. What was told
outside, and what a session waits for to settle, is never behind.

A mark in the store says up to which event all rows are complete. What came after it when a process
was killed is folded anew by the next one.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Final

import msgspec

from journeytrace.conventions import Status
from journeytrace.identity import support_code, trace_id
from journeytrace_collector.core import derive
from journeytrace_collector.core.derive import Pending
from journeytrace_collector.core.model import Event
from journeytrace_collector.core.retention import Retention
from journeytrace_collector.core.sessionize import SessionState
from journeytrace_collector.store.idling import minute
from journeytrace_collector.store.writing import (
    CHANGING,
    EVENT_FIELDS,
    MOVING,
    Row,
    Saved,
    Writing,
    changing_values,
    moving_values,
)

__all__ = ["COLUMNS", "Behind", "row_of"]

SECONDS: Final = 1.0
"""How long a row may be behind while there is traffic; without any, a tenth of that."""
MOST: Final = 20_000
"""Sessions that are remembered, some 4 KB each, and rows that can be behind: a start folds them."""
STEPS: Final = 8
"""Transactions over which the rows of a second are spread, so that none is held up by them."""
AT_ONCE: Final = 100
"""Rows that one of these writes at least."""

COLUMNS: Final = (*MOVING, *CHANGING, "idle_minute", "arrived_minute")
"""Of a session's row: what its events say, or what was told of it."""
_BY_EVENTS: Final = frozenset((Pending.IDLE, Pending.QUIET))
"""What the events say that a session waits for: else it has settled."""
_PENDING: Final = COLUMNS[1:].index("pending")

_FIND: Final = f"SELECT no, told, {', '.join(COLUMNS)} FROM sessions WHERE session_id = ?"
_INSERT: Final = (
    f"INSERT INTO sessions (no, session_id, support_code, {', '.join(COLUMNS)})"
    f" VALUES (?, ?, ?{', ?' * len(COLUMNS)})"
)
_NEWEST: Final = "SELECT coalesce(max(rowid), 0) FROM events"
_SET_MARK: Final = "UPDATE projection SET mark = ?"
_AFTER_MARK: Final = (
    "SELECT DISTINCT session_no FROM events WHERE rowid > (SELECT mark FROM projection)"
)
_EVENTS: Final = f"SELECT {', '.join(EVENT_FIELDS)} FROM events WHERE session_no = ?"


class _Session(msgspec.Struct, frozen=True, gc=False):
    """What the writer knows of a session."""

    no: int
    state: SessionState
    told: Status
    pending: Pending | None
    row: tuple[object, ...]
    """What stands in its row, all but the state; empty: nobody knows."""
    first: int = 0
    """The rowid of an event from which on the row may not tell all; 0: it tells everything."""


class Behind:
    """What is remembered between transactions, and staged in the one that is open."""

    def __init__(
        self,
        connection: sqlite3.Connection,
        writing: Writing,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._execute = connection.execute
        self._writing = writing
        self._clock = clock
        self._known: dict[str, _Session] = {}
        """Committed; in the order in which they were touched last."""
        self._behind: dict[str, None] = {}
        """Those of them whose rows are, the longest first."""
        self._staged: dict[str, _Session | None] = {}
        """By the open transaction; None: to be remembered no longer."""
        self._first = 0
        """Where the events of the open transaction begin."""
        self._mark = -1
        self._swept: list[str] = []
        """What is still to be written of what was behind when the second began; the last first."""
        self._began = self._clock()
        self._each = 0

    def __len__(self) -> int:
        """Give how many rows are behind."""
        return len(self._behind)

    def state(self, session_id: str) -> SessionState | None:
        """Give a session as it is; None: it is not remembered, and its row tells everything.

        From any thread.
        """
        known = self._known.get(session_id)
        return known.state if known else None

    def begin(self) -> int:
        """Note and give where the events begin that are inserted from now on."""
        self._first = self._newest() + 1
        return self._first

    def take(self, session_id: str) -> Row | None:
        """Give what is known of a session, from its row if need be; None: there is none."""
        known = self._session(session_id)
        if known is None:
            found = self._execute(_FIND, (session_id,)).fetchone()
            if found is None:
                return None
            no, told, state, *values = found
            row = self._writing.row(no, session_id, state, told, values[_PENDING])
            if row.before is not None:
                known = _Session(no, row.before, Status(told), row.pending, tuple(values))
                self._staged[session_id] = known
            return row
        told = known.told if known.state.begun else None
        return Row(known.no, session_id, known.state, told, known.pending)

    def save(self, saved: Saved) -> None:
        """Write a row, or remember what it is to say."""
        no, change, pending = saved
        after, told = change.after, change.status
        session_id = after.session_id
        was = self._session(session_id) if change.before else None
        if was is None:
            values = self._values(after, told, pending)
            code = support_code(trace_id(session_id))
            self._execute(_INSERT, (no, session_id, code, *values))
            self._staged[session_id] = _Session(no, after, told, pending, values[1:])
            return
        known = _Session(no, after, told, pending, was.row, was.first or self._first)
        if told is was.told and (pending is was.pending or {pending, was.pending} == _BY_EVENTS):
            self._staged[session_id] = known
        else:
            self._write(session_id, known)

    def write(self, session_ids: Iterable[str]) -> int:
        """Bring the rows of these sessions up to date; gives how many were behind."""
        count = 0
        for session_id in session_ids:
            known = self._session(session_id)
            if known is not None and known.first:
                self._write(session_id, known)
                count += 1
        return count

    def sweep(self) -> None:
        """Write rows that have been behind for long, in the transaction of something else."""
        now = self._clock()
        if not self._swept and now - self._began >= SECONDS:
            # Rows of sessions that began together share pages, and a page is written as a whole.
            self._swept = self._in_order()[::-1]
            self._began, self._each = now, max(AT_ONCE, len(self._swept) // STEPS)
        many = max(self._each, len(self._behind) - MOST)
        self.write(self._swept.pop() for _ in range(min(many, len(self._swept))))

    def write_some(self, limit: int) -> int:
        """Write rows that are behind; gives how many."""
        return self.write(self._in_order()[:limit])

    def _in_order(self) -> list[str]:
        return sorted(self._behind, key=lambda session_id: self._known[session_id].no)

    def forget(self, session_ids: Iterable[str]) -> None:
        """Remember sessions no longer whose rows others have changed or deleted."""
        self._staged.update(dict.fromkeys(session_ids))

    def forget_all(self) -> None:
        """Remember nothing."""
        self.forget([*self._known, *self._staged])

    def finish(self) -> None:
        """Move the mark, last of all in a transaction."""
        firsts = [known.first for known in self._staged.values() if known and known.first]
        still = next((one for one in self._behind if one not in self._staged), None)
        if still is not None:
            firsts.append(self._known[still].first)
        self._set_mark(min(firsts) - 1 if firsts else self._newest())

    def committed(self) -> None:
        """Take over what the transaction has staged."""
        known, behind = self._known, self._behind
        for session_id, session in self._staged.items():
            known.pop(session_id, None)
            if session is not None:
                known[session_id] = session
            if session is None or not session.first:
                behind.pop(session_id, None)
            else:
                behind.setdefault(session_id)
        self._staged.clear()
        while len(known) > MOST:
            oldest = next(iter(known))
            if oldest in behind:
                break
            del known[oldest]

    def rolled_back(self) -> None:
        """Drop what the transaction has staged."""
        self._staged.clear()
        self._mark = -1

    def catch_up(self) -> None:
        """Fold what a process that was killed had not projected; in a transaction, at start."""
        for (no,) in self._execute(_AFTER_MARK).fetchall():
            find = "SELECT session_id, state, told, pending FROM sessions WHERE no = ?"
            found = self._execute(find, (no,)).fetchone()
            if found is None:
                continue
            session_id, text, told, pending = found
            row = self._writing.row(no, session_id, text, told, pending)
            events = [Event(session_id, *event) for event in self._execute(_EVENTS, (no,))]
            state = self._writing.refolded(text, events)
            waits = derive.pending(state) if row.pending in _BY_EVENTS else row.pending
            self._write(session_id, _Session(no, state, Status(told), waits, ()))
        self._set_mark(self._newest())
        self._staged.clear()

    def _newest(self) -> int:
        (newest,) = self._execute(_NEWEST).fetchone()
        return int(newest)

    def _set_mark(self, mark: int) -> None:
        if mark != self._mark:
            self._execute(_SET_MARK, (mark,))
            self._mark = mark

    def _session(self, session_id: str) -> _Session | None:
        if session_id in self._staged:
            return self._staged[session_id]
        return self._known.get(session_id)

    def _write(self, session_id: str, known: _Session) -> None:
        text, *values = self._values(known.state, known.told, known.pending)
        changed = tuple(
            n for n, value in enumerate(values) if not known.row or value != known.row[n]
        )
        self._execute(_update(changed), (text, *[values[n] for n in changed], known.no))
        self._staged[session_id] = _Session(
            known.no, known.state, known.told, known.pending, tuple(values)
        )

    def _values(
        self, state: SessionState, told: Status, pending: Pending | None
    ) -> tuple[object, ...]:
        return row_of(state, told, pending, self._writing.retention)


def row_of(
    state: SessionState, told: Status, pending: Pending | None, retention: Retention
) -> tuple[object, ...]:
    """Give the values of `COLUMNS`."""
    moving = moving_values(state, pending)
    changing = changing_values(state, told, retention)
    return (*moving, *changing, minute(state.idle), minute(state.arrived))


@lru_cache(maxsize=1_000)
def _update(changed: tuple[int, ...]) -> str:
    # SQLite rewrites the index entries of every column that an UPDATE names, changed or not.
    columns = "".join(f", {COLUMNS[1 + n]} = ?" for n in changed)
    return f"UPDATE sessions SET state = ?{columns} WHERE no = ?"
