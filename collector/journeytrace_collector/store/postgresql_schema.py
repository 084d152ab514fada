"""The tables of the PostgreSQL store: numbered steps, taken by whoever starts first."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any, Final

import psycopg

from journeytrace.catalogue import Catalogue
from journeytrace_collector.core.sighting import Numbers
from journeytrace_collector.errors import StartError
from journeytrace_collector.store import sightings
from journeytrace_collector.store.migrations import pending_steps
from journeytrace_collector.store.migrations.refold import LACKING, UNSEEN, refold, sight
from journeytrace_collector.store.postgresql_claims import TAKE_TURN
from journeytrace_collector.store.postgresql_connections import Connection
from journeytrace_collector.store.sql import POSTGRESQL

__all__ = ["READER", "VIEWS", "migrate", "numbered"]

_log = logging.getLogger(__name__)

READER: Final = "journeytrace_reader"
"""A role that may read the views and nothing else; grant it to whom Grafana connects as."""

VIEWS: Final = ("journey_sessions", "journey_events")

_OLDEST_SERVER: Final = 14
_SET: Final = (
    "INSERT INTO settings VALUES (%s, %s) ON CONFLICT (name) DO UPDATE SET value = excluded.value"
)


def migrate(connection: Connection, catalogue: Catalogue, idle_timeout: int) -> None:
    """Bring the tables up to date, in the transaction that is open; `idle_timeout` in ns.

    Raises:
        StartError: the database cannot hold a store, or a later version has it.
    """
    _check_server(connection)
    connection.execute(TAKE_TURN)
    version = _version(connection)
    missing = pending_steps("postgresql", version, "store")
    for step in missing:
        connection.execute(step.encode())
    if 0 < version < LACKING:
        refold(_execute(connection), POSTGRESQL.placeholder, catalogue)
    if 0 < version < UNSEEN:
        sight(_execute(connection), POSTGRESQL.placeholder, catalogue)
    _set(connection, "schema_version", version + len(missing))
    _tell_idle_timeout(connection, idle_timeout)
    _admit_reader(connection)


def numbered(connection: Connection, catalogue: Catalogue) -> Numbers:
    """Give the numbers that hold in the database, in the transaction of `migrate`."""
    return sightings.numbered(_execute(connection), POSTGRESQL.placeholder, catalogue)


def _execute(connection: Connection) -> Callable[[str, Any], Any]:
    return lambda sql, values: connection.execute(sql.encode(), values)


def _check_server(connection: Connection) -> None:
    if connection.info.server_version < _OLDEST_SERVER * 10_000:
        version = connection.info.server_version // 10_000
        message = f"the server is PostgreSQL {version}, at least {_OLDEST_SERVER} is needed"
        raise StartError(f"store: {message}")
    (encoding,) = _one(connection, "SELECT current_setting('server_encoding')")
    if encoding != "UTF8":
        raise StartError(f"store: the database has the encoding {encoding}, it must have UTF8")


def _version(connection: Connection) -> int:
    (table,) = _one(connection, "SELECT to_regclass('settings')")
    if table is None:
        return 0
    row = connection.execute("SELECT value FROM settings WHERE name = 'schema_version'").fetchone()
    return int(row[0]) if row else 0


def _tell_idle_timeout(connection: Connection, idle_timeout: int) -> None:
    # The views need it. Collectors that differ about it would show different statuses anyway.
    sql = "SELECT value FROM settings WHERE name = 'idle_timeout'"
    row = connection.execute(sql).fetchone()
    if row and row[0] != idle_timeout:
        _log.warning(
            "the idle timeout in the database was %s s and is now %s s; all collectors that share"
            " it should have the same",
            row[0] / 1e9,
            idle_timeout / 1e9,
        )
    _set(connection, "idle_timeout", idle_timeout)


def _admit_reader(connection: Connection) -> None:
    """Let the reading role read the views; make the role if it is missing."""
    try:
        with connection.transaction():
            if not connection.execute(
                "SELECT 1 FROM pg_roles WHERE rolname = %s", (READER,)
            ).fetchone():
                _make_reader(connection)
            for view in VIEWS:
                sql = "SELECT has_table_privilege(%s, %s, 'SELECT')"
                if _one(connection, sql, READER, view) != (True,):
                    connection.execute(f"GRANT SELECT ON {view} TO {READER}".encode())
    except psycopg.errors.InsufficientPrivilege as error:
        _log.warning(
            "the role %s for reading is missing or may not read, and this one may not change that:"
            " %s",
            READER,
            str(error).splitlines()[0],
        )


def _make_reader(connection: Connection) -> None:
    try:
        with connection.transaction():
            connection.execute(f"CREATE ROLE {READER} NOLOGIN".encode())
    except (psycopg.errors.DuplicateObject, psycopg.errors.UniqueViolation):
        # Roles belong to the server: a starter on another of its databases came first.
        pass


def _set(connection: Connection, name: str, value: int) -> None:
    connection.execute(_SET, (name, value))


def _one(connection: Connection, sql: str, *values: object) -> tuple[object, ...]:
    row = connection.execute(sql.encode(), values).fetchone()
    if row is None:
        raise LookupError(sql)
    return row
