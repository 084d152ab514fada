"""Since when a session has been idle, as SQL.

That moves with nearly every event. So indexes have it by the minute: an entry moves once in one.
"""

from __future__ import annotations

from typing import Final, Literal

from journeytrace_collector.store.sql import Dialect, Sql

__all__ = ["MINUTE", "idle", "minute"]

MINUTE: Final = 60_000_000_000
"""ns; as the tables of the PostgreSQL store have it."""


def minute(ns: int) -> int:
    """Give the minute that a time is in."""
    return ns // MINUTE


def idle(when: Literal["since", "after"], at: int, dialect: Dialect) -> Sql:
    """Give the condition that a session's idle clock stands at `at` (ns) or before it, or after."""
    value, sign = dialect.placeholder, "<=" if when == "since" else ">"
    by_minute = Sql(f"idle_minute {sign.rstrip('=')}= {value}", (minute(at),))
    return by_minute & Sql(f"idle_at {sign} {value}", (at,))
