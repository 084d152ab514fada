"""How series and parcels are written into columns, and read back: the same in every store."""

from __future__ import annotations

from typing import Final

import msgspec

from journeytrace_collector.core.change import Parcel, Series
from journeytrace_collector.store.base import MOST_VERSIONS, OutboxRow

__all__ = ["OUTBOX_ROW", "PARKED_ROW", "json_text", "outbox_row", "remembered", "series"]

OUTBOX_ROW: Final = "id, at, destination, payload, session_id, headers, reason, failures"
"""The columns that `outbox_row` reads."""

PARKED_ROW: Final = OUTBOX_ROW.replace("payload", "substr(payload, 1, 0)")
"""The same without the payload, which can be large and is not for people to read."""


def outbox_row(row: tuple[int, int, str, bytes, str | None, str, str | None, int]) -> OutboxRow:
    """Read a row of the outbox."""
    row_id, at, destination, payload, session_id, headers, reason, failures = row
    parcel = Parcel(destination, payload, session_id, msgspec.json.decode(headers))
    return OutboxRow(row_id, at, parcel, reason, failures)


def series(name: str, labels: str) -> Series:
    """Read the columns of a series."""
    return name, tuple(msgspec.json.decode(labels))


def remembered(
    known: frozenset[tuple[str, str]], noted: frozenset[tuple[str, str]]
) -> frozenset[tuple[str, str]]:
    """Give the versions that need not be noted again; begins anew before they are too many."""
    return noted if len(known) > 5 * MOST_VERSIONS else known | noted


def json_text(value: object) -> str:
    """Write labels or headers."""
    return msgspec.json.encode(value).decode()
