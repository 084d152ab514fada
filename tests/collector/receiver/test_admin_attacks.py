"""The admin address answers every question, however odd, and says what is allowed."""

from __future__ import annotations

import base64
import json
import socket
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest

if TYPE_CHECKING:
    from tests.collector.receiver.conftest import Otlp, Running, Send


def cursor(text: str) -> str:
    """Write a forged cursor."""
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("status=DONE", "status"),
        ("status=", "status"),
        ("decision=YES", "decision"),
        ("limit=0", "limit"),
        ("limit=1001", "limit"),
        ("limit=-1", "limit"),
        ("limit=1e3", "limit"),
        ("limit=" + "%EF%BC%91", "limit"),
        ("since=yesterday", "since"),
        ("since=2026-13-01", "since"),
        ("until=2026-06-01T25:00:00", "until"),
        ("search=" + "x" * 513, "search"),
        ("field=user_id", "field"),
        ("field=state&search=x", "field"),
        ("cursor=%ff", "cursor"),
        ("cursor=x", "cursor"),
        ("cursor=" + cursor("{}"), "cursor"),
        ("cursor=" + cursor("[1]"), "cursor"),
        ("colour=red", "colour"),
        ("%00=1", "\0"),
    ],
    ids=lambda text: text[:30],
)
def test_bad_parameters_of_the_list(collector: Running, send: Send, query: str, field: str) -> None:
    """A parameter out of its range is a 400 that names it and what is allowed."""
    answer = send(collector.admin, "GET", f"/api/v1/sessions?{query}")
    assert answer.status == 400
    assert answer.headers["content-type"] == "application/json"
    error = json.loads(answer.body)["error"]
    assert (error["field"], bool(error["allowed"])) == (field, True)
    assert error["message"].startswith(field)


@pytest.mark.parametrize(
    "query",
    [
        "limit=" + "0" * 8 + "19999",
        "limit=" + "0" * 8 + "1" + "9" * 5_000,
        "cursor=" + cursor("[99999999999999999999, 1]"),
        "cursor=" + cursor("[1, -9223372036854775809]"),
    ],
    ids=lambda text: text[:30],
)
def test_numbers_beyond_the_store(collector: Running, send: Send, query: str) -> None:
    """A number that no store could hold is a 400 like any other that is out of range."""
    assert send(collector.admin, "GET", f"/api/v1/sessions?{query}").status == 400


@pytest.mark.parametrize("time", ["9999-12-31T23:59:59Z", "0001-01-01T00:00:00Z"])
def test_times_beyond_the_clock(
    collector: Running, otlp: type[Otlp], send: Send, time: str
) -> None:
    """The end of time and its beginning may be asked for, and cut off what they cut off."""
    collector.call("traces", otlp.traces(otlp.span()).SerializeToString())
    found = []
    for bound in ("since", "until"):
        answer = send(collector.admin, "GET", f"/api/v1/sessions?{bound}={time}")
        assert answer.status == 200
        found.append(len(json.loads(answer.body)["sessions"]))
    assert found == ([0, 1] if time.startswith("9") else [1, 0])


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/api/v1/sessions/nobody", 404),
        ("/api/v1/sessions/nobody/events", 404),
        ("/api/v1/sessions/00000000-0000-0000-0000-000000000000", 400),
        ("/api/v1/sessions/" + "x" * 129, 400),
        ("/api/v1/sessions/%00", 400),
        ("/api/v1/sessions/nobody/events?source=XX", 400),
        ("/api/v1/sessions/nobody/events?limit=1", 400),
        ("/api/v1/sessions/a%2Fb", 404),
        ("/api/v1/sessions/..%2f..%2fetc", 404),
        ("/api/v2/sessions", 404),
        ("/", 404),
    ],
)
def test_paths_without_an_answer(collector: Running, send: Send, path: str, status: int) -> None:
    """Whatever is not there, or cannot be, is told as JSON."""
    answer = send(collector.admin, "GET", path)
    assert (answer.status, answer.headers["content-type"]) == (status, "application/json")
    assert json.loads(answer.body)["error"]["message"]


@pytest.mark.parametrize("method", ["POST", "PATCH", "PUT"])
def test_nothing_can_be_changed(collector: Running, send: Send, method: str) -> None:
    """Sessions can be read and erased, and not written."""
    assert send(collector.admin, method, "/api/v1/sessions").status == 405


def test_health(collector: Running, send: Send) -> None:
    """Both health addresses answer 200 in plain text."""
    for path in ("/healthz", "/readyz"):
        answer = send(collector.admin, "GET", path)
        assert (answer.status, answer.headers["content-type"][:10]) == (200, "text/plain")


@pytest.mark.parametrize(
    "path",
    [
        b"/api/v1/sessions/\xff\xfe",
        b"/api/v1/sessions/%ED%A0%80",
        b"/api/v1/sessions?search=\xff",
        b"/api/v1/sessions?search=%ED%A0%80",
        b"/api/v1/sessions?cursor=\xff",
        b"/\xff",
        b"/api/v1/sessions/" + b"x" * 20_000,
        b"",
    ],
    ids=lambda path: repr(path[:40]),
)
def test_requests_no_client_library_would_send(collector: Running, path: bytes) -> None:
    """Raw bytes in the request line are somebody's mistake, never a failure of the collector."""
    host, port = collector.admin.rsplit(":", 1)
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        connection.sendall(b"GET " + path + b" HTTP/1.1\r\nHost: localhost\r\n\r\n")
        status = int(connection.recv(100).split(b" ", 2)[1])
    assert status < 500
    assert collector.get("/api/v1/sessions")["sessions"] == []


@pytest.mark.parametrize("session_id", ["a/b", "a%2Fb", "a?b#c", "ключ 7", "..", "\u0301", "'--"])
def test_sessions_with_odd_ids_can_be_asked_for(
    collector: Running, otlp: type[Otlp], session_id: str
) -> None:
    """Every id that a session may have can be put into a path, percent-encoded."""
    span = otlp.span("STEP_VIEW", {"session.id": session_id})
    collector.call("traces", otlp.traces(span).SerializeToString())
    path = quote(session_id, safe="").replace(".", "%2E")
    assert collector.get(f"/api/v1/sessions/{path}")["session_id"] == session_id
    assert collector.names(path) == ["STEP_VIEW"]
    listed = collector.get(f"/api/v1/sessions?search={quote(session_id, safe='')}")["sessions"]
    assert [one["session_id"] for one in listed] == [session_id]
