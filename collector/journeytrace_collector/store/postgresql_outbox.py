"""The outbox of the PostgreSQL store, for several collectors on one database.

Parcels are handed out for a time and by line, a line being what must stay in order: a session's
parcels, or those of one collector that belong to no session. While one of a line is out, no other
collector is handed any of that line.

Who holds a session's line back cannot see what another collector is just adding to it. So parcels
of one line need not agree, and what can leave is asked of the line and not of the parcel alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Final

from journeytrace_collector.core.change import Parcel
from journeytrace_collector.store.base import OUTBOX_BYTES, OutboxRow, OutboxState
from journeytrace_collector.store.ledger import OUTBOX_ROW, PARKED_ROW, json_text, outbox_row
from journeytrace_collector.store.postgresql_arrays import array, arrays
from journeytrace_collector.store.postgresql_claims import TAKE_TURN
from journeytrace_collector.store.postgresql_connections import Connection

__all__ = [
    "HandOut",
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

# By session: a planner that has no statistics yet would take a destination for as narrow.
_HELD: Final = (
    "held.reason IS NULL AND held.retry_at IS NOT NULL"
    " AND held.session_id = {0}.session_id AND held.destination || '' = {0}.destination"
)
# What joins a line that is held back waits with it.
_ADD: Final = """
INSERT INTO outbox (destination, line, at, session_id, headers, payload, failures, retry_at)
SELECT new.*, coalesce(held.failures, 0), held.retry_at
FROM (VALUES (%s::text, %s::text, %s::bigint, %s::text, %s::text, %b::bytea))
    AS new (destination, line, at, session_id, headers, payload)
LEFT JOIN LATERAL (SELECT failures, retry_at FROM outbox AS held WHERE {} LIMIT 1) AS held ON true
""".format(_HELD.format("new"))

_BUSY: Final = """
WITH RECURSIVE busy AS MATERIALIZED (
    SELECT DISTINCT line FROM outbox
    WHERE destination = %(destination)s AND reason IS NULL
        AND leased_until > clock_timestamp() AND leased_by <> %(me)s
)"""
_GIVE: Final = f"""
, given AS MATERIALIZED (
    SELECT id, octet_length(payload) AS size
    FROM outbox WHERE id IN (SELECT id FROM chosen) AND reason IS NULL
    FOR UPDATE SKIP LOCKED -- what is being erased or has just arrived
), fitting AS MATERIALIZED (
    SELECT id, sum(size) OVER (ORDER BY id) AS size, min(id) OVER () AS first FROM given
)
UPDATE outbox
SET leased_by = %(me)s, leased_until = clock_timestamp() + make_interval(secs => %(lease)s)
WHERE id IN (SELECT id FROM fitting WHERE id = first OR size <= {OUTBOX_BYTES})
RETURNING {OUTBOX_ROW}
"""
_READY: Final = (
    "destination = %(destination)s AND reason IS NULL AND retry_at IS NULL"
    " AND session_id IS NOT NULL AND line NOT IN (SELECT line FROM busy)"
    f" AND (SELECT 1 FROM outbox AS held WHERE {_HELD.format('outbox')} LIMIT 1) IS NULL"
)
_SESSIONLESS: Final = "destination = %(destination)s AND reason IS NULL AND session_id IS NULL"
# Lines without a session are as many as collectors: each is found by one step in the index.
_WAITING: Final = f"""{_BUSY}
, lines (line) AS (
    (SELECT line FROM outbox WHERE {_SESSIONLESS} ORDER BY line LIMIT 1)
    UNION ALL
    SELECT (
        SELECT line FROM outbox WHERE {_SESSIONLESS} AND line > lines.line ORDER BY line LIMIT 1
    )
    FROM lines WHERE line IS NOT NULL
), chosen AS (
    SELECT id FROM (
        (SELECT id FROM outbox WHERE {_READY} ORDER BY id LIMIT %(limit)s)
        UNION ALL
        SELECT own.id FROM lines
        CROSS JOIN LATERAL (
            SELECT retry_at FROM outbox WHERE {_SESSIONLESS} AND line = lines.line
            ORDER BY id LIMIT 1
        ) AS first
        CROSS JOIN LATERAL (
            SELECT id FROM outbox WHERE {_SESSIONLESS} AND line = lines.line
            ORDER BY id LIMIT %(limit)s
        ) AS own
        WHERE lines.line NOT IN (SELECT line FROM busy)
            AND (first.retry_at IS NULL OR first.retry_at <= %(now)s)
    ) AS both_kinds ORDER BY id LIMIT %(limit)s
){_GIVE}"""
_FROM_WITHIN: Final = f"""{_BUSY}
, ends AS (
    SELECT coalesce(min(id), 0) AS first, coalesce(max(id), 0) AS last FROM outbox
    WHERE destination = %(destination)s AND reason IS NULL AND retry_at IS NULL
        AND session_id IS NOT NULL
), passed AS (
    SELECT first + floor((last - first) * %(skip)s::float8)::bigint - 1 AS id FROM ends
), few AS (
    SELECT id, session_id FROM outbox
    WHERE {_READY} AND id > (SELECT id FROM passed) ORDER BY id LIMIT %(limit)s
), chosen AS (
    SELECT id FROM few WHERE NOT EXISTS (
        SELECT FROM outbox AS earlier WHERE earlier.session_id = few.session_id
            AND earlier.destination = %(destination)s AND earlier.reason IS NULL
            AND earlier.id <= (SELECT id FROM passed)
    )
){_GIVE}"""
_AGAIN: Final = f"""{_BUSY}
, chosen AS (
    SELECT id FROM outbox
    WHERE destination = %(destination)s AND reason IS NULL AND retry_at <= %(now)s
        AND session_id IS NOT NULL AND line NOT IN (SELECT line FROM busy)
    ORDER BY retry_at, id LIMIT %(limit)s
){_GIVE}"""

# Rows are locked by number, as everybody does who takes several.
_DELIVERED: Final = """
WITH lines AS MATERIALIZED (
    SELECT DISTINCT session_id, destination FROM outbox
    WHERE id = ANY(%(ids)s::bigint[]) AND retry_at IS NOT NULL AND session_id IS NOT NULL
), rest AS MATERIALIZED (
    SELECT held.id FROM lines JOIN outbox AS held ON {}
), taken AS MATERIALIZED (
    SELECT id FROM outbox
    WHERE id = ANY(%(ids)s::bigint[] || ARRAY(SELECT id FROM rest)) ORDER BY id FOR UPDATE
), gone AS (
    DELETE FROM outbox WHERE id IN (SELECT id FROM taken) AND id = ANY(%(ids)s::bigint[])
)
UPDATE outbox SET failures = 0, retry_at = NULL
WHERE id IN (SELECT id FROM taken) AND id <> ALL(%(ids)s::bigint[])
""".format(_HELD.format("lines"))
_PUT_OFF: Final = """
WITH failed AS MATERIALIZED (
    SELECT id, session_id, destination, failures + 1 AS failures, given.retry_at
    FROM unnest(%s::bigint[], %s::bigint[]) AS given (id, retry_at) JOIN outbox USING (id)
    WHERE reason IS NULL
), lines AS MATERIALIZED (
    SELECT outbox.id, failed.failures, failed.retry_at FROM failed JOIN outbox
        ON outbox.session_id = failed.session_id AND outbox.destination = failed.destination
    WHERE outbox.reason IS NULL
    UNION
    SELECT id, failures, retry_at FROM failed
), taken AS MATERIALIZED (
    SELECT id FROM outbox WHERE id IN (SELECT id FROM lines) ORDER BY id FOR UPDATE
)
UPDATE outbox
SET failures = lines.failures, retry_at = lines.retry_at, leased_until = NULL
FROM lines WHERE outbox.id = lines.id AND outbox.id IN (SELECT id FROM taken)
"""
_CHOSEN: Final = """
WITH chosen AS MATERIALIZED (
    SELECT id FROM outbox
    WHERE reason IS NOT NULL AND (%(ids)s::bigint[] IS NULL OR id = ANY(%(ids)s::bigint[]))
    ORDER BY id FOR UPDATE
)"""
_DISCARD: Final = f"{_CHOSEN} DELETE FROM outbox WHERE id IN (SELECT id FROM chosen)"
_REQUEUE: Final = f"""{_CHOSEN}, gone AS (
    DELETE FROM outbox WHERE id IN (SELECT id FROM chosen) RETURNING *
)
INSERT INTO outbox (destination, line, at, session_id, headers, payload, failures, retry_at)
SELECT destination, line, at, session_id, headers, payload,
    coalesce(held.failures, 0), held.retry_at
FROM gone
LEFT JOIN LATERAL (
    SELECT failures, retry_at FROM outbox AS held WHERE {_HELD.format("gone")} LIMIT 1
) AS held ON true
ORDER BY gone.id
"""
_ERASE: Final = f"""
WITH old AS MATERIALIZED (
    SELECT id FROM outbox WHERE at < %s ORDER BY at LIMIT %s
), taken AS MATERIALIZED (
    SELECT id FROM outbox WHERE id IN (SELECT id FROM old) ORDER BY id FOR UPDATE
)
DELETE FROM outbox WHERE id IN (SELECT id FROM taken) RETURNING {PARKED_ROW}
"""
# Read off narrow indexes, each parcel being in one of them: most of the table is payloads.
_STATES: Final = """
WITH sessionless AS (
    SELECT DISTINCT ON (destination, line) destination, id, retry_at FROM outbox
    WHERE reason IS NULL AND session_id IS NULL ORDER BY destination, line, id
), held AS (
    SELECT destination, count(DISTINCT session_id) AS lines, min(id) AS id FROM outbox
    WHERE reason IS NULL AND retry_at IS NOT NULL AND session_id IS NOT NULL GROUP BY destination
    UNION ALL
    SELECT destination, count(*), min(id) FROM sessionless
    WHERE retry_at IS NOT NULL GROUP BY destination
), counts AS (
    SELECT destination, count(*) AS waiting, min(id) AS id, 0 AS parked FROM outbox
    WHERE reason IS NULL AND retry_at IS NULL AND session_id IS NOT NULL GROUP BY destination
    UNION ALL
    SELECT destination, count(*), min(id), 0 FROM outbox
    WHERE reason IS NULL AND retry_at IS NOT NULL AND session_id IS NOT NULL GROUP BY destination
    UNION ALL
    SELECT destination, count(*), min(id), 0 FROM outbox
    WHERE reason IS NULL AND session_id IS NULL GROUP BY destination
    UNION ALL
    SELECT destination, 0, NULL, count(*) FROM outbox WHERE reason IS NOT NULL GROUP BY destination
), found AS (
    SELECT destination, sum(waiting)::bigint AS waiting, min(id) AS id,
        sum(parked)::bigint AS parked,
        coalesce((SELECT sum(lines) FROM held WHERE held.destination = counts.destination), 0)
            ::bigint AS lines,
        (SELECT min(id) FROM held WHERE held.destination = counts.destination) AS held
    FROM counts GROUP BY destination
)
SELECT destination, waiting, (SELECT at FROM outbox WHERE outbox.id = found.id), parked, lines,
    (SELECT at FROM outbox WHERE outbox.id = found.held)
FROM found ORDER BY destination
"""


@dataclass(frozen=True, slots=True)
class HandOut:
    """What is handed out to whom; see `Store.waiting`."""

    destination: str
    me: str
    limit: int
    lease: float
    now: int


def add_parcels(connection: Connection, collector: str, parcels: Sequence[Parcel], at: int) -> None:
    """Put parcels into the outbox, in their order."""
    if not parcels:
        return
    # No session's id begins with a space.
    own = f" {collector}"
    connection.cursor().executemany(
        _ADD.encode(),
        [
            (p.destination, p.session_id or own, at, p.session_id, json_text(p.headers), p.payload)
            for p in parcels
        ],
    )


def waiting(connection: Connection, to: HandOut, skip: float) -> list[OutboxRow]:
    """See `Store.waiting`."""
    return _hand_out(connection, to, _FROM_WITHIN if skip else _WAITING, skip=skip)


def again(connection: Connection, to: HandOut) -> list[OutboxRow]:
    """See `Store.again`."""
    return _hand_out(connection, to, _AGAIN)


def _hand_out(connection: Connection, to: HandOut, sql: str, **more: float) -> list[OutboxRow]:
    with connection.transaction(), connection.pipeline():
        # One hand-out at a time: two at once could not see what the other gives out.
        connection.execute(TAKE_TURN)
        found = connection.execute(sql.encode(), asdict(to) | more)
    return sorted(map(outbox_row, found), key=lambda row: row.id)


def parked(connection: Connection, limit: int) -> list[OutboxRow]:
    """See `Store.parked`."""
    sql = f"SELECT {PARKED_ROW} FROM outbox WHERE reason IS NOT NULL ORDER BY id DESC LIMIT %s"
    return [outbox_row(row) for row in connection.execute(sql.encode(), (limit,))]


def outbox(connection: Connection) -> dict[str, OutboxState]:
    """See `Store.outbox`."""
    return {name: OutboxState(*state) for name, *state in connection.execute(_STATES.encode())}


def delete_parcels(connection: Connection, ids: Sequence[int]) -> None:
    """See `Store.delivered`."""
    connection.execute(_DELIVERED.encode(), {"ids": array(ids)})


def put_off(connection: Connection, until: Mapping[int, int]) -> None:
    """See `Store.put_off`."""
    if until:
        connection.execute(_PUT_OFF, arrays(list(until.items())))


def park(connection: Connection, row_id: int, reason: str) -> None:
    """See `Store.park`."""
    sql = "UPDATE outbox SET reason = %s, failures = 0, retry_at = NULL WHERE id = %s"
    connection.execute(sql, (reason, row_id))


def requeue(connection: Connection, ids: Sequence[int] | None) -> int:
    """See `Store.requeue`."""
    return _of_parked(connection, _REQUEUE, ids)


def discard(connection: Connection, ids: Sequence[int] | None) -> int:
    """See `Store.discard`."""
    return _of_parked(connection, _DISCARD, ids)


def _of_parked(connection: Connection, sql: str, ids: Sequence[int] | None) -> int:
    chosen = None if ids is None else array(ids)
    return connection.execute(sql.encode(), {"ids": chosen}).rowcount


def erase_parcels(connection: Connection, before: int, limit: int) -> list[OutboxRow]:
    """See `Store.erase_parcels`."""
    return [outbox_row(row) for row in connection.execute(_ERASE.encode(), (before, limit))]
