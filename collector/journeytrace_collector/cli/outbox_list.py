"""The outbox as two tables: destinations, and parked parcels."""

from __future__ import annotations

from typing import Final

from rich.console import Console
from rich.text import Text

from journeytrace_collector.cli.client import Destination, Outbox, Parked
from journeytrace_collector.cli.terminal import (
    NOTHING,
    Field,
    Layout,
    Stack,
    as_table,
    moment,
    plain,
    styled,
)

__all__ = ["print_outbox"]

_DESTINATIONS: Final[Layout[Destination]] = (
    Stack((Field("Destination", lambda row: Text(plain(row["name"]), style="bold")),)),
    Stack((Field("Waiting", lambda row: Text(str(row["waiting"]))),)),
    Stack((Field("Oldest (UTC)", lambda row: moment(row["oldest_at"])),)),
    Stack((Field("Backing off", lambda row: Text(str(row["backing_off"]))),)),
    Stack((Field("Since (UTC)", lambda row: moment(row["backing_off_since"])),)),
    Stack((Field("Parked", lambda row: Text(str(row["parked"]))),)),
)
_PARKED: Final[Layout[Parked]] = (
    Stack((Field("ID", lambda row: Text(str(row["id"]), style="bold")),)),
    Stack((Field("Destination", lambda row: styled(row["destination"])),)),
    Stack((Field("Session ID", lambda row: styled(row["session_id"] or NOTHING)),)),
    Stack((Field("Since (UTC)", lambda row: moment(row["since"])),)),
    Stack((Field("Reason", lambda row: styled(row["reason"])),), folds=True),
)


def print_outbox(out: Console, found: Outbox) -> None:
    """Print the destinations, then the parked parcels if there are any."""
    out.print(as_table(found["destinations"], _DESTINATIONS))
    if found["parked"]:
        out.print()
        out.print(as_table(found["parked"], _PARKED))
