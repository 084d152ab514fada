"""Where events and sessions are kept: the `Store` protocol and its implementations."""

from journeytrace_collector.store.base import (
    Carried,
    Known,
    Page,
    SessionLimits,
    SessionQuery,
    Store,
    Written,
)
from journeytrace_collector.store.sqlite import SqliteStore

__all__ = [
    "Carried",
    "Known",
    "Page",
    "SessionLimits",
    "SessionQuery",
    "SqliteStore",
    "Store",
    "Written",
]
