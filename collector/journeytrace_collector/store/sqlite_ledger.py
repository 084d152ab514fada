"""Counters of the SQLite store, and their exemplars."""

from __future__ import annotations

import sqlite3
from typing import Final

from journeytrace_collector.core.change import Exemplar, Tally
from journeytrace_collector.store.ledger import json_text, series

__all__ = ["raise_counters", "read_counters"]

_RAISE: Final = (
    "INSERT INTO counters (name, labels, value, born_at) VALUES (?, ?, ?, ?)"
    " ON CONFLICT DO UPDATE SET value = value + excluded.value"
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
