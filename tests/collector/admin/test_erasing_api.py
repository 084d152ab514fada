"""Erasing over the admin API and by its command, down to the files of the data folder."""

from __future__ import annotations

import http.client
import json
import logging
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from tests.support.running import enter_in_background, free_settings
from tests.support.waiting import wait_until
from typer.testing import CliRunner, Result

from journeytrace.identity import trace_id
from journeytrace_collector.cli import app
from journeytrace_collector.process import Collector

EXPORT = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
USER = "user-58d2c1"
EMAIL = "marker-58d2c1@example.com"


class Running:
    """A collector, and those who talk to it."""

    def __init__(self, collector: Collector, data: Path) -> None:
        self.collector = collector
        self.data = data

    def send(self, session_id: str, **more: str) -> ExportTraceServiceResponse:
        """Let two events of a session come in."""
        request = ExportTraceServiceRequest()
        spans = request.resource_spans.add().scope_spans.add().spans
        for number in (1, 2):
            span = spans.add(trace_id=trace_id(session_id), name="STEP_VIEW")
            span.span_id = number.to_bytes(8, "big")
            span.start_time_unix_nano = span.end_time_unix_nano = time.time_ns()
            values = {"session.id": session_id, "journey.event.name": "STEP_VIEW", **more}
            span.attributes.extend(
                KeyValue(key=key, value=AnyValue(string_value=v)) for key, v in values.items()
            )
        with grpc.insecure_channel(str(self.collector.otlp_grpc)) as channel:
            answer = channel.unary_unary(EXPORT)(request.SerializeToString(), timeout=10)
        return ExportTraceServiceResponse.FromString(answer)

    def ask(self, method: str, path: str) -> tuple[int, Any]:
        """Ask the admin address; gives status and body."""
        connection = http.client.HTTPConnection(str(self.collector.admin), timeout=10)
        connection.request(method, path)
        response = connection.getresponse()
        body = response.read()
        connection.close()
        return response.status, json.loads(body) if body else None

    def known(self) -> set[str]:
        """Give the ids of all sessions."""
        return {row["session_id"] for row in self.ask("GET", "/api/v1/sessions")[1]["sessions"]}

    def command(self, *words: str, answer: str = "") -> Result:
        """Run ``journeytrace erase`` against it."""
        words = ("erase", *words, "--url", str(self.collector.admin))
        return CliRunner().invoke(app, words, input=answer)

    def on_disk(self, text: str) -> bool:
        """Whether a file of the data folder holds this."""
        return any(text.encode() in path.read_bytes() for path in self.data.iterdir())

    def until_gone(self, text: str) -> None:
        """Wait until no file of the data folder holds this."""
        wait_until(f"no file that holds {text}", lambda: not self.on_disk(text))


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    """Give a collector with three sessions, two of them of one person."""
    with enter_in_background() as enter:
        made = Running(enter(Collector(free_settings(tmp_path))), tmp_path)
        made.send("one", **{"user.id": USER, "user.email": EMAIL, "note": "marker-in-metadata"})
        made.send("two", **{"user.id": USER})
        made.send("other", **{"user.id": "somebody"})
        yield made


def test_a_session_is_erased_for_good(running: Running, caplog: pytest.LogCaptureFixture) -> None:
    """It is gone from every answer at once and from every file soon, and no retry revives it."""
    caplog.set_level(logging.INFO)
    assert running.on_disk(EMAIL)
    assert running.ask("DELETE", "/api/v1/sessions/one") == (200, {"erased": 1, "events": 2})
    for path in ("/api/v1/sessions/one", "/api/v1/sessions/one/events"):
        assert running.ask("GET", path)[0] == 404
    assert running.ask("DELETE", "/api/v1/sessions/one")[0] == 404
    assert not running.send("one", **{"user.email": EMAIL}).HasField("partial_success")
    assert running.known() == {"two", "other"}
    for text in (EMAIL, "marker-in-metadata", trace_id("one").hex()):
        running.until_gone(text)
    told = [record.getMessage() for record in caplog.records]
    assert "erased on request: 1 sessions with 2 events" in told
    assert not any(EMAIL in line or "one" in line.split() for line in told)


def test_who_erased_is_told(running: Running) -> None:
    """The newest first: who, what and when, with a digest in the place of the session."""
    assert running.ask("GET", "/api/v1/acts") == (200, {"acts": []})
    running.ask("DELETE", "/api/v1/sessions/one")
    running.ask("DELETE", "/api/v1/sessions/two")
    acts = running.ask("GET", "/api/v1/acts")[1]["acts"]
    assert [(act["actor"], act["act"], act["project"]) for act in acts] == [
        ("admin", "erase", None)
    ] * 2
    assert acts[0]["at"] >= acts[1]["at"]
    assert len({act["digest"] for act in acts}) == 2
    assert running.ask("GET", "/api/v1/acts?limit=1")[1]["acts"] == acts[:1]


@pytest.mark.parametrize(
    ("query", "erased"), [(f"user={USER}", {"one", "two"}), (f"email={EMAIL.upper()}", {"one"})]
)
def test_a_person_is_erased(running: Running, query: str, erased: set[str]) -> None:
    """All sessions with this user id, or address, go, and no others."""
    count = {"sessions": len(erased), "events": 2 * len(erased)}
    assert running.ask("GET", f"/api/v1/erasable?{query}") == (200, count)
    answer = {"erased": len(erased), "events": 2 * len(erased)}
    assert running.ask("DELETE", f"/api/v1/sessions?{query}") == (200, answer)
    assert running.known() == {"one", "two", "other"} - erased
    assert running.ask("DELETE", f"/api/v1/sessions?{query}") == (200, {"erased": 0, "events": 0})


@pytest.mark.parametrize(
    "path",
    [
        "sessions",
        "sessions?",
        "sessions?user=",
        "sessions?email=",
        f"sessions?user={USER}&email={EMAIL}",
        f"sessions?user={USER}&user=somebody",
        f"sessions?search={USER}",
        "sessions?status=DROPPED",
        f"sessions?user={'x' * 513}",
        "sessions/one?user=somebody",
        "sessions/%00",
    ],
)
def test_nothing_is_erased_by_a_request_that_is_not_exact(running: Running, path: str) -> None:
    """Without exactly one subject the answer is 400, and never everything is meant."""
    status, body = running.ask("DELETE", f"/api/v1/{path}")
    assert status == 400
    assert body["error"]["message"]
    assert running.known() == {"one", "two", "other"}


def test_the_command_shows_what_will_go_and_asks(running: Running) -> None:
    """Anything but a yes erases nothing; a yes says how much went."""
    asked = running.command("--user", USER, answer="n\n")
    assert asked.exit_code == 1
    assert "Erase 2 sessions with 4 events, for good?" in asked.stderr
    assert running.known() == {"one", "two", "other"}
    answer = running.command("--user", USER, answer="y\n")
    assert (answer.exit_code, answer.stdout.splitlines()[-1]) == (
        0,
        "2 sessions with 4 events erased.",
    )
    assert running.known() == {"other"}


def test_the_command_erases_unasked_with_yes(running: Running) -> None:
    """A script gets JSON, and exit code 1 where nothing was there to erase."""
    answer = running.command("one", "--yes", "--json")
    assert (answer.exit_code, json.loads(answer.stdout)) == (0, {"erased": 1, "events": 2})
    assert running.command("one", "--yes").exit_code == 1
    nobody = running.command("--email", EMAIL, "--yes")
    assert (nobody.exit_code, nobody.stdout) == (1, "")
    assert "No session has this address." in nobody.stderr
    missing = running.command("one")
    assert (missing.exit_code, missing.stdout) == (1, "")
    assert "no session has the id 'one'" in missing.stderr
    assert running.known() == {"two", "other"}


@pytest.mark.parametrize("words", [(), ("one", "--user", USER), ("--user", USER, "--email", "x")])
def test_the_command_wants_exactly_one_subject(running: Running, words: tuple[str, ...]) -> None:
    """None or two is the caller's mistake: exit code 2, nothing goes."""
    assert running.command(*words, "--yes").exit_code == 2
    assert running.known() == {"one", "two", "other"}
