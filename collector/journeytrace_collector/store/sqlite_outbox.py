"""The outbox of the SQLite store: what waits to leave, what is held back, what is parked.

One writer means that all parcels of a session's line always agree on when it is tried again.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from journeytrace_collector.core.change import Parcel
from journeytrace_collector.store.base import OUTBOX_BYTES, OutboxRow, OutboxState
from journeytrace_collector.store.ledger import OUTBOX_ROW, PARKED_ROW, json_text, outbox_row

__all__ = [
    "add_parcels",
    "again",
    "delete_parcels",
    "discard",
    "erase_parcels",
    "outbox",
    "park",
    "parked",
    "put_off",
    "requeue",
    "waiting",
]

_READY: Final = (
    "FROM outbox INDEXED BY outbox_ready WHERE destination = :destination"
    " AND reason IS NULL AND retry_at IS NULL AND session_id IS NOT NULL"
)
_PUT_OFF: Final = (
    "FROM outbox INDEXED BY outbox_put_off WHERE destination = :destination"
    " AND reason IS NULL AND retry_at IS NOT NULL AND session_id IS NOT NULL"
)
_SESSIONLESS: Final = (
    "FROM outbox INDEXED BY outbox_sessionless WHERE destination = :destination"
    " AND reason IS NULL AND session_id IS NULL"
)
# Asked of a parcel's session and destination. What joins a line that is held back waits with it.
_HELD: Final = (
    "SELECT {} FROM outbox AS held INDEXED BY outbox_held_line"
    " WHERE held.session_id = {} AND held.destination = {}"
    " AND held.reason IS NULL AND held.retry_at IS NOT NULL LIMIT 1"
)


def _columns(session_id: str, destination: str) -> str:
    failures = _HELD.format("failures", session_id, destination)
    retry_at = _HELD.format("retry_at", session_id, destination)
    return f"coalesce(({failures}), 0), ({retry_at})"


_ANY_HELD: Final = (
    "SELECT 1 FROM outbox INDEXED BY outbox_held_line"
    " WHERE reason IS NULL AND retry_at IS NOT NULL AND session_id IS NOT NULL LIMIT 1"
)
_INSERT: Final = (
    "INSERT INTO outbox (destination, at, session_id, headers, payload, failures, retry_at)"
    " VALUES (?1, ?2, ?3, ?4, ?5, {})"
)
_ADD: Final = _INSERT.format("0, NULL")
_ADD_TO_HELD: Final = _INSERT.format(_columns("?3", "?1"))
_ADD_AGAIN: Final = (
    "INSERT INTO outbox (destination, at, session_id, headers, payload, failures, retry_at)"
    " SELECT destination, at, session_id, headers, payload,"
    f" {_columns('gone.session_id', 'gone.destination')}"
    " FROM outbox AS gone WHERE id = ? AND reason IS NOT NULL"
)
_LINE_OF: Final = (
    "(session_id, destination) = (SELECT session_id, destination FROM outbox WHERE id = ?1)"
)
_FREE: Final = (
    f"UPDATE outbox SET failures = 0, retry_at = NULL WHERE {_LINE_OF}"
    " AND reason IS NULL AND retry_at IS NOT NULL AND session_id IS NOT NULL"
)


def add_parcels(connection: sqlite3.Connection, parcels: Iterable[Parcel], at: int) -> None:
    """Put parcels into the outbox, in their order."""
    connection.executemany(
        _ADD_TO_HELD if _any_held(connection) else _ADD,
        (
            (parcel.destination, at, parcel.session_id, json_text(parcel.headers), parcel.payload)
            for parcel in parcels
        ),
    )


def _any_held(connection: sqlite3.Connection) -> bool:
    """Whether any session's line is held back: mostly none is, and then none need be looked for."""
    return connection.execute(_ANY_HELD).fetchone() is not None


def waiting(
    connection: sqlite3.Connection, destination: str, limit: int, now: int, skip: float
) -> list[OutboxRow]:
    """See `Store.waiting`."""
    given: dict[str, object] = {"destination": destination, "limit": limit, "now": now}
    if skip:
        return _from_within(connection, given, skip)
    ready = connection.execute(f"SELECT {OUTBOX_ROW} {_READY} ORDER BY id LIMIT :limit", given)
    rows = _fitting(map(outbox_row, ready))
    first = connection.execute(
        f"SELECT retry_at {_SESSIONLESS} ORDER BY id LIMIT 1", given
    ).fetchone()
    if first and (first[0] is None or first[0] <= now):
        sessionless = f"SELECT {OUTBOX_ROW} {_SESSIONLESS} ORDER BY id LIMIT :limit"
        own = _fitting(map(outbox_row, connection.execute(sessionless, given)))
        rows = _fitting(sorted([*rows, *own], key=lambda row: row.id)[:limit])
    return rows


def _fitting(rows: Iterable[OutboxRow]) -> list[OutboxRow]:
    """Give the first rows, as many as may be handed out at once; the rest is not read."""
    fitting: list[OutboxRow] = []
    size = 0
    for row in rows:
        size += len(row.parcel.payload)
        if fitting and size > OUTBOX_BYTES:
            break
        fitting.append(row)
    return fitting


def _from_within(
    connection: sqlite3.Connection, given: dict[str, object], skip: float
) -> list[OutboxRow]:
    first, last = (
        connection.execute(f"SELECT {end}(id) {_READY}", given).fetchone()[0] or 0
        for end in ("min", "max")
    )
    given["passed"] = first + int((last - first) * skip) - 1
    some = f"SELECT * {_READY} AND id > :passed ORDER BY id LIMIT :limit"
    earlier = (
        "SELECT 1 FROM outbox AS earlier WHERE earlier.session_id = some.session_id"
        " AND earlier.destination = some.destination AND earlier.reason IS NULL"
        " AND earlier.id <= :passed"
    )
    sql = f"SELECT {OUTBOX_ROW} FROM ({some}) AS some WHERE NOT EXISTS ({earlier}) ORDER BY id"
    return _fitting(map(outbox_row, connection.execute(sql, given)))


def again(
    connection: sqlite3.Connection, destination: str, limit: int, now: int
) -> list[OutboxRow]:
    """See `Store.again`."""
    sql = (
        f"SELECT {OUTBOX_ROW} {_PUT_OFF} AND retry_at <= :now"
        " ORDER BY retry_at, session_id, id LIMIT :limit"
    )
    given = {"destination": destination, "limit": limit, "now": now}
    return _fitting(map(outbox_row, connection.execute(sql, given)))


def parked(connection: sqlite3.Connection, limit: int) -> list[OutboxRow]:
    """See `Store.parked`."""
    sql = f"SELECT {PARKED_ROW} FROM outbox WHERE reason IS NOT NULL ORDER BY id DESC LIMIT ?"
    return [outbox_row(row) for row in connection.execute(sql, (limit,))]


def outbox(connection: sqlite3.Connection) -> dict[str, OutboxState]:
    """See `Store.outbox`."""
    # Narrow indexes alone are read: the payloads, which are most of the table, are left alone.
    kinds = [f"SELECT destination, 0 AS parked, id, NULL AS held {_all(_READY)}"]
    kinds += [f"SELECT destination, 0, id, session_id {_all(_PUT_OFF)}"]
    kinds += [f"SELECT destination, 0, id, NULL {_all(_SESSIONLESS)}"]
    kinds += ["SELECT destination, 1, id, NULL FROM outbox INDEXED BY outbox_parked"]
    kinds[-1] += " WHERE reason IS NOT NULL"
    sql = (
        "SELECT destination, count(*) - sum(parked), min(id) FILTER (WHERE NOT parked),"
        " sum(parked), count(DISTINCT held), min(id) FILTER (WHERE held IS NOT NULL)"
        f" FROM ({' UNION ALL '.join(kinds)}) GROUP BY destination"
    )
    states = {}
    for name, waits, first, parks, lines, held in connection.execute(sql):
        own = _held_sessionless(connection, name)
        oldest = min((row_id for row_id in (held, own) if row_id is not None), default=None)
        states[name] = OutboxState(
            waits,
            _at(connection, first),
            parks,
            lines + (own is not None),
            _at(connection, oldest),
        )
    return states


def _all(one_destination: str) -> str:
    return one_destination.replace("destination = :destination AND ", "")


def _held_sessionless(connection: sqlite3.Connection, destination: str) -> int | None:
    """Give the first parcel of the line without a session, if that line is held back."""
    sql = f"SELECT id, retry_at {_SESSIONLESS} ORDER BY id LIMIT 1"
    row = connection.execute(sql, {"destination": destination}).fetchone()
    return row[0] if row and row[1] is not None else None


def _at(connection: sqlite3.Connection, row_id: int | None) -> int | None:
    row = connection.execute("SELECT at FROM outbox WHERE id = ?", (row_id,)).fetchone()
    return row[0] if row else None


def delete_parcels(connection: sqlite3.Connection, ids: Sequence[int]) -> None:
    """See `Store.delivered`."""
    numbers = [(row_id,) for row_id in ids]
    if _any_held(connection):
        connection.executemany(_FREE, numbers)
    connection.executemany("DELETE FROM outbox WHERE id = ?", numbers)


def put_off(connection: sqlite3.Connection, until: Mapping[int, int]) -> None:
    """See `Store.put_off`."""
    count = (
        "UPDATE outbox SET failures = failures + 1, retry_at = ?2 WHERE id = ?1 AND reason IS NULL"
    )
    follow = (
        "UPDATE outbox SET retry_at = ?2,"
        " failures = (SELECT failures FROM outbox WHERE id = ?1)"
        f" WHERE {_LINE_OF} AND reason IS NULL AND id <> ?1"
    )
    for row_id, at in until.items():
        connection.execute(count, (row_id, at))
        connection.execute(follow, (row_id, at))


def park(connection: sqlite3.Connection, row_id: int, reason: str) -> None:
    """See `Store.park`."""
    sql = "UPDATE outbox SET reason = ?, failures = 0, retry_at = NULL WHERE id = ?"
    connection.execute(sql, (reason, row_id))


def requeue(connection: sqlite3.Connection, ids: Sequence[int] | None) -> int:
    """See `Store.requeue`."""
    if ids is None:
        ids = [
            row[0] for row in connection.execute("SELECT id FROM outbox WHERE reason IS NOT NULL")
        ]
    moved = 0
    for row_id in sorted(ids):
        moved += connection.execute(_ADD_AGAIN, (row_id,)).rowcount
        _discard_one(connection, row_id)
    return moved


def discard(connection: sqlite3.Connection, ids: Sequence[int] | None) -> int:
    """See `Store.discard`."""
    if ids is None:
        return connection.execute("DELETE FROM outbox WHERE reason IS NOT NULL").rowcount
    return sum(_discard_one(connection, row_id) for row_id in ids)


def _discard_one(connection: sqlite3.Connection, row_id: int) -> int:
    sql = "DELETE FROM outbox WHERE id = ? AND reason IS NOT NULL"
    return connection.execute(sql, (row_id,)).rowcount


def erase_parcels(connection: sqlite3.Connection, before: int, limit: int) -> list[OutboxRow]:
    """See `Store.erase_parcels`."""
    sql = f"SELECT {PARKED_ROW} FROM outbox INDEXED BY outbox_at WHERE at < ? ORDER BY at LIMIT ?"
    rows = [outbox_row(row) for row in connection.execute(sql, (before, limit))]
    connection.executemany("DELETE FROM outbox WHERE id = ?", ((row.id,) for row in rows))
    return rows
