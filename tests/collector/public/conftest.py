"""A collector that listens to browsers, and what they send."""

from __future__ import annotations

import http.client
import json
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any, NamedTuple

import pytest
from tests.support.running import enter_in_background, free_settings

from journeytrace.browser import AUDIENCE, Key, mint
from journeytrace_collector.process import Collector

NOW = 1_780_000_000_000_000_000
SECONDS = NOW // 10**9
SESSION = "6f1c1f0e-8a54-4c0e-9d53-0d5d8a3a0c11"
FORM = "https://form.example"
KEY = Key("2026a", "0123456789abcdef0123456789abcdef")
OLD = Key("2025b", "fedcba9876543210fedcba9876543210")
CLAIMS = {
    "sub": SESSION,
    "aud": AUDIENCE,
    "project": "acme",
    "iat": SECONDS - 60,
    "exp": SECONDS + 1740,
    "start": SECONDS - 600,
}


class Reply(NamedTuple):
    """What was answered."""

    status: int
    headers: dict[str, str]
    """By lower-case name."""
    body: bytes

    @property
    def json(self) -> Any:
        """The body."""
        return json.loads(self.body)


def ask(
    address: object, method: str, path: str, body: bytes = b"", /, **headers: str | list[str]
) -> Reply:
    """Make one request; ``Content_Type`` stands for ``Content-Type``."""
    with closing(http.client.HTTPConnection(str(address), timeout=30)) as connection:
        connection.putrequest(method, path)
        for name, value in headers.items():
            for one in value if isinstance(value, list) else [value]:
                connection.putheader(name.replace("_", "-"), one)
        if method == "POST" and "Transfer_Encoding" not in headers:
            connection.putheader("Content-Length", str(len(body)))
        connection.endheaders(body)
        answer = connection.getresponse()
        found = {name.lower(): value for name, value in answer.getheaders()}
        return Reply(answer.status, found, answer.read())


def token(key: Key = KEY, **claims: Any) -> str:
    """Mint a token; None: without that claim."""
    said = {name: value for name, value in (CLAIMS | claims).items() if value is not None}
    return mint(key, said)


def page_span(name: str = "STEP_VIEW", number: int = 1, /, at: int = NOW, **more: Any) -> Any:
    """Give a span of a page as OTLP/JSON; `__` in a name stands for a dot."""
    said = {"journey.event.name": name} | {k.replace("__", "."): v for k, v in more.items()}
    pairs = [{"key": key, "value": {"stringValue": value}} for key, value in said.items()]
    return {
        "name": name,
        "traceId": "ab" * 16,
        "spanId": f"{number:016x}",
        "startTimeUnixNano": str(at),
        "endTimeUnixNano": str(at),
        "attributes": pairs,
    }


def traces(*spans: Any) -> bytes:
    """Give a request of them."""
    return json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": spans}]}]}).encode()


def envelope(shown: str, body: bytes, sent_at: int = NOW) -> bytes:
    """Give what the helper posts."""
    return f"{shown}\n{sent_at // 1_000_000}\n".encode() + body


class Site:
    """A collector and how to talk to it; a session of its own for each test."""

    def __init__(self, collector: Collector, clock: list[int]) -> None:
        self.collector = collector
        self.clock = clock
        assert collector.public is not None
        self.address = str(collector.public)

    def post(self, body: bytes, **headers: str | list[str]) -> Reply:
        """Post as the helper does; what is said replaces its headers, an empty list removes."""
        sent = {"Origin": FORM, "Content_Type": "text/plain;charset=UTF-8"} | headers
        return ask(self.address, "POST", "/journey", body, **sent)

    def bearer(self, shown: str, body: bytes, **headers: str | list[str]) -> Reply:
        """Post as a stock SDK does."""
        kind = {"Content_Type": "application/json", "Authorization": f"Bearer {shown}"}
        return ask(self.address, "POST", "/journey", body, **(kind | headers))

    def events(self, session: str = SESSION) -> list[Any]:
        """Give what is stored of a session."""
        found = ask(self.collector.admin, "GET", f"/api/v1/sessions/{session}/events")
        events: list[Any] = found.json["events"] if found.status == 200 else []
        return events

    def summary(self, session: str = SESSION) -> Any:
        """Give what a session has come to."""
        return ask(self.collector.admin, "GET", f"/api/v1/sessions/{session}").json

    def from_a_server(self, body: bytes) -> None:
        """Send as a service does, on the port for them."""
        kind = {"Content_Type": "application/json"}
        reply = ask(self.collector.otlp_http, "POST", "/v1/traces", body, **kind)
        assert (reply.status, reply.json) == (200, {})

    def sessions(self) -> int:
        """Count all sessions."""
        return len(ask(self.collector.admin, "GET", "/api/v1/sessions?limit=1000").json["sessions"])

    def outcomes(self) -> dict[str, int]:
        """Read the metric."""
        page = ask(self.collector.admin, "GET", "/metrics").body.decode()
        lines = [x for x in page.splitlines() if x.startswith("journey_collector_public_requests")]
        return {line.split('"')[1]: int(float(line.split()[-1])) for line in lines}


SiteMaker = Callable[..., Site]


@pytest.fixture(scope="module")
def make_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SiteMaker]:
    """Start collectors with settings of the test's own below ``public``."""
    with enter_in_background() as enter:

        def make(*, settings: dict[str, Any] | None = None, **public: Any) -> Site:
            said = {
                "listen": "127.0.0.1:0",
                "keys": {key.id: {"key": key.secret} for key in (KEY, OLD)},
                "origins": [FORM],
                "limits": {"address_rate": 1e6, "address_burst": 1_000_000},
            } | public
            clock = [NOW]
            data = tmp_path_factory.mktemp("public")
            chosen = free_settings(data, public=said, **(settings or {}))
            return Site(enter(Collector(chosen, clock=lambda: clock[0])), clock)

        yield make


@pytest.fixture(scope="module")
def site(make_site: SiteMaker) -> Site:
    """The one that the tests of a module share: each takes a session of its own."""
    return make_site()
