"""A desk where sessions are reviewed, by people whom a header names."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from tests.desk.access.conftest import recognise
from tests.desk.conftest import Desk, opened
from tests.desk.review.sessions import reviews
from tests.support.running import Enter

from journeytrace_desk import create


@contextmanager
def known_people() -> Iterator[None]:
    """Let desks know the people of tests."""
    with pytest.MonkeyPatch.context() as patch:
        factory = partial(create, recognise=recognise)
        patch.setattr("journeytrace_collector.admin.desk._find", lambda: factory)
        yield


def reviewed(entering: Enter, data: Path, **settings: Any) -> Desk:
    """Open a desk over the two sessions."""
    with known_people():
        return opened(entering, data, reviews(time.time_ns()), **settings)


@pytest.fixture(scope="module")
def room(entering: Enter, tmp_path_factory: pytest.TempPathFactory) -> Desk:
    """A desk over SQLite."""
    return reviewed(entering, tmp_path_factory.mktemp("room") / "data")


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def rooms(
    request: pytest.FixtureRequest, entering: Enter, tmp_path_factory: pytest.TempPathFactory
) -> Desk:
    """A desk over either store."""
    settings: dict[str, Any] = {}
    if request.param == "postgresql":
        settings["store"] = SecretStr(request.getfixturevalue("server").fresh())
    return reviewed(entering, tmp_path_factory.mktemp("rooms") / "data", **settings)
