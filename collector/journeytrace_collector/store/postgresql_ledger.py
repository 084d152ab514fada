"""Counters of the PostgreSQL store, of each collector its own, and their exemplars."""

from __future__ import annotations

from typing import Final

from journeytrace_collector.core.change import Exemplar, Tally
from journeytrace_collector.store.ledger import json_text, series
from journeytrace_collector.store.postgresql_arrays import arrays, unnest
from journeytrace_collector.store.postgresql_connections import Connection

__all__ = ["raise_counters", "read_counters"]

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
