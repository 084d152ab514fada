"""The outbox as two tables: destinations, and parked parcels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from rich.console import Console
from rich.text import Text

from journeytrace_collector.cli.client import Destination, Outbox, Parked
from journeytrace_collector.cli.terminal import (
    NOTHING,
    Field,
    Layout,
    Stack,
    best_table,
    moment,
    plain,
    styled,
)

__all__ = ["print_outbox"]

_NAME = Field[Destination]("Destination", lambda row: Text(plain(row["name"]), style="bold"))
_WAITING = Field[Destination]("Waiting", lambda row: Text(str(row["waiting"])))
_OLDEST = Field[Destination]("Oldest (UTC)", lambda row: moment(row["oldest_at"]))
_BACKING_OFF = Field[Destination]("Backing off", lambda row: Text(str(row["backing_off"])))
_OFF_SINCE = Field[Destination]("Since (UTC)", lambda row: moment(row["backing_off_since"]))
_WAITING_SINCE = Field[Destination]("Waiting, oldest (UTC)", _WAITING.cell)
_OFF_WITH_SINCE = Field[Destination]("Backing off, since", _BACKING_OFF.cell)
_PARKED_NOW = Field[Destination]("Parked", lambda row: Text(str(row["parked"])))

_ID = Field[Parked]("ID", lambda row: Text(str(row["id"]), style="bold"))
_TO = Field[Parked]("Destination", lambda row: styled(row["destination"]))
_SESSION = Field[Parked]("Session ID", lambda row: styled(row["session_id"] or NOTHING))
_SINCE = Field[Parked]("Since (UTC)", lambda row: moment(row["since"]))
_REASON = Field[Parked]("Reason", lambda row: styled(row["reason"]))
_WHAT = Field[Parked]("Session, reason", _SESSION.cell)

_DESTINATIONS: Final[Sequence[Layout[Destination]]] = (
    tuple(
        Stack((field,))
        for field in (_NAME, _WAITING, _OLDEST, _BACKING_OFF, _OFF_SINCE, _PARKED_NOW)
    ),
    (
        Stack((_NAME,), folds=True),
        Stack((_WAITING_SINCE, _OLDEST)),
        Stack((_OFF_WITH_SINCE, _OFF_SINCE)),
        Stack((_PARKED_NOW,)),
    ),
)
_PARKED: Final[Sequence[Layout[Parked]]] = (
    (*(Stack((field,)) for field in (_ID, _TO, _SESSION, _SINCE)), Stack((_REASON,), folds=True)),
    (Stack((_ID,)), Stack((_TO, _SINCE)), Stack((_WHAT, _REASON), folds=True)),
)


def print_outbox(out: Console, found: Outbox) -> None:
    """Print the destinations, then the parked parcels if there are any."""
    out.print(best_table(out, found["destinations"], _DESTINATIONS))
    if found["parked"]:
        out.print()
        out.print(best_table(out, found["parked"], _PARKED))
