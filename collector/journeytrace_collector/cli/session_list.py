"""The list of sessions, folded to the width there is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from rich.console import Console
from rich.text import Text

from journeytrace_collector.cli.client import Summary
from journeytrace_collector.cli.terminal import (
    NOTHING,
    Field,
    Layout,
    Stack,
    as_table,
    chip,
    fits,
    moment,
    plain,
    styled,
)

__all__ = ["print_sessions"]


def _or_nothing(value: str | None) -> Text:
    return styled(value) if value else Text(NOTHING, style="dim")


_CREATED = Field[Summary]("Created (UTC)", lambda row: moment(row["created_at"]))
_SESSION = Field[Summary]("Session ID", lambda row: Text(plain(row["session_id"]), style="bold"))
_EMAIL = Field[Summary]("Email", lambda row: _or_nothing(row["email"]))
_USER = Field[Summary]("User ID", lambda row: _or_nothing(row["user_id"]))
_SUBMISSION = Field[Summary]("Submission ID", lambda row: _or_nothing(row["submission_id"]))
_LAST = Field[Summary]("Last event", lambda row: Text(plain(row["last_event"])))
_UPDATED = Field[Summary]("Last update", lambda row: moment(row["last_event_at"]))
_CODE = Field[Summary]("Support code", lambda row: Text(plain(row["support_code"])))
_STATUS = Field[Summary]("Status", lambda row: chip(row["status"]))
_DECISION = Field[Summary]("Decision", lambda row: _or_nothing(row["decision"]))
_REASON = Field[Summary]("Reason", lambda row: styled(row["reason"]))

_FIELDS: Final = (
    _CREATED,
    _SESSION,
    _CODE,
    _EMAIL,
    _USER,
    _SUBMISSION,
    _LAST,
    _UPDATED,
    _STATUS,
    _DECISION,
    _REASON,
)

# The widest first. Decision always has a column of its own beside the status: one says how far the
# session got, the other what was decided.
_LAYOUTS: Final[Sequence[Layout[Summary]]] = (
    tuple(Stack((field,)) for field in _FIELDS),
    (
        Stack((_CREATED, _UPDATED)),
        Stack((_SESSION, _SUBMISSION)),
        Stack((_EMAIL, _USER)),
        Stack((_LAST,)),
        Stack((_STATUS,)),
        Stack((_DECISION,)),
        Stack((_REASON,)),
    ),
    (
        Stack((_SESSION, _EMAIL, _LAST, _REASON)),
        Stack((_CREATED, _UPDATED, _USER, _SUBMISSION)),
        Stack((_STATUS,)),
        Stack((_DECISION,)),
    ),
    (
        Stack((_SESSION, _SUBMISSION, _EMAIL, _LAST, _REASON)),
        Stack((_CREATED, _UPDATED, _USER)),
        Stack((_STATUS,)),
        Stack((_DECISION,)),
    ),
)


def print_sessions(out: Console, sessions: Sequence[Summary]) -> None:
    """Print one row a session, newest first as given; nothing is ever cut."""
    tables = (as_table(sessions, layout) for layout in _LAYOUTS)
    table = next((table for table in tables if fits(out, table)), None)
    if table is not None:
        out.print(table)
        return
    for session in sessions:
        _print_record(out, session)


def _print_record(out: Console, session: Summary) -> None:
    """Print one value a line; the terminal folds a long one, which keeps it whole to copy."""
    for field in _FIELDS:
        line = Text.assemble((f"{field.label:<14}", "dim"), field.cell(session))
        out.print(line, soft_wrap=True)
    out.print()
