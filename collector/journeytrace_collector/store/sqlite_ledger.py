"""Counters and outbox of the SQLite store: what follows from a change, and what becomes of it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from typing import Final

from journeytrace_collector.core.change import Exemplar, Parcel, Tally
from journeytrace_collector.store.base import OUTBOX_BYTES, OutboxRow, OutboxState
from journeytrace_collector.store.ledger import (
    OUTBOX_ROW,
    PARKED_ROW,
    json_text,
    outbox_row,
    series,
)

__all__ = [
    "add_parcels",
    "delete_parcels",
    "outbox",
    "park",
    "parked",
    "raise_counters",
    "read_counters",
    "requeue",
    "waiting",
]

_RAISE: Final = (
    "INSERT INTO counters VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET value = value + excluded.value"
)


def raise_counters(connection: sqlite3.Connection, tally: Tally) -> None:
    """Let counters rise, and keep the newest exemplars."""
    rises = ((name, json_text(labels), by) for (name, labels), by in tally.rises.items())
    connection.executemany(_RAISE, rises)
    exemplars = (
        (name, json_text(labels), found.trace_id, found.value, found.at)
        for (name, labels), found in tally.exemplars.items()
    )
    connection.executemany("INSERT OR REPLACE INTO exemplars VALUES (?, ?, ?, ?, ?)", exemplars)


def read_counters(connection: sqlite3.Connection) -> Tally:
    """Give all counters as they stand."""
    counters = connection.execute("SELECT name, labels, value FROM counters")
    exemplars = connection.execute("SELECT name, labels, trace_id, value, at FROM exemplars")
    return Tally(
        {series(name, labels): value for name, labels, value in counters},
        {series(name, labels): Exemplar(*found) for name, labels, *found in exemplars},
    )


def add_parcels(connection: sqlite3.Connection, parcels: Iterable[Parcel], at: int) -> None:
    """Put parcels into the outbox, in their order."""
    connection.executemany(
        "INSERT INTO outbox (destination, at, session_id, headers, payload) VALUES (?, ?, ?, ?, ?)",
        (
            (parcel.destination, at, parcel.session_id, json_text(parcel.headers), parcel.payload)
            for parcel in parcels
        ),
    )


def waiting(connection: sqlite3.Connection, destination: str, limit: int) -> list[OutboxRow]:
    """See `Store.waiting`."""
    sql = (
        f"SELECT {OUTBOX_ROW} FROM outbox INDEXED BY outbox_waiting"
        " WHERE destination = ? AND reason IS NULL ORDER BY id LIMIT ?"
    )
    rows: list[OutboxRow] = []
    size = 0
    for row in map(outbox_row, connection.execute(sql, (destination, limit))):
        size += len(row.parcel.payload)
        if rows and size > OUTBOX_BYTES:
            break
        rows.append(row)
    return rows


def parked(connection: sqlite3.Connection, limit: int) -> list[OutboxRow]:
    """See `Store.parked`."""
    sql = f"SELECT {PARKED_ROW} FROM outbox WHERE reason IS NOT NULL ORDER BY id DESC LIMIT ?"
    return [outbox_row(row) for row in connection.execute(sql, (limit,))]


def outbox(connection: sqlite3.Connection) -> dict[str, OutboxState]:
    """See `Store.outbox`."""
    # Two scans of narrow indexes: the payloads, which are most of the table, are left alone.
    waits = dict(
        connection.execute(
            "SELECT destination, count(*) FROM outbox INDEXED BY outbox_waiting"
            " WHERE reason IS NULL GROUP BY destination"
        )
    )
    parks = dict(
        connection.execute(
            "SELECT destination, count(*) FROM outbox INDEXED BY outbox_parked"
            " WHERE reason IS NOT NULL GROUP BY destination"
        )
    )
    return {
        name: OutboxState(waits.get(name, 0), _oldest(connection, name), parks.get(name, 0))
        for name in sorted({*waits, *parks})
    }


def _oldest(connection: sqlite3.Connection, destination: str) -> int | None:
    first = (
        "SELECT at FROM outbox INDEXED BY outbox_waiting"
        " WHERE destination = ? AND reason IS NULL ORDER BY id LIMIT 1"
    )
    row = connection.execute(first, (destination,)).fetchone()
    return row[0] if row else None


def delete_parcels(connection: sqlite3.Connection, ids: Sequence[int]) -> None:
    """See `Store.delivered`."""
    connection.executemany("DELETE FROM outbox WHERE id = ?", ((row_id,) for row_id in ids))


def park(connection: sqlite3.Connection, row_id: int, reason: str) -> None:
    """See `Store.park`."""
    connection.execute("UPDATE outbox SET reason = ? WHERE id = ?", (reason, row_id))


def requeue(connection: sqlite3.Connection, ids: Sequence[int] | None) -> int:
    """See `Store.requeue`."""
    if ids is None:
        ids = [
            row[0] for row in connection.execute("SELECT id FROM outbox WHERE reason IS NOT NULL")
        ]
    moved = 0
    for row_id in sorted(ids):
        moved += connection.execute(
            "INSERT INTO outbox (destination, at, session_id, headers, payload)"
            " SELECT destination, at, session_id, headers, payload FROM outbox"
            " WHERE id = ? AND reason IS NOT NULL",
            (row_id,),
        ).rowcount
        connection.execute("DELETE FROM outbox WHERE id = ? AND reason IS NOT NULL", (row_id,))
    return moved
