"""The step that no SQL can take: states that remember more are folded anew from their events."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import msgspec

from journeytrace.catalogue import Catalogue
from journeytrace_collector.core.model import Event
from journeytrace_collector.core.sessionize import state_of
from journeytrace_collector.store.writing import EVENT_FIELDS

__all__ = ["LACKING", "refold"]

LACKING: Final = 6
"""States that were written before this version lack something that the fold keeps now."""

_encode = msgspec.json.Encoder().encode


def refold(execute: Callable[[str, Any], Any], placeholder: str, catalogue: Catalogue) -> None:
    """Fold every session from its events, which are the truth; its columns stay as they are.

    A session of which no event is left is being erased, and stays as it is, too.
    """
    columns = ", ".join(EVENT_FIELDS)
    read = f"SELECT {columns} FROM events WHERE session_no = {placeholder}"
    write = f"UPDATE sessions SET state = {placeholder} WHERE no = {placeholder}"
    for no, session_id in execute("SELECT no, session_id FROM sessions", ()).fetchall():
        events = [Event(session_id, *row) for row in execute(read, (no,)).fetchall()]
        if events:
            execute(write, (_encode(state_of(events, catalogue)).decode(), no))
