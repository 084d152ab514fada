"""The stores under contract. A further store adds itself here and nowhere else."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.support.events import IDLE_TIMEOUT

from journeytrace.catalogue import builtin_catalogue
from journeytrace_collector.store import SessionLimits, SqliteStore, Store

Reopen = Callable[[], Store]


@pytest.fixture(params=["sqlite"])
def reopen(tmp_path: Path) -> Iterator[Reopen]:
    """Give a function that closes the store, if it is open, and opens it again on the same data."""
    open_stores: list[Store] = []

    def opened() -> Store:
        while open_stores:
            open_stores.pop().close()
        open_stores.append(SqliteStore(tmp_path, builtin_catalogue(), IDLE_TIMEOUT))
        return open_stores[-1]

    yield opened
    while open_stores:
        open_stores.pop().close()


@pytest.fixture
def limited(tmp_path: Path) -> Iterator[Store]:
    """Give an empty store that takes ten events a session."""
    limits = SessionLimits(events=10)
    store = SqliteStore(tmp_path / "limited", builtin_catalogue(), IDLE_TIMEOUT, limits)
    yield store
    store.close()


@pytest.fixture
def store(reopen: Reopen) -> Store:
    """Give an empty store."""
    return reopen()
