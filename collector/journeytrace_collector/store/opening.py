"""Settings → the store they ask for."""

from __future__ import annotations

import socket
from pathlib import Path

from journeytrace.catalogue import Catalogue
from journeytrace_collector.errors import StartError
from journeytrace_collector.insight.conformance import NO_RULES, Rules
from journeytrace_collector.insight.rule_file import RulesError, rules_of
from journeytrace_collector.settings import Settings
from journeytrace_collector.store.base import SessionLimits, Store
from journeytrace_collector.store.sqlite import SqliteStore

__all__ = ["load_rules", "open_store", "store_place"]


def load_rules(path: Path | None, catalogue: Catalogue) -> Rules:
    """Read the rules that sessions are held against; None: the built-in ones.

    Raises:
        RulesError: the file cannot be read, or is faulty.
    """
    if path is None:
        return rules_of(None, "", catalogue)
    try:
        text = path.read_text("utf-8")
    except OSError as error:
        raise RulesError(f"{path}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise RulesError(f"{path}: is not UTF-8; save the file as UTF-8") from error
    return rules_of(text, str(path), catalogue)


def open_store(settings: Settings, catalogue: Catalogue, rules: Rules = NO_RULES) -> Store:
    """Open the store; `rules` are checked of sessions that come to rest.

    Raises:
        StartError: it cannot be used, or what it needs is not installed.
    """
    idle_timeout = round(settings.idle_timeout.total_seconds() * 1e9)
    limits = SessionLimits(settings.max_session_events, settings.max_session_bytes)
    if settings.store is None:
        return SqliteStore(settings.data, catalogue, idle_timeout, limits, rules)
    try:
        from journeytrace_collector.store.postgresql import (  # noqa: PLC0415 - an extra
            PostgresqlStore,
        )
    except ImportError as error:
        message = "PostgreSQL needs an extra: pip install 'journeytrace[postgresql]'"
        raise StartError(f"store: {message}") from error
    return PostgresqlStore(
        settings.store.get_secret_value(),
        catalogue,
        idle_timeout,
        limits,
        rules,
        collector_id=settings.collector_id or socket.gethostname(),
    )


def store_place(settings: Settings) -> str:
    """Say where an open store is, without what is secret about it."""
    if settings.store is None:
        return str(settings.data)
    from journeytrace_collector.store.postgresql_connections import place  # noqa: PLC0415

    return place(settings.store.get_secret_value())
