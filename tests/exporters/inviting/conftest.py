"""Exporters of links made the way the collector makes them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.support.events import IDLE_TIMEOUT, NOON
from tests.support.inviting import inviting

from journeytrace.catalogue import builtin_catalogue
from journeytrace_collector.health import Health
from journeytrace_collector.outbox.exporter import Context
from journeytrace_collector.recording import Recorder
from journeytrace_collector.settings import Settings
from journeytrace_collector.store import SqliteStore

MakeContext = Callable[..., Context]


@pytest.fixture
def context(tmp_path: Path) -> Iterator[MakeContext]:
    """Give a function that makes the context of an exporter from its section."""
    store = SqliteStore(tmp_path / "data", builtin_catalogue(), IDLE_TIMEOUT)

    def made(settings: Settings | None = None, **section: Any) -> Context:
        known = settings or Settings(**inviting())
        return Context(section, known, store, lambda: NOON, Health(), Recorder(lambda: NOON))

    yield made
    store.close()
