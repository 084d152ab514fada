"""Whether the rows of a SQLite store are the fold of its events."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import msgspec

from journeytrace.catalogue import builtin_catalogue
from journeytrace.conventions import Status
from journeytrace_collector.core.derive import Pending, pending
from journeytrace_collector.core.model import Event
from journeytrace_collector.core.retention import Retention
from journeytrace_collector.core.sessionize import SessionState, fold
from journeytrace_collector.store import periods
from journeytrace_collector.store.sqlite import FILE_NAME
from journeytrace_collector.store.sqlite_behind import COLUMNS, row_of
from journeytrace_collector.store.writing import EVENT_FIELDS

_SESSIONS = f"SELECT no, session_id, {', '.join(COLUMNS)} FROM sessions"  # noqa: S608
_EVENTS = f"SELECT {', '.join(EVENT_FIELDS)} FROM events WHERE session_no = ?"  # noqa: S608

_state = msgspec.json.Decoder(SessionState).decode


def rows_behind(folder: Path) -> list[str]:
    """Give the sessions of which some column is not what the fold of all of their events says.

    Behind the store's back, from its file as it is now.
    """
    catalogue = builtin_catalogue()
    behind = []
    with closing(sqlite3.connect(folder / FILE_NAME)) as file:
        retention = Retention(periods.period_of(row) for row in file.execute(periods.READ))
        for no, session_id, *row in file.execute(_SESSIONS).fetchall():
            found = file.execute(_EVENTS, (no,))
            events = [Event(session_id, *event) for event in found]
            state = fold(events, catalogue)[session_id]
            kept = dict(zip(COLUMNS, row, strict=True))
            waits = Pending(kept["pending"]) if kept["pending"] else None
            if waits in {Pending.IDLE, Pending.QUIET}:
                waits = pending(state)
            told = Status(kept["told"])
            if _state(row[0]) != state or row[1:] != [*row_of(state, told, waits, retention)][1:]:
                behind.append(session_id)
    return behind


def killed(folder: Path, copy: Path) -> Path:
    """Copy a store's files as they are, as a kill would leave them; gives the folder."""
    copy.mkdir()
    for file in folder.iterdir():
        if file.name.startswith(FILE_NAME):
            (copy / file.name).write_bytes(file.read_bytes())
            (copy / file.name).chmod(0o600)
    return copy
