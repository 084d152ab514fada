"""Counters of the PostgreSQL store with exemplars, of each collector its own; and versions."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from journeytrace_collector.core.change import Exemplar, Tally
from journeytrace_collector.store.base import MOST_VERSIONS
from journeytrace_collector.store.ledger import json_text, series
from journeytrace_collector.store.postgresql_arrays import arrays, unnest
from journeytrace_collector.store.postgresql_connections import Connection

__all__ = ["note_versions", "raise_counters", "read_counters", "read_versions"]

_COUNTER: Final = {"name": "text", "labels": "text", "value": "double precision"}
_RAISE: Final = (
    "INSERT INTO counters (collector, born_at, name, labels, value)"
    f" SELECT %s, %s::bigint, name, labels, value FROM {unnest(_COUNTER)}"
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
    "SELECT name, labels, coalesce(sum(value) FILTER (WHERE collector = %(own)s), 0),"
    " min(born_at) FILTER (WHERE collector = %(own)s)"
    " FROM counters GROUP BY name, labels"
)
_READ_EXEMPLARS: Final = (
    "SELECT name, labels, trace_id, value, at FROM exemplars WHERE collector = %s"
)

_VERSION: Final = {"service": "text", "version": "text", "first_seen": "bigint"}
_NOTE_VERSIONS: Final = (
    f"INSERT INTO service_versions SELECT * FROM {unnest(_VERSION)} ON CONFLICT DO NOTHING"
)
_FORGET_OLD: Final = (
    "DELETE FROM service_versions WHERE (service, version) NOT IN"
    " (SELECT service, version FROM service_versions ORDER BY first_seen DESC LIMIT %s)"
)


def raise_counters(connection: Connection, collector: str, tally: Tally, at: int) -> None:
    """Let a collector's counters rise at this time (ns), and keep its newest exemplars."""
    # In one order, for a name that was given twice must not make two collectors wait in a ring.
    rises = sorted((name, json_text(labels), by) for (name, labels), by in tally.rises.items())
    if rises:
        connection.execute(_RAISE, (collector, at, *arrays(rises)))
    exemplars = [
        (name, json_text(labels), found.value, found.at, found.trace_id)
        for (name, labels), found in sorted(tally.exemplars.items())
    ]
    if exemplars:
        connection.execute(_KEEP_EXEMPLARS, (collector, *arrays(exemplars)))


def read_counters(connection: Connection, collector: str) -> Tally:
    """See `Store.counters`."""
    counters = connection.execute(_READ, {"own": collector}).fetchall()
    exemplars = connection.execute(_READ_EXEMPLARS, (collector,))
    return Tally(
        {series(name, labels): value for name, labels, value, _ in counters},
        {series(name, labels): Exemplar(*found) for name, labels, *found in exemplars},
        {series(name, labels): at for name, labels, _, at in counters if at is not None},
    )


def note_versions(connection: Connection, versions: Collection[tuple[str, str]], at: int) -> None:
    """Remember (service, version) that have not been seen before, and forget the oldest."""
    # The last lock of its transaction, so that nobody waits in a ring.
    connection.execute("LOCK TABLE service_versions IN SHARE ROW EXCLUSIVE MODE")
    rows = [(service, version, at) for service, version in versions]
    connection.execute(_NOTE_VERSIONS, arrays(rows))
    connection.execute(_FORGET_OLD, (MOST_VERSIONS,))


def read_versions(connection: Connection) -> dict[tuple[str, str], int]:
    """See `Store.versions`."""
    rows = connection.execute("SELECT service, version, first_seen FROM service_versions")
    return {(service, version): first_seen for service, version, first_seen in rows}
