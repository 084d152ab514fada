"""A webhook exporter made the way the collector makes it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.support.events import IDLE_TIMEOUT, NOON

from journeytrace.catalogue import builtin_catalogue
from journeytrace_collector.health import Health
from journeytrace_collector.outbox.exporter import Context
from journeytrace_collector.recording import Recorder
from journeytrace_collector.settings import Settings
from journeytrace_collector.store import SqliteStore
from journeytrace_exporters.webhook import WebhookExporter, create


@pytest.fixture
def context(tmp_path: Path) -> Iterator[Callable[..., Context]]:
    """Give a function that makes the context of an exporter from its section."""
    store = SqliteStore(tmp_path / "data", builtin_catalogue(), IDLE_TIMEOUT)
    yield lambda **section: Context(
        section, Settings(), store, lambda: NOON, Health(), Recorder(lambda: NOON)
    )
    store.close()


@pytest.fixture
def make(context: Callable[..., Context]) -> Callable[..., WebhookExporter]:
    """Give a function that makes an exporter from its endpoints, for the public network alone."""

    def made(*endpoints: dict[str, Any], **section: Any) -> WebhookExporter:
        found = create(context(endpoints=list(endpoints), **section))
        assert found is not None
        return found

    return made
