"""Where events and sessions are kept: the `Store` protocol and its implementations."""

from journeytrace_collector.store.base import (
    Act,
    ActQuery,
    Carried,
    Cohort,
    Erased,
    Known,
    Page,
    Scope,
    SessionLimits,
    SessionQuery,
    Store,
    Subject,
    Written,
)
from journeytrace_collector.store.sqlite import SqliteStore

__all__ = [
    "Act",
    "ActQuery",
    "Carried",
    "Cohort",
    "Erased",
    "Known",
    "Page",
    "Scope",
    "SessionLimits",
    "SessionQuery",
    "SqliteStore",
    "Store",
    "Subject",
    "Written",
]
