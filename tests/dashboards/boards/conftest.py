"""What the dashboards are put to the test with: their own JSON, and real servers to ask."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.support.postgresql import Server, running_server

from journeytrace_dashboards.files import as_json

REPOSITORY = Path(__file__).parents[3]


@pytest.fixture(scope="session")
def repository() -> Path:
    """The folder of the repository."""
    return REPOSITORY


@pytest.fixture(scope="session")
def boards() -> dict[str, dict[str, Any]]:
    """Every dashboard as Grafana reads it."""
    return as_json()


@pytest.fixture(scope="session")
def panels(boards: dict[str, dict[str, Any]]) -> list[dict[str, Any]]:
    """Every panel that shows something; rows are headings."""
    return [
        panel for board in boards.values() for panel in board["panels"] if panel["type"] != "row"
    ]


@pytest.fixture(scope="session")
def postgresql() -> Iterator[Server]:
    """A PostgreSQL server."""
    with running_server() as server:
        server.make_template()
        yield server
