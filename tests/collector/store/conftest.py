"""A PostgreSQL server and stores on it, several on one database."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from tests.support.events import IDLE_TIMEOUT
from tests.support.postgresql import Server, running_server

from journeytrace.catalogue import builtin_catalogue
from journeytrace_collector.store.postgresql import PostgresqlStore

Open = Callable[..., PostgresqlStore]


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    """Give a running PostgreSQL."""
    with running_server() as server:
        server.make_template()
        yield server


@pytest.fixture
def url(server: Server) -> str:
    """Give a database with the store's tables."""
    return server.fresh()


@pytest.fixture
def open_store(url: str) -> Iterator[Open]:
    """Give a function that opens a store on the database for a collector of this name."""
    opened: list[PostgresqlStore] = []

    def open_for(name: str, at: str = url) -> PostgresqlStore:
        store = PostgresqlStore(at, builtin_catalogue(), IDLE_TIMEOUT, collector_id=name)
        opened.append(store)
        return store

    yield open_for
    for store in opened:
        store.close()
