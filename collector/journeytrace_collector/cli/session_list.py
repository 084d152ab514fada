"""The list of sessions: a line each, with the columns that there is room for."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from os.path import commonprefix
from typing import Final

from rich.console import Console
from rich.text import Text

from journeytrace_collector.cli.client import Summary
from journeytrace_collector.cli.columns import Claim, Column, one_line_table
from journeytrace_collector.cli.terminal import (
    NOTHING,
    chip,
    moment,
    parse_time,
    plain,
    styled,
)

__all__ = ["print_sessions"]

# So much of a UUID tells sessions of one millisecond apart from all others, in version 7 too,
# where the first 48 bits are the time.
_SHORTEST_ID: Final = 13

_CUT: Final = "Cut ids are beginnings of ids: `show` finds a session by one."


def _or_nothing(value: str | None) -> Text:
    return styled(value) if value else Text(NOTHING, style="dim")


def _short(time: str) -> Text:
    return Text(f"{parse_time(time):%m-%d %H:%M}")


_SESSION = Column[Summary](
    "Session ID", lambda row: Text(plain(row["session_id"]), style="bold"), is_id=True
)
_CREATED = Column[Summary]("Created (UTC)", lambda row: moment(row["created_at"]))
_CREATED_SHORT = Column[Summary]("Created UTC", lambda row: _short(row["created_at"]))
_CODE = Column[Summary]("Support code", lambda row: Text(plain(row["support_code"])))
_EMAIL = Column[Summary]("Email", lambda row: _or_nothing(row["email"]))
_USER = Column[Summary]("User ID", lambda row: _or_nothing(row["user_id"]))
_SUBMISSION = Column[Summary]("Submission ID", lambda row: _or_nothing(row["submission_id"]))
_LAST = Column[Summary]("Last event", lambda row: Text(plain(row["last_event"])))
_UPDATED = Column[Summary]("Last update", lambda row: moment(row["last_event_at"]))
_STATUS = Column[Summary]("Status", lambda row: chip(row["status"]))
_DECISION = Column[Summary]("Decision", lambda row: _or_nothing(row["decision"]))
_REASON = Column[Summary]("Reason", lambda row: styled(row["reason"]))


def _order(created: Column[Summary]) -> Sequence[Column[Summary]]:
    """Give the columns from left to right.

    Decision stands beside the status: one says how far the session got, the other what was
    decided.
    """
    return (
        created,
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


def _claims(apart: int, created: Column[Summary]) -> Sequence[Claim[Summary]]:
    """Give what is asked for, the most important first: which, what came of it, when, why, who.

    `apart` is how much of the ids tells the rows apart.
    """
    return (
        Claim(_SESSION, _SHORTEST_ID),
        Claim(_STATUS),
        Claim(_DECISION),
        Claim(_SESSION, apart),
        Claim(created),
        Claim(_REASON, 20),
        Claim(_LAST, 16),
        Claim(_SESSION),
        Claim(_CODE),
        Claim(_REASON),
        Claim(_LAST, 24),
        Claim(_EMAIL, 40),
        Claim(_USER, 20),
        Claim(_SUBMISSION, 20),
        Claim(_LAST),
        Claim(_EMAIL),
        Claim(_USER),
        Claim(_SUBMISSION),
        Claim(_UPDATED),
    )


def print_sessions(out: Console, sessions: Sequence[Summary]) -> None:
    """Print one line a session, newest first as given; in a pipe nothing is cut."""
    ids = [plain(session["session_id"]) for session in sessions]
    apart = _apart(ids)
    # The whole time where everything else has its place, else the short one.
    for created in (_CREATED, _CREATED_SHORT):
        order = _order(created)
        table, widths = one_line_table(out, sessions, order, _claims(apart, created))
        if set(order) == set(widths):
            break
    out.print(table)
    if widths[_SESSION] < max(map(len, ids), default=0):
        out.print(Text(_CUT, style="dim italic"))


def _apart(ids: Sequence[str]) -> int:
    """Give the length at which the beginnings of the ids are all different."""
    # Sorted, so that those that are most alike are neighbours.
    neighbours = pairwise(sorted(set(ids)))
    return max(
        (len(commonprefix(pair)) + 1 for pair in neighbours),  # noqa: RUF071 - these are no paths
        default=0,
    )
