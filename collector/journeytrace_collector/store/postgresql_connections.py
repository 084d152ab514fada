"""Connections to PostgreSQL: one to write, some to read, and what their errors mean.

A connection that breaks is thrown away, and the next call opens another: the collector outlives a
restart of the server without a word from anybody.
"""

from __future__ import annotations

import select
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final, TypeAlias

import psycopg
from psycopg import conninfo

from journeytrace_collector.errors import StartError, StoreUnavailableError
from journeytrace_collector.store.postgresql_claims import claim

__all__ = ["BY_KEY", "Connection", "Connections", "one_line", "place"]

Connection: TypeAlias = psycopg.Connection[tuple[Any, ...]]

_DEFAULTS: Final = {
    # Of several servers that are named the one that takes writes.
    "target_session_attrs": "read-write",
    # Seconds. A sender gives up after 7 to 10, and has to hear before that we cannot.
    "connect_timeout": "3",
    "tcp_user_timeout": "10000",
}

_SESSION: Final = """
SET lock_timeout = '5s';
SET idle_in_transaction_session_timeout = '30s';
SET tcp_keepalives_idle = 15;
SET tcp_keepalives_interval = 5;
SET tcp_keepalives_count = 3;
SET jit = off;
SET client_min_messages = warning;
SELECT set_config('synchronous_commit', 'on', false)
    WHERE current_setting('synchronous_commit') = 'off'; -- success means that it is on disk
"""

BY_KEY: Final = """
SET enable_seqscan = off;
SET enable_hashjoin = off;
SET enable_mergejoin = off;
"""
"""All that is written is found by key. Plans are made while the tables are small and kept when they
have grown, so they must not be those that suit small tables."""

_KEPT_READERS: Final = 4


class Connections:
    """Opens connections to one database and keeps some of them. Safe to use from any thread."""

    def __init__(self, url: str, collector_id: str) -> None:
        """Open nothing yet.

        Raises:
            StartError: `url` cannot be read.
        """
        try:
            given = conninfo.conninfo_to_dict(url)
        except psycopg.Error:
            # The library's own words could hold the password.
            raise StartError("store: cannot be read as a postgresql:// address") from None
        name = f"journeytrace {collector_id}"[:63]
        settings = {key: str(value) for key, value in given.items() if value}
        self._conninfo = conninfo.make_conninfo(**_DEFAULTS | {"application_name": name} | settings)
        self._collector_id = collector_id
        self._writer: Connection | None = None
        self._readers: list[Connection] = []
        self._guard = threading.Lock()

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """Give the writing connection with a transaction around the block; one caller at a time.

        Raises:
            StoreUnavailableError: the server cannot be reached, or cannot do it now.
        """
        with _translated():
            connection = self._writing()
            try:
                yield connection
                connection.commit()
            except BaseException:
                _roll_back(connection)
                raise

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Give a connection of which each statement is a transaction of its own.

        Raises:
            StoreUnavailableError: the server cannot be reached, or cannot do it now.
        """
        with _translated():
            connection = self._borrow()
            try:
                yield connection
            finally:
                self._give_back(connection)

    def close(self) -> None:
        """Close all connections that are not in use."""
        with self._guard:
            left = [*self._readers, *([self._writer] if self._writer else [])]
            self._readers, self._writer = [], None
        for connection in left:
            connection.close()

    def _writing(self) -> Connection:
        if self._writer is None or not _lives(self._writer):
            self._writer = self._connect()
            try:
                self._writer.execute(BY_KEY)
                self._writer.commit()
                self._claim(self._writer)
            except BaseException:
                self._writer.close()
                raise
        return self._writer

    def _claim(self, connection: Connection) -> None:
        """Make sure that no other collector of this name is connected, as long as this is."""
        if not claim(connection, self._collector_id):
            raise StoreUnavailableError(
                f"another collector named {self._collector_id} uses this database;"
                " give each a collector_id of its own"
            )

    def _borrow(self) -> Connection:
        with self._guard:
            while self._readers:
                connection = self._readers.pop()
                if _lives(connection):
                    return connection
        connection = self._connect()
        connection.autocommit = True
        # A plan for any value is a bad one where a status or a search can mean few rows or most.
        connection.prepare_threshold = None
        return connection

    def _give_back(self, connection: Connection) -> None:
        with self._guard:
            if not connection.closed and len(self._readers) < _KEPT_READERS:
                self._readers.append(connection)
                return
        connection.close()

    def _connect(self) -> Connection:
        connection = psycopg.connect(self._conninfo)
        try:
            connection.isolation_level = psycopg.IsolationLevel.READ_COMMITTED
            connection.execute(_SESSION)
            connection.commit()
        except BaseException:
            connection.close()
            raise
        return connection


def place(url: str) -> str:
    """Say where a database is, without what is secret about it."""
    given = conninfo.conninfo_to_dict(url)
    host = given.get("host") or given.get("hostaddr") or "local"
    port = f":{given['port']}" if given.get("port") else ""
    return f"postgresql://{host}{port}/{given.get('dbname') or ''}"


def one_line(error: BaseException) -> str:
    """Give an error's message in one line."""
    return " ".join(str(error).split()) or type(error).__name__


def _lives(connection: Connection) -> bool:
    """Whether a connection that lay idle is still good: a server says something only as it ends."""
    if not connection.closed:
        idle = select.poll()
        idle.register(connection.fileno(), select.POLLIN)
        if not idle.poll(0):
            return True
        connection.close()
    return False


def _roll_back(connection: Connection) -> None:
    try:
        connection.rollback()
    except psycopg.Error:
        connection.close()


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except (psycopg.DataError, psycopg.IntegrityError, psycopg.ProgrammingError):
        # Our own fault, or that of what is written: the same again cannot succeed.
        raise
    except psycopg.Error as error:
        raise StoreUnavailableError(one_line(error)) from error
