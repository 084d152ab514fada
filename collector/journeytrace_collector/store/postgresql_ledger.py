"""Counters and outbox of the PostgreSQL store, for several collectors on one database.

Counters are each collector's own. Parcels are handed out for a time and by line, a line being what
must stay in order: a session's parcels, or those of one collector that belong to no session. While
one of a line is out, no other collector is handed any of that line.
"""

from __future__ import annotations

from collections.abc import Sequence
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
from journeytrace_collector.store.postgresql_arrays import array, arrays, unnest
from journeytrace_collector.store.postgresql_connections import Connection

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

_COUNTER: Final = {"name": "text", "labels": "text", "value": "double precision"}
_RAISE: Final = (
    f"INSERT INTO counters SELECT %s, name, labels, value FROM {unnest(_COUNTER)}"
    " ON CONFLICT (collector, name, labels)"
    " DO UPDATE SET value = counters.value + excluded.value"
)
_EXEMPLAR: Final = _COUNTER | {"at": "bigint", "trace_id": "text"}
_KEEP_EXEMPLARS: Final = (
    "INSERT INTO exemplars"
    f" SELECT %s, name, labels, trace_id, value, at FROM {unnest(_EXEMPLAR)}"
    " ON CONFLICT (collector, name, labels)"
    " DO UPDATE SET trace_id = excluded.trace_id, value = excluded.value, at = excluded.at"
)
_READ: Final = (
    "SELECT name, labels, coalesce(sum(value) FILTER (WHERE collector = %s), 0)"
    " FROM counters GROUP BY name, labels"
)
_READ_EXEMPLARS: Final = (
    "SELECT name, labels, trace_id, value, at FROM exemplars WHERE collector = %s"
)
_ADD: Final = (
    "INSERT INTO outbox (destination, line, at, session_id, headers, payload)"
    " VALUES (%s, %s, %s, %s, %s, %b)"
)
# One hand-out at a time for each destination: two at once could not see what the other gives out.
_TURN: Final = "SELECT pg_advisory_xact_lock(hashtextextended('journeytrace outbox ' || %s, 0))"
_HAND_OUT: Final = f"""
WITH busy AS MATERIALIZED (
    SELECT DISTINCT line FROM outbox
    WHERE destination = %(destination)s AND reason IS NULL
        AND leased_until > clock_timestamp() AND leased_by <> %(me)s
), first AS MATERIALIZED (
    SELECT id, octet_length(payload) AS size FROM outbox
    WHERE destination = %(destination)s AND reason IS NULL
        AND line NOT IN (SELECT line FROM busy)
    ORDER BY id LIMIT %(limit)s
    FOR UPDATE SKIP LOCKED -- what is being erased or has just arrived
), fitting AS MATERIALIZED (
    SELECT id, sum(size) OVER (ORDER BY id) AS size, min(id) OVER () AS first FROM first
)
UPDATE outbox
SET leased_by = %(me)s, leased_until = clock_timestamp() + make_interval(secs => %(lease)s)
WHERE id IN (SELECT id FROM fitting WHERE id = first OR size <= {OUTBOX_BYTES})
RETURNING {OUTBOX_ROW}
"""
# Rows are locked by number, as everybody does who takes several.
_DELETE: Final = (
    "DELETE FROM outbox WHERE id IN"
    " (SELECT id FROM outbox WHERE id = ANY(%s::bigint[]) ORDER BY id FOR UPDATE)"
)
_REQUEUE: Final = """
WITH chosen AS MATERIALIZED (
    SELECT id FROM outbox
    WHERE reason IS NOT NULL AND (%(ids)s::bigint[] IS NULL OR id = ANY(%(ids)s::bigint[]))
    ORDER BY id FOR UPDATE
), gone AS (
    DELETE FROM outbox WHERE id IN (SELECT id FROM chosen) RETURNING *
)
INSERT INTO outbox (destination, line, at, session_id, headers, payload)
SELECT destination, line, at, session_id, headers, payload FROM gone ORDER BY id
"""
_COUNT: Final = "SELECT destination, count(*) FROM outbox WHERE reason IS {} GROUP BY destination"
_OLDEST: Final = (
    "SELECT at FROM outbox WHERE destination = %s AND reason IS NULL ORDER BY id LIMIT 1"
)


def raise_counters(connection: Connection, collector: str, tally: Tally) -> None:
    """Let a collector's counters rise, and keep its newest exemplars."""
    # In one order, for a name that was given twice must not make two collectors wait in a ring.
    rises = sorted((name, json_text(labels), by) for (name, labels), by in tally.rises.items())
    if rises:
        connection.execute(_RAISE, (collector, *arrays(rises)))
    exemplars = [
        (name, json_text(labels), found.value, found.at, found.trace_id)
        for (name, labels), found in sorted(tally.exemplars.items())
    ]
    if exemplars:
        connection.execute(_KEEP_EXEMPLARS, (collector, *arrays(exemplars)))


def read_counters(connection: Connection, collector: str) -> Tally:
    """See `Store.counters`."""
    counters = connection.execute(_READ, (collector,))
    exemplars = connection.execute(_READ_EXEMPLARS, (collector,))
    return Tally(
        {series(name, labels): value for name, labels, value in counters},
        {series(name, labels): Exemplar(*found) for name, labels, *found in exemplars},
    )


def add_parcels(connection: Connection, collector: str, parcels: Sequence[Parcel], at: int) -> None:
    """Put parcels into the outbox, in their order."""
    if not parcels:
        return
    # No session's id begins with a space.
    own = f" {collector}"
    connection.cursor().executemany(
        _ADD,
        [
            (p.destination, p.session_id or own, at, p.session_id, json_text(p.headers), p.payload)
            for p in parcels
        ],
    )


def waiting(
    connection: Connection, collector: str, destination: str, limit: int, lease: float
) -> list[OutboxRow]:
    """See `Store.waiting`."""
    values = {"destination": destination, "me": collector, "limit": limit, "lease": lease}
    with connection.transaction(), connection.pipeline():
        connection.execute(_TURN, (destination,))
        found = connection.execute(_HAND_OUT.encode(), values)
    return sorted(map(outbox_row, found), key=lambda row: row.id)


def parked(connection: Connection, limit: int) -> list[OutboxRow]:
    """See `Store.parked`."""
    sql = f"SELECT {PARKED_ROW} FROM outbox WHERE reason IS NOT NULL ORDER BY id DESC LIMIT %s"
    return [outbox_row(row) for row in connection.execute(sql.encode(), (limit,))]


def outbox(connection: Connection) -> dict[str, OutboxState]:
    """See `Store.outbox`."""
    waits: dict[str, int] = dict(connection.execute(_COUNT.format("NULL").encode()).fetchall())
    parks: dict[str, int] = dict(connection.execute(_COUNT.format("NOT NULL").encode()).fetchall())
    return {
        name: OutboxState(waits.get(name, 0), _oldest(connection, name), parks.get(name, 0))
        for name in sorted({*waits, *parks})
    }


def _oldest(connection: Connection, destination: str) -> int | None:
    row = connection.execute(_OLDEST, (destination,)).fetchone()
    return row[0] if row else None


def delete_parcels(connection: Connection, ids: Sequence[int]) -> None:
    """See `Store.delivered`."""
    connection.execute(_DELETE, (array(ids),))


def park(connection: Connection, row_id: int, reason: str) -> None:
    """See `Store.park`."""
    connection.execute("UPDATE outbox SET reason = %s WHERE id = %s", (reason, row_id))


def requeue(connection: Connection, ids: Sequence[int] | None) -> int:
    """See `Store.requeue`."""
    chosen = None if ids is None else array(ids)
    return connection.execute(_REQUEUE, {"ids": chosen}).rowcount
