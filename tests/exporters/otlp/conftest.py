"""An OTLP exporter made the way the collector makes it, and a certificate authority."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import trustme
from tests.support.events import IDLE_TIMEOUT, NOON

from journeytrace.catalogue import builtin_catalogue
from journeytrace_collector.health import Health
from journeytrace_collector.outbox.exporter import Context
from journeytrace_collector.recording import Recorder
from journeytrace_collector.settings import Settings
from journeytrace_collector.store import SqliteStore
from journeytrace_exporters.otlp import OtlpExporter, create

Make = Callable[..., OtlpExporter]


@pytest.fixture
def context(tmp_path: Path) -> Iterator[Callable[..., Context]]:
    """Give a function that makes the context of an exporter from its section."""
    store = SqliteStore(tmp_path / "data", builtin_catalogue(), IDLE_TIMEOUT)
    yield lambda **section: Context(
        section, Settings(), store, lambda: NOON, Health(), Recorder(lambda: NOON)
    )
    store.close()


@pytest.fixture
def make(context: Callable[..., Context]) -> Make:
    """Give a function that makes an exporter from its section; the endpoint leads nowhere."""

    def made(**section: Any) -> OtlpExporter:
        found = create(context(**{"endpoint": "http://127.0.0.1:9", **section}))
        assert found is not None
        return found

    return made


@pytest.fixture(scope="session")
def authority() -> trustme.CA:
    """Give an authority that only these tests trust."""
    return trustme.CA()


@pytest.fixture(scope="session")
def ca_file(authority: trustme.CA, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give its certificate as a file."""
    path = tmp_path_factory.mktemp("tls") / "ca.pem"
    authority.cert_pem.write_to_path(path)
    return path
