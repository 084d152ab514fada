"""The stores under contract. A further store adds itself here and nowhere else."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Protocol

import pytest
from tests.support.events import IDLE_TIMEOUT
from tests.support.plans import Plans
from tests.support.postgresql import Server, running_server

from journeytrace.catalogue import Catalogue, builtin_catalogue
from journeytrace_collector.insight.conformance import NO_RULES, Rules
from journeytrace_collector.store import SessionLimits, SqliteStore, Store
from journeytrace_collector.store.postgresql import PostgresqlStore
from journeytrace_collector.store.sqlite import FILE_NAME

Reopen = Callable[[], Store]

BUILTIN = builtin_catalogue()


class Place(Protocol):
    """Where a store keeps its data."""

    def open(
        self,
        limits: SessionLimits | None = None,
        idle_timeout: int = IDLE_TIMEOUT,
        catalogue: Catalogue = BUILTIN,
        rules: Rules = NO_RULES,
    ) -> Store:
        """Open a store on the data that are there."""

    def clear(self) -> None:
        """Remove all data. No store may be open."""

    def execute(self, sql: str) -> None:
        """Run a statement behind the store's back."""


class Folder:
    """Data of the SQLite store."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def open(
        self,
        limits: SessionLimits | None = None,
        idle_timeout: int = IDLE_TIMEOUT,
        catalogue: Catalogue = BUILTIN,
        rules: Rules = NO_RULES,
    ) -> Store:
        return SqliteStore(self._path, catalogue, idle_timeout, limits, rules)

    def clear(self) -> None:
        for file in self._path.iterdir():
            file.unlink()

    def execute(self, sql: str) -> None:
        with closing(sqlite3.connect(self._path / FILE_NAME, isolation_level=None)) as connection:
            connection.execute(sql)


class Database:
    """Data of the PostgreSQL store."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._url = server.fresh()

    def open(
        self,
        limits: SessionLimits | None = None,
        idle_timeout: int = IDLE_TIMEOUT,
        catalogue: Catalogue = BUILTIN,
        rules: Rules = NO_RULES,
    ) -> Store:
        return PostgresqlStore(
            self._url, catalogue, idle_timeout, limits, rules, collector_id="one"
        )

    def clear(self) -> None:
        tables = (
            "sessions, events, outbox, counters, exemplars, retention_periods,"
            " digests, erasing, former_values, acts, invitations, tasks, sighted, violations"
        )
        self.execute(f"TRUNCATE {tables}")

    def execute(self, sql: str) -> None:
        self._server.execute(sql, self._url)


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    """Give a running PostgreSQL."""
    with running_server() as server:
        server.make_template()
        yield server


@pytest.fixture(scope="session")
def plans(server: Server) -> Plans:
    """Give what explains each statement that is sent to that server."""
    return Plans(server)


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    """Give a place for a store that holds nothing yet; what it asks of PostgreSQL has an index."""
    if request.param == "sqlite":
        yield Folder(tmp_path)
        return
    plans: Plans = request.getfixturevalue("plans")
    with plans.noting():
        yield Database(request.getfixturevalue("server"))
    faults = plans.faults()
    assert not faults, "\n".join(faults)


@pytest.fixture
def reopen(place: Place) -> Iterator[Reopen]:
    """Give a function that closes the store, if it is open, and opens it again on the same data."""
    open_stores: list[Store] = []

    def opened() -> Store:
        while open_stores:
            open_stores.pop().close()
        open_stores.append(place.open())
        return open_stores[-1]

    yield opened
    while open_stores:
        open_stores.pop().close()


@pytest.fixture
def limited(place: Place) -> Iterator[Store]:
    """Give an empty store that takes ten events a session."""
    store = place.open(SessionLimits(events=10))
    yield store
    store.close()


@pytest.fixture
def store(reopen: Reopen) -> Store:
    """Give an empty store."""
    return reopen()
