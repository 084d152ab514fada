"""A desk that knows a few people, by a header that tests send."""

from __future__ import annotations

import time
from collections.abc import Iterator
from functools import partial
from typing import Any, Final

import pytest
from aiohttp import web
from pydantic import SecretStr
from tests.desk.access.people import sessions
from tests.desk.conftest import Desk, opened
from tests.support.running import Enter

from journeytrace_desk import create
from journeytrace_desk.access.actor import EVERYWHERE, LOCAL, Actor, Role

PEOPLE: Final = {
    "local": LOCAL,
    "viewer": Actor("vic", {EVERYWHERE: Role.VIEWER}),
    "analyst": Actor("ana", {EVERYWHERE: Role.ANALYST}),
    "acme": Actor("kim", {"acme": Role.ADMIN}),
    "acme-viewer": Actor("kay", {"acme": Role.VIEWER}),
    "two": Actor("tom", {"acme": Role.ANALYST, "globex": Role.VIEWER}),
    "kiosk": Actor("kit", {EVERYWHERE: Role.ANALYST, "globex": Role.VIEWER}),
    "nobody": Actor("nob", {}),
}
"""By the value of the header X-Role."""


def recognise(request: web.Request) -> Actor:
    """Tell who a test says that it is."""
    return PEOPLE[request.headers.get("X-Role", "local")]


@pytest.fixture(scope="module")
def known() -> Iterator[None]:
    """Let desks know these people."""
    with pytest.MonkeyPatch.context() as patch:
        factory = partial(create, recognise=recognise)
        patch.setattr("journeytrace_collector.admin.desk._find", lambda: factory)
        yield


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def both(
    request: pytest.FixtureRequest,
    known: None,  # noqa: ARG001 - has to be there
    entering: Enter,
    tmp_path_factory: pytest.TempPathFactory,
) -> Desk:
    """A desk over either store."""
    settings: dict[str, Any] = {}
    if request.param == "postgresql":
        settings["store"] = SecretStr(request.getfixturevalue("server").fresh())
    data = tmp_path_factory.mktemp("both") / "data"
    return opened(entering, data, sessions(time.time_ns()), **settings)


@pytest.fixture(scope="module")
def office(
    known: None,  # noqa: ARG001 - has to be there
    entering: Enter,
    tmp_path_factory: pytest.TempPathFactory,
) -> Desk:
    """A desk over SQLite."""
    data = tmp_path_factory.mktemp("office") / "data"
    return opened(entering, data, sessions(time.time_ns()))
