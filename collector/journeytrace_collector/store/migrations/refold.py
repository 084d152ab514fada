"""The step that no SQL can take: states that remember more are folded anew from their events."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import msgspec

from journeytrace.catalogue import Catalogue
from journeytrace.identity import support_code, trace_id
from journeytrace_collector.core.derive import kept
from journeytrace_collector.core.model import Event
from journeytrace_collector.core.sessionize import state_of
from journeytrace_collector.store import sightings
from journeytrace_collector.store.tasks import COLUMNS, rows
from journeytrace_collector.store.writing import EVENT_FIELDS

__all__ = ["LACKING", "UNSEEN", "refold", "sight"]

LACKING: Final = 13
"""States that were written before this version lack something that the fold keeps now."""

UNSEEN: Final = 17
"""Before this version nothing was written of what each side saw of a session."""

_encode = msgspec.json.Encoder().encode


def refold(execute: Callable[[str, Any], Any], placeholder: str, catalogue: Catalogue) -> None:
    """Fold every session from its events, which are the truth, and write the columns that are new.

    A session of which no event is left is being erased, and stays as it is but for its code.
    """
    columns = ", ".join(EVENT_FIELDS)
    read = f"SELECT {columns} FROM events WHERE session_no = {placeholder}"
    new = "state", "marks", "reason", "last_error_code"
    values = ", ".join(f"{column} = {placeholder}" for column in new)
    write = f"UPDATE sessions SET {values} WHERE no = {placeholder}"
    places = ", ".join([placeholder] * len(COLUMNS))
    task = f"INSERT INTO tasks ({', '.join(COLUMNS)}) VALUES ({places})"
    name = f"UPDATE sessions SET support_code = {placeholder} WHERE no = {placeholder}"
    for no, session_id in execute("SELECT no, session_id FROM sessions", ()).fetchall():
        events = [Event(session_id, *row) for row in execute(read, (no,)).fetchall()]
        execute(name, (support_code(trace_id(session_id)), no))
        if events:
            state = state_of(events, catalogue)
            reason = state.decision[3] if state.decision else None
            text = _encode(state).decode()
            execute(write, (text, state.marks, reason, kept(state, "error_code"), no))
            for row in rows(no, state):
                execute(task, row)


def sight(execute: Callable[[str, Any], Any], placeholder: str, catalogue: Catalogue) -> None:
    """Write what each side saw of the sessions that have come to rest."""
    numbers = sightings.numbered(execute, placeholder, catalogue)
    read = sightings.READ.format(f"= {placeholder}") + sightings.IN_ORDER
    columns = ", ".join(f"{column} = {placeholder}" for column in sightings.COLUMNS)
    write = f"UPDATE sessions SET {columns} WHERE no = {placeholder}"
    for (no,) in execute("SELECT no FROM sessions WHERE settled_at IS NOT NULL", ()).fetchall():
        for row in sightings.values(numbers, (no,), execute(read, (no,)).fetchall()):
            execute(write, row)
