"""Since when a session has been idle, as SQL.

That moves with nearly every event. So where a row is written often, an index has it by the minute:
its entry moves once in one.
"""

from __future__ import annotations

from typing import Final, Literal

from journeytrace_collector.store.sql import Dialect, Sql

__all__ = ["idle", "minute"]

_MINUTE: Final = 60 * 1_000_000_000


def minute(ns: int) -> int:
    """Give the minute that a time is in."""
    return ns // _MINUTE


def idle(when: Literal["since", "after"], at: int, dialect: Dialect) -> Sql:
    """Give the condition that a session's idle clock stands at `at` (ns) or before it, or after."""
    value, sign = dialect.placeholder, "<=" if when == "since" else ">"
    exact = Sql(f"idle_at {sign} {value}", (at,))
    if not dialect.by_minute:
        return exact
    return Sql(f"idle_minute {sign.rstrip('=')}= {value}", (minute(at),)) & exact
