"""Counters of the SQLite store with their exemplars, and the versions of services."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection
from typing import Final

from journeytrace_collector.core.change import Exemplar, Tally
from journeytrace_collector.store.base import MOST_VERSIONS
from journeytrace_collector.store.ledger import json_text, series

__all__ = ["note_versions", "raise_counters", "read_counters", "read_versions"]

_RAISE: Final = (
    "INSERT INTO counters (name, labels, value, born_at) VALUES (?, ?, ?, ?)"
    " ON CONFLICT DO UPDATE SET value = value + excluded.value"
)

_FORGET_OLD: Final = (
    "DELETE FROM service_versions WHERE (service, version) NOT IN"
    " (SELECT service, version FROM service_versions ORDER BY first_seen DESC LIMIT ?)"
)


def raise_counters(connection: sqlite3.Connection, tally: Tally, at: int) -> None:
    """Let counters rise at this time (ns), and keep the newest exemplars."""
    rises = ((name, json_text(labels), by, at) for (name, labels), by in tally.rises.items())
    connection.executemany(_RAISE, rises)
    exemplars = (
        (name, json_text(labels), found.trace_id, found.value, found.at)
        for (name, labels), found in tally.exemplars.items()
    )
    connection.executemany("INSERT OR REPLACE INTO exemplars VALUES (?, ?, ?, ?, ?)", exemplars)


def read_counters(connection: sqlite3.Connection) -> Tally:
    """Give all counters as they stand."""
    counters = connection.execute("SELECT name, labels, value, born_at FROM counters").fetchall()
    exemplars = connection.execute("SELECT name, labels, trace_id, value, at FROM exemplars")
    return Tally(
        {series(name, labels): value for name, labels, value, _ in counters},
        {series(name, labels): Exemplar(*found) for name, labels, *found in exemplars},
        {series(name, labels): at for name, labels, _, at in counters if at is not None},
    )


def note_versions(
    connection: sqlite3.Connection, versions: Collection[tuple[str, str]], at: int
) -> None:
    """Remember (service, version) that have not been seen before, and forget the oldest."""
    rows = ((service, version, at) for service, version in versions)
    connection.executemany("INSERT OR IGNORE INTO service_versions VALUES (?, ?, ?)", rows)
    connection.execute(_FORGET_OLD, (MOST_VERSIONS,))


def read_versions(connection: sqlite3.Connection) -> dict[tuple[str, str], int]:
    """See `Store.versions`."""
    rows = connection.execute("SELECT service, version, first_seen FROM service_versions")
    return {(service, version): first_seen for service, version, first_seen in rows}
