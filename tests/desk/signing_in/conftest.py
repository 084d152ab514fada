"""A desk where people sign in, with the provider that knows them, and browsers without a screen."""

from __future__ import annotations

import http.client
import socket
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import pytest
from tests.desk.conftest import Reply
from tests.desk.journeys import sessions
from tests.support.oidc_provider import CLIENT, SECRET, Provider, running_provider
from tests.support.running import Enter, enter_in_background, free_settings
from tests.support.waiting import PATIENCE

from journeytrace.catalogue import builtin_catalogue
from journeytrace_collector.process import Collector
from journeytrace_collector.settings import Address
from journeytrace_collector.settings.access import CALLBACK
from journeytrace_collector.store.opening import open_store

PEOPLE = {"ann@example.com": {"*": "admin"}}


class Clock:
    """A clock that can be put forward, for the provider and the desk alike."""

    def __init__(self) -> None:
        self._ahead = 0

    def __call__(self) -> int:
        return time.time_ns() + self._ahead

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self._ahead += round(seconds * 10**9)


@dataclass
class Browser:
    """Keeps cookies and follows nothing by itself."""

    url: str
    cookies: dict[str, str] = field(default_factory=dict)
    given: SimpleCookie = field(default_factory=SimpleCookie)
    """The cookies of the last answer, with their attributes."""

    def get(
        self, path: str, method: str = "GET", *, source: str = "127.0.0.1", **headers: str
    ) -> Reply:
        """Ask, from an address of this machine; ``X_Y`` stands for the header ``X-Y``."""
        return self.ask(
            path, method, source, [(k.replace("_", "-"), v) for k, v in headers.items()]
        )

    def ask(self, path: str, method: str, source: str, headers: list[tuple[str, str]]) -> Reply:
        """Ask with headers that may stand there twice."""
        connection = http.client.HTTPConnection(
            urlsplit(self.url).netloc, timeout=PATIENCE, source_address=(source, 0)
        )
        with closing(connection):
            own_host = any(name.lower() == "host" for name, _ in headers)
            connection.putrequest(method, path, skip_host=own_host)
            if self.cookies:
                held = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
                headers = [*headers, ("Cookie", held)]
            for name, value in headers:
                connection.putheader(name, value)
            connection.endheaders()
            response = connection.getresponse()
            self.given = SimpleCookie()
            for value in response.headers.get_all("Set-Cookie", []):
                self.given.load(value)
            for name, one in self.given.items():
                self.cookies[name] = one.value
                if not one.value:
                    del self.cookies[name]
            found = {name.lower(): value for name, value in response.getheaders()}
            return Reply(response.status, found, response.read().decode())

    def to_provider(self, to: str = "/sessions") -> str:
        """Begin to sign in; give the path at the desk that the provider sends back to."""
        begun = self.get(f"/sign-in?to={quote(to, safe='')}")
        assert begun.status == 303, begun.text
        place = urlsplit(begun.headers["location"])
        there = Browser(f"{place.scheme}://{place.netloc}")
        let_in = there.get(f"{place.path}?{place.query}")
        assert let_in.status == 302, let_in.text
        back = urlsplit(let_in.headers["location"])
        return f"{back.path}?{back.query}"

    def sign_in(self, to: str = "/sessions") -> Reply:
        """Sign in, as far as it goes."""
        return self.get(self.to_provider(to))


@dataclass
class World:
    """A desk, its provider, and what time it is for both."""

    url: str
    provider: Provider
    clock: Clock
    data: Path

    def browser(self) -> Browser:
        """Give a browser that nobody has used."""
        return Browser(self.url)

    def signed_in(self) -> Browser:
        """Give one in which somebody has signed in."""
        browser = self.browser()
        reply = browser.sign_in()
        assert (reply.status, reply.headers["location"]) == (303, "/sessions"), reply.text
        return browser

    def state(self, path: str) -> str:
        """Give the state in an address that leads back to the desk."""
        return parse_qs(urlsplit(path).query)["state"][0]


def free_port() -> int:
    """Give a port that nobody has; a provider has to know it before the desk is there."""
    with socket.create_server(("127.0.0.1", 0)) as found:
        port: int = found.getsockname()[1]
        return port


def opened_with(enter: Enter, data: Path, clock: Clock, port: int = 0, **access: Any) -> str:
    """Run a desk that knows people this way; give its address."""
    there = Address("127.0.0.1", port)
    chosen = free_settings(data, desk=there, desk_access=access)
    with closing(open_store(chosen, builtin_catalogue())) as store:
        store.write(sessions(time.time_ns())[:200])
    collector: Collector = enter(Collector(chosen, clock))
    return f"http://{collector.desk}"


def with_provider(enter: Enter, folder: Path, clock: Clock, **access: Any) -> World:
    """Run a provider, and a desk where its people sign in."""
    provider: Provider = enter(running_provider(clock))
    secret = folder / "secret"
    secret.write_text(f"{SECRET}\n")
    secret.chmod(0o600)
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    provider.redirect_uri = f"{url}{CALLBACK}"
    oidc = {"issuer": provider.issuer, "client_id": CLIENT, "client_secret_file": str(secret)}
    chosen = {"url": url, "oidc": oidc, "people": PEOPLE} | access
    opened_with(enter, folder / "data", clock, port, **chosen)
    return World(url, provider, clock, folder / "data")


@pytest.fixture(scope="module")
def entered() -> Iterator[Enter]:
    """Enter contexts in a loop beside the tests of a module."""
    with enter_in_background() as enter:
        yield enter


@pytest.fixture(scope="module")
def _one_world(entered: Enter, tmp_path_factory: pytest.TempPathFactory) -> World:
    folder = tmp_path_factory.mktemp("world")
    groups = {"support": {"acme": "analyst"}}
    return with_provider(entered, folder, Clock(), groups=groups, contact="kyc@example.com")


@pytest.fixture
def world(_one_world: World) -> World:
    """A desk and its provider, which behaves; hours after the test before."""
    _one_world.provider.behave()
    _one_world.clock.advance(2 * 3_600)
    return _one_world


@pytest.fixture(scope="module")
def _fresh_world(entered: Enter, tmp_path_factory: pytest.TempPathFactory) -> World:
    return with_provider(entered, tmp_path_factory.mktemp("fresh"), Clock())


@pytest.fixture
def fresh(_fresh_world: World) -> World:
    """A desk that has not heard of its provider yet, as long as nobody signs in."""
    _fresh_world.provider.behave()
    return _fresh_world
