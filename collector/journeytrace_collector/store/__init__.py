"""Where events and sessions are kept: the `Store` protocol and its implementations."""

from journeytrace_collector.store.base import Page, SessionQuery, Store, Written
from journeytrace_collector.store.sqlite import SqliteStore

__all__ = ["Page", "SessionQuery", "SqliteStore", "Store", "Written"]
