"""A collector that knows sessions, for those who only look."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from contextlib import closing
from typing import Any, NamedTuple
from urllib.parse import urlencode

import pytest
from tests.support.events import IDLE_TIMEOUT
from tests.support.planted_api import READER_TOKEN, SENDER_TOKEN, planted_events
from tests.support.running import enter_in_background, free_settings

from journeytrace.catalogue import builtin_catalogue
from journeytrace_collector.process import Collector
from journeytrace_collector.store import SqliteStore


class Answer(NamedTuple):
    """What the admin API answered."""

    status: int
    headers: dict[str, str]
    """By lower-case name."""
    said: Any


class Asker:
    """Asks a collector, with its token unless told otherwise."""

    def __init__(self, address: str) -> None:
        self._address = address

    def __call__(
        self,
        path: str,
        method: str = "GET",
        token: str | None = READER_TOKEN,
        **query: str,
    ) -> Answer:
        """Ask for what is under ``/api/v1/``."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        asked = f"/api/v1/{path}" + (f"?{urlencode(query)}" if query else "")
        with closing(http.client.HTTPConnection(self._address, timeout=30)) as connection:
            connection.request(method, asked, headers=headers)
            reply = connection.getresponse()
            found = {name.lower(): value for name, value in reply.getheaders()}
            body = reply.read()
        is_json = found.get("content-type") == "application/json"
        return Answer(reply.status, found, json.loads(body) if is_json else body.decode())


@pytest.fixture(scope="session")
def ask(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Asker]:
    """Ask a collector with the planted sessions, which nobody may change."""
    data = tmp_path_factory.mktemp("asked") / "data"
    store = SqliteStore(data, builtin_catalogue(), IDLE_TIMEOUT)
    store.write(planted_events())
    store.close()
    settings = free_settings(data, admin_token=READER_TOKEN, token=SENDER_TOKEN)
    with enter_in_background() as enter:
        yield Asker(str(enter(Collector(settings)).admin))
