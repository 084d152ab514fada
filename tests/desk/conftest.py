"""A real collector with a desk, over a store that holds what the tests look for."""

from __future__ import annotations

import http.client
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest
from playwright.sync_api import Browser, Playwright, sync_playwright
from pydantic import SecretStr
from tests.desk.journeys import sessions
from tests.support.browsing import launched
from tests.support.events import SECOND
from tests.support.otlp import request as otlp_request
from tests.support.otlp import span
from tests.support.postgresql import Server, running_server
from tests.support.running import Enter, enter_in_background, free_settings
from tests.support.waiting import PATIENCE

from journeytrace.catalogue import builtin_catalogue
from journeytrace.identity import trace_id
from journeytrace_collector.clock import Clock
from journeytrace_collector.core.model import Event
from journeytrace_collector.process import Collector
from journeytrace_collector.settings import Address
from journeytrace_collector.store.opening import open_store

TRACES = "https://traces.example.com/{trace_id}"


@dataclass(frozen=True)
class Reply:
    """What the desk answered."""

    status: int
    headers: dict[str, str]
    """By lower-case name."""
    text: str


@dataclass(frozen=True)
class Desk:
    """A desk that can be asked."""

    url: str
    admin: str
    otlp: str

    def get(self, path: str, method: str = "GET", **headers: str) -> Reply:
        """Ask; ``X_Y`` stands for the header ``X-Y``. Redirections are answers."""
        return _ask(urlsplit(self.url).netloc, method, path, None, headers)

    def post(self, path: str, form: dict[str, str] | bytes, **headers: str) -> Reply:
        """Send a form as a page of the desk does, or bytes instead of one."""
        sent = {"Content_Type": "application/x-www-form-urlencoded", **headers}
        body = form if isinstance(form, bytes) else urlencode(form).encode()
        return _ask(urlsplit(self.url).netloc, "POST", path, body, sent)

    def send(self, name: str, session_id: str, **attributes: str) -> None:
        """Let an event happen now, as a service would; `__` in a name stands for a dot."""
        now = time.time_ns()
        known = {"session__id": session_id, "journey__event__name": name}
        sent = span(now % 2**62, trace=trace_id(session_id), **known, **attributes)
        sent.start_time_unix_nano = sent.end_time_unix_nano = now
        kind = {"Content-Type": "application/x-protobuf"}
        body = otlp_request(sent).SerializeToString()
        assert _ask(self.otlp, "POST", "/v1/traces", body, kind).status == 200


def _ask(place: str, method: str, path: str, body: bytes | None, headers: dict[str, str]) -> Reply:
    connection = http.client.HTTPConnection(place, timeout=PATIENCE)
    try:
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, path, body, sent)
        response = connection.getresponse()
        found = {name.lower(): value for name, value in response.getheaders()}
        return Reply(response.status, found, response.read().decode("utf-8", "replace"))
    finally:
        connection.close()


def opened(
    enter: Enter, data: Path, events: list[Event], *, clock: Clock = time.time_ns, **settings: Any
) -> Desk:
    """Run a collector with a desk over a store that holds these events."""
    there = Address("127.0.0.1", 0)
    chosen = free_settings(data, desk=there, desk_trace_url=TRACES, **settings)
    with closing(open_store(chosen, builtin_catalogue())) as store:
        store.write(events)
    collector: Collector = enter(Collector(chosen, clock))
    return Desk(f"http://{collector.desk}", str(collector.admin), str(collector.otlp_http))


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    """Give a running PostgreSQL."""
    with running_server() as server:
        server.make_template()
        yield server


@pytest.fixture(scope="module")
def playwright() -> Iterator[Playwright]:
    """Give what drives browsers; one at a time, so no longer than a module."""
    with sync_playwright() as playwright:
        yield playwright


@pytest.fixture(scope="module")
def browser(playwright: Playwright) -> Iterator[Browser]:
    """Give Debian's Chromium."""
    with launched(playwright) as browser:
        yield browser


@pytest.fixture(scope="module")
def entering() -> Iterator[Enter]:
    """Enter contexts in a loop that runs beside the tests of a module."""
    with enter_in_background() as enter:
        yield enter


@pytest.fixture(scope="module")
def desk(entering: Enter, tmp_path_factory: pytest.TempPathFactory) -> Desk:
    """A desk over a hundred sessions in SQLite, which no test changes, nor time."""
    data = tmp_path_factory.mktemp("desk") / "data"
    now = time.time_ns()
    return opened(entering, data, sessions(now), clock=lambda: now + SECOND)


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def either(
    request: pytest.FixtureRequest, entering: Enter, tmp_path_factory: pytest.TempPathFactory
) -> Desk:
    """The same over each of the stores."""
    settings = {}
    if request.param == "postgresql":
        settings["store"] = SecretStr(request.getfixturevalue("server").fresh())
    data = tmp_path_factory.mktemp("either") / "data"
    now = time.time_ns()
    return opened(entering, data, sessions(now), clock=lambda: now + SECOND, **settings)
