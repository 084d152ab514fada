"""What a page of another site can reach on ports that ask for no token, which is nothing."""

from __future__ import annotations

import http.client
import json
import re
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from tests.support.running import Enter, enter_in_background, free_settings

from journeytrace_collector.process import Collector
from journeytrace_collector.settings import Address, load_settings

TOKEN = "sender-0123456789abcdef"
ADMIN = "reader-0123456789abcdef"
EMPTY = ExportTraceServiceRequest().SerializeToString()

Start = Callable[..., Collector]


@pytest.fixture
def enter() -> Iterator[Enter]:
    """Enter contexts in a loop that runs beside the test."""
    with enter_in_background() as enter:
        yield enter


@pytest.fixture
def start(tmp_path: Path, enter: Enter) -> Start:
    """Start a collector with settings of the test's own."""

    def begin(**settings: Any) -> Collector:
        made: Collector = enter(Collector(free_settings(tmp_path / "data", **settings)))
        return made

    return begin


def ask(port: Address, path: str, **headers: str) -> tuple[int, bytes]:
    """Ask with just these headers; ``Host`` has the port's number appended where it has ``:*``."""
    with closing(http.client.HTTPConnection("127.0.0.1", port.port, timeout=10)) as connection:
        method = "POST" if path.startswith("/v1") else "GET"
        connection.putrequest(method, path, skip_host=True)
        for name, value in headers.items():
            connection.putheader(name.replace("_", "-"), value.replace(":*", f":{port.port}"))
        connection.putheader("Content-Type", "application/x-protobuf")
        connection.putheader("Content-Length", "0")
        connection.endheaders(EMPTY)
        answer = connection.getresponse()
        return answer.status, answer.read()


PATHS = ("/v1/traces", "/v1/logs", "/api/v1/sessions", "/metrics", "/healthz", "/readyz", "/none")


def statuses(collector: Collector, **headers: str) -> set[int]:
    """Ask for every path on its port."""
    return {
        ask(collector.otlp_http if path.startswith("/v1") else collector.admin, path, **headers)[0]
        for path in PATHS
    }


@pytest.mark.parametrize(
    "host",
    ["evil.example:*", "evil.example", "localhost.evil.example", "10.1.2.3:*", "0.0.0.0", "", "["],
)
def test_a_foreign_host_is_refused(start: Start, host: str) -> None:
    """Without a token a request for a name that is not the collector's gets 421, on every path."""
    collector = start()
    assert statuses(collector, Host=host) == {421}
    _, body = ask(collector.admin, "/api/v1/sessions", Host=host)
    assert "setting hosts" in json.loads(body)["error"]["message"]


def test_no_host_at_all_is_refused(start: Start) -> None:
    """A request that names no host could be meant for anybody."""
    assert statuses(start()) <= {400, 421}


@pytest.mark.parametrize(
    "host",
    [
        "localhost:*",
        "LOCALHOST",
        "localhost.:*",
        "my.localhost",
        "127.0.0.1:*",
        "[::1]:*",
        "127.9.9.9",
    ],
)
def test_the_loopback_is_answered(start: Start, host: str) -> None:
    """Every name and address of the loopback is the collector's own."""
    assert statuses(start(), Host=host) <= {200, 404}


def test_configured_names_are_answered(start: Start) -> None:
    """A name of the setting hosts is answered in any spelling, with and without a port."""
    collector = start(hosts=("Collector.internal", "fd00::7"))
    for host in ("collector.internal:*", "COLLECTOR.INTERNAL", "[fd00::7]:*"):
        assert statuses(collector, Host=host) <= {200, 404}
    assert statuses(collector, Host="other.internal") == {421}


def test_hosts_are_words_of_a_text(monkeypatch: pytest.MonkeyPatch) -> None:
    """A variable or flag gives several names with commas between them."""
    monkeypatch.setenv("JOURNEYTRACE_HOSTS", "a.internal, b.internal")
    assert load_settings(None, {}).hosts == ("a.internal", "b.internal")
    assert load_settings(None, {"hosts": "c"}).hosts == ("c",)


def test_an_address_that_was_connected_to_is_answered(start: Start) -> None:
    """A probe that knows a machine by its address alone is answered: nobody can rebind that."""
    collector = start(insecure=True, admin=Address("0.0.0.0", 0))
    port = collector.admin.port
    for own, status in (("127.0.0.1", 200), ("127.0.0.3", 200), ("192.0.2.1", 421)):
        with closing(http.client.HTTPConnection("127.0.0.3", port, timeout=10)) as connection:
            connection.request("GET", "/healthz", headers={"Host": f"{own}:{port}"})
            assert connection.getresponse().status == status


@pytest.mark.parametrize(
    "origin",
    ["https://evil.example", "http://localhost:1", "https://localhost:*", "null", "", "file://"],
)
def test_a_foreign_origin_is_refused(start: Start, origin: str) -> None:
    """Without a token a page of another origin gets 403, whatever host it asks for."""
    assert statuses(start(), Host="localhost:*", Origin=origin) == {403}


def test_who_is_refused_without_a_token_is_counted(start: Start) -> None:
    """Requests to the port for events count by what was amiss with them."""
    collector = start()
    ask(collector.otlp_http, "/v1/traces", Host="localhost:*", Origin="https://evil.example")
    ask(collector.otlp_http, "/v1/traces", Host="evil.example")
    page = ask(collector.admin, "/metrics", Host="localhost:*")[1].decode()
    found = dict(re.findall(r'_requests_refused_total\{reason="(\w+)"\} (\d+)', page))
    assert found == {"missing": "0", "wrong": "0", "host": "1", "origin": "1"}


def test_the_own_origin_is_answered(start: Start) -> None:
    """A page that came from the port itself is none of another site."""
    collector = start()
    assert statuses(collector, Host="localhost:*", Origin="http://localhost:*") <= {200, 404}


def test_with_a_token_names_do_not_matter(start: Start) -> None:
    """Who shows a token is no page in somebody's browser."""
    collector = start(token=TOKEN, admin_token=ADMIN)
    foreign = {"Host": "anything.example", "Origin": "https://anything.example"}
    assert ask(collector.otlp_http, "/v1/traces", **foreign)[0] == 401
    sender = foreign | {"Authorization": f"Bearer {TOKEN}"}
    assert ask(collector.otlp_http, "/v1/traces", **sender)[0] == 200
    assert ask(collector.admin, "/healthz", **foreign)[0] == 200
    reader = foreign | {"Authorization": f"Bearer {ADMIN}"}
    assert ask(collector.admin, "/api/v1/sessions", **reader)[0] == 200
