"""Where events and sessions are kept: the `Store` protocol and its implementations."""

from journeytrace_collector.store.base import (
    Act,
    Carried,
    Cohort,
    Erased,
    Known,
    Page,
    SessionLimits,
    SessionQuery,
    Store,
    Subject,
    Written,
)
from journeytrace_collector.store.sqlite import SqliteStore

__all__ = [
    "Act",
    "Carried",
    "Cohort",
    "Erased",
    "Known",
    "Page",
    "SessionLimits",
    "SessionQuery",
    "SqliteStore",
    "Store",
    "Subject",
    "Written",
]
