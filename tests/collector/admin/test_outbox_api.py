"""The outbox over the admin API and by its command, with parcels that a real receiver refused."""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import grpc
import pytest
from aiohttp import web
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from tests.support.receivers import HttpReceiver
from tests.support.running import enter_in_background, free_settings
from tests.support.waiting import PATIENCE, wait_until
from typer.testing import CliRunner, Result

from journeytrace.identity import trace_id
from journeytrace_collector.cli import app
from journeytrace_collector.process import Collector

EXPORT = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
REASON = "no [red]such\x1b tenant"
SESSIONS = ("session-1", "session-2", "session-3")


class Outbox:
    """A collector whose receiver refuses each parcel for good, until it is mended."""

    def __init__(self, collector: Collector, receiver: HttpReceiver) -> None:
        self.collector = collector
        self.receiver = receiver

    def send(self, session_id: str) -> None:
        """Let one span of a session come in, and so go out."""
        request = ExportTraceServiceRequest()
        span = request.resource_spans.add().scope_spans.add().spans.add()
        span.trace_id, span.span_id = trace_id(session_id), b"12345678"
        span.name = "STEP_VIEW"
        span.start_time_unix_nano = span.end_time_unix_nano = time.time_ns()
        values = {"session.id": session_id, "journey.event.name": "STEP_VIEW", "who": "Ann Example"}
        span.attributes.extend(
            KeyValue(key=key, value=AnyValue(string_value=value)) for key, value in values.items()
        )
        with grpc.insecure_channel(str(self.collector.otlp_grpc)) as channel:
            channel.unary_unary(EXPORT)(request.SerializeToString(), timeout=PATIENCE)

    def ask(self, method: str, path: str, body: bytes | None = None, **headers: str) -> Any:
        """Ask the admin address and give the response with its ``body`` read."""
        connection = http.client.HTTPConnection(str(self.collector.admin), timeout=PATIENCE)
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, path, body, sent)
        response: Any = connection.getresponse()
        response.body = response.read()
        connection.close()
        return response

    def post(self, what: str, body: object) -> Any:
        """Ask for something to be done with parcels: requeue or discard."""
        text = body if isinstance(body, bytes) else json.dumps(body).encode()
        return self.ask("POST", f"/api/v1/outbox/{what}", text, Content_Type="application/json")

    def requeue(self, body: object) -> Any:
        """Ask for parcels to be put back."""
        return self.post("requeue", body)

    def get(self) -> Any:
        """Give the outbox."""
        return json.loads(self.ask("GET", "/api/v1/outbox").body)

    def command(self, *words: str) -> Result:
        """Run ``journeytrace outbox`` against it."""
        return CliRunner().invoke(app, ["outbox", *words, "--url", str(self.collector.admin)])


@contextmanager
def refused(data: Path) -> Iterator[Outbox]:
    """Give an outbox in which a parcel of each session is parked."""
    with enter_in_background() as enter:
        receiver = enter(HttpReceiver())
        receiver.answers.extend([lambda: web.Response(status=400, text=REASON)] * len(SESSIONS))
        otlp = {
            "endpoint": f"http://127.0.0.1:{receiver.port}",
            "protocol": "http/protobuf",
            "email": "drop",
        }
        made = Outbox(enter(Collector(free_settings(data, exporters={"otlp": otlp}))), receiver)
        for number, session_id in enumerate(SESSIONS, 1):
            # One after the other: what waits together would be tried together first.
            made.send(session_id)
            wait_until(
                f"{number} parked parcels",
                lambda number=number: len(made.get()["parked"]) == number,  # type: ignore[misc]
            )
        yield made


@pytest.fixture
def outbox(tmp_path: Path) -> Iterator[Outbox]:
    """An outbox of the test's own."""
    with refused(tmp_path / "data") as made:
        yield made


@pytest.fixture(scope="module")
def unmoved(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Outbox]:
    """An outbox for tests that move nothing."""
    with refused(tmp_path_factory.mktemp("outbox")) as made:
        yield made


def test_the_outbox_lists_destinations_and_parked_parcels(unmoved: Outbox) -> None:
    """Each parked parcel has its id, destination, time and reason, the newest first."""
    found = unmoved.get()
    assert found["destinations"] == [
        {
            "name": "otlp",
            "waiting": 0,
            "oldest_at": None,
            "backing_off": 0,
            "backing_off_since": None,
            "parked": len(SESSIONS),
        }
    ]
    ids = [row["id"] for row in found["parked"]]
    assert ids == sorted(ids, reverse=True)
    for row in found["parked"]:
        assert set(row) == {"id", "destination", "session_id", "since", "reason"}
        assert row["destination"] == "otlp"
        assert row["since"].endswith("Z")
        assert row["reason"].startswith("400: no [red]such")


def test_what_is_in_a_parcel_is_not_shown(unmoved: Outbox) -> None:
    """Personal data stays in the unmoved."""
    assert b"Ann Example" not in unmoved.ask("GET", "/api/v1/outbox").body


def test_a_limit_gives_the_newest(unmoved: Outbox) -> None:
    """`limit` cuts the list of parked parcels, not their count."""
    found = json.loads(unmoved.ask("GET", "/api/v1/outbox?limit=1").body)
    assert found["parked"] == unmoved.get()["parked"][:1]
    assert found["destinations"][0]["parked"] == len(SESSIONS)


def test_requeued_parcels_are_delivered(outbox: Outbox) -> None:
    """Parcels named by id go out once the receiver takes them; the others stay parked."""
    newest, *others = outbox.get()["parked"]
    answer = outbox.requeue({"ids": [newest["id"], newest["id"], 4_711]})
    assert (answer.status, json.loads(answer.body)) == (200, {"requeued": 1})
    received = outbox.receiver.received
    wait_until("the requeued parcel", lambda: len(received) == len(SESSIONS) + 1)
    bodies = [received.body for received in outbox.receiver.received]
    assert bodies.index(bodies[-1]) < len(SESSIONS), "what was sent again is not what was refused"
    assert outbox.get()["parked"] == others
    answer = outbox.requeue({"ids": None})
    assert json.loads(answer.body) == {"requeued": len(others)}
    wait_until("an empty outbox", lambda: not outbox.get()["destinations"])
    again = b"".join(sent.body for sent in received[len(SESSIONS) :])
    assert all(refused.body in again for refused in received[: len(SESSIONS)])


def test_discarded_parcels_are_gone(outbox: Outbox, caplog: pytest.LogCaptureFixture) -> None:
    """Parcels named by id, or all, are forgotten and not delivered; the log says which."""
    newest, *others = outbox.get()["parked"]
    answer = outbox.post("discard", {"ids": [newest["id"], newest["id"], 4_711]})
    assert (answer.status, json.loads(answer.body)) == (200, {"discarded": 1})
    assert outbox.get()["parked"] == others
    assert f"1 parked parcels were discarded by 127.0.0.1: {newest['id']}, 4711" in caplog.text
    answer = outbox.post("discard", {"ids": None})
    assert json.loads(answer.body) == {"discarded": len(others)}
    assert outbox.get() == {"destinations": [], "parked": []}
    assert len(outbox.receiver.received) == len(SESSIONS)


def test_a_session_that_backs_off_is_shown(outbox: Outbox) -> None:
    """Asked by a receiver to come back later, a destination shows how many wait, and since when."""
    busy = web.Response(status=503, headers={"Retry-After": "3000"})
    outbox.receiver.answers.append(lambda: busy)
    outbox.send("session-4")
    wait_until(
        "one line that backs off", lambda: outbox.get()["destinations"][0]["backing_off"] == 1
    )
    (found,) = outbox.get()["destinations"]
    assert found["waiting"] == 1
    assert found["backing_off_since"] == found["oldest_at"]
    cells = outbox.command().stdout.splitlines()[1].split()
    assert (cells[0], cells[1], cells[-1]) == ("otlp", "1", "3")
    assert cells[-4] == "1"


@pytest.mark.parametrize("what", ["requeue", "discard"])
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{}",
        b"null",
        b"[1]",
        b"\xff",
        b"[" * 100_000,
        {"ids": "all"},
        {"ids": [0]},
        {"ids": [-1]},
        {"ids": [2**63]},
        {"ids": [1.5]},
        {"ids": ["1"]},
        {"ids": [None]},
        {"ids": [1], "id": 1},
    ],
    ids=lambda body: str(body)[:20],
)
def test_a_faulty_request_moves_nothing(unmoved: Outbox, body: object, what: str) -> None:
    """Anything but a list of ids or an explicit null is a 400 that says what is allowed."""
    before = unmoved.get()
    answer = unmoved.post(what, body)
    assert answer.status == 400
    error = json.loads(answer.body)["error"]
    assert error["field"] == "ids"
    assert '{"ids": null}' in error["allowed"]
    assert unmoved.get() == before


@pytest.mark.parametrize("what", ["requeue", "discard"])
def test_pages_in_a_browser_cannot_move_parcels(unmoved: Outbox, what: str) -> None:
    """A content type that browsers send across sites without asking is refused."""
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data"):
        answer = unmoved.ask("POST", f"/api/v1/outbox/{what}", b'{"ids": null}', Content_Type=kind)
        assert answer.status == 415
    assert len(unmoved.get()["parked"]) == len(SESSIONS)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/api/v1/outbox?limit=0", 400),
        ("GET", "/api/v1/outbox?limit=1001", 400),
        ("GET", "/api/v1/outbox?cursor=x", 400),
        ("POST", "/api/v1/outbox", 405),
        ("GET", "/api/v1/outbox/requeue", 405),
        ("GET", "/api/v1/outbox/discard", 405),
        ("GET", "/api/v1/outbox/1", 404),
    ],
)
def test_questions_the_outbox_does_not_know(
    unmoved: Outbox, method: str, path: str, status: int
) -> None:
    """Whatever is out of range, or not there, is told as JSON."""
    answer = unmoved.ask(method, path)
    assert answer.status == status
    assert json.loads(answer.body)["error"]["message"]


def test_too_many_ids_are_too_large(unmoved: Outbox) -> None:
    """A body over 1 MiB is refused whole."""
    assert unmoved.requeue(b'{"ids": [' + b"1," * 2**20 + b"1]}").status == 413


def test_the_command_lists_the_outbox(unmoved: Outbox) -> None:
    """The tables hold what the API tells, and no text of a receiver steers the terminal."""
    answer = unmoved.command()
    assert answer.exit_code == 0
    for row in unmoved.get()["parked"]:
        (line,) = [one for one in answer.stdout.splitlines() if one.startswith(f"{row['id']} ")]
        assert "no [red]such" in line
    assert "\x1b" not in answer.stdout
    assert answer.stdout.splitlines()[1].split() == ["otlp", "0", "—", "0", "—", "3"]
    assert json.loads(unmoved.command("--json").stdout) == unmoved.get()
    assert "2 more are parked" in unmoved.command("--limit", "1").stderr


def test_the_command_requeues(outbox: Outbox) -> None:
    """Ids or --all go back in line; an id that is not parked is said, with exit code 1."""
    newest = outbox.get()["parked"][0]["id"]
    answer = outbox.command("requeue", str(newest), "4711")
    assert (answer.exit_code, answer.stdout) == (1, "1 put back in line.\n")
    assert "1 of these ids are not parked" in answer.stderr
    answer = outbox.command("requeue", "--all", "--json")
    assert (answer.exit_code, json.loads(answer.stdout)) == (0, {"requeued": 2})
    wait_until("an empty outbox", lambda: not outbox.get()["destinations"])
    answer = outbox.command()
    assert (answer.exit_code, answer.stdout) == (0, "")
    assert "Nothing waits, and nothing is parked." in answer.stderr


def test_the_command_discards(outbox: Outbox) -> None:
    """Ids go at once, all of them only when that is confirmed; exit code 1 if it is not."""
    newest = outbox.get()["parked"][0]["id"]
    answer = outbox.command("discard", str(newest), "4711")
    assert (answer.exit_code, answer.stdout) == (1, "1 discarded.\n")
    assert "1 of these ids are not parked" in answer.stderr
    answer = outbox.command("discard", "--all")
    assert (answer.exit_code, answer.stdout.strip()) == (1, "")
    assert "for good? [y/N]" in answer.stderr
    assert len(outbox.get()["parked"]) == 2
    answer = outbox.command("discard", "--all", "--yes", "--json")
    assert (answer.exit_code, json.loads(answer.stdout)) == (0, {"discarded": 2})
    assert outbox.get()["parked"] == []


@pytest.mark.parametrize("what", ["requeue", "discard"])
@pytest.mark.parametrize("words", [(), ("1", "--all"), ("0",), ("x",)])
def test_the_command_wants_ids_or_all(unmoved: Outbox, words: tuple[str, ...], what: str) -> None:
    """Neither, both, or what is no id is the caller's mistake: exit code 2, nothing moves."""
    assert unmoved.command(what, *words).exit_code == 2
    assert len(unmoved.get()["parked"]) == len(SESSIONS)


def test_options_before_requeue_are_not_lost(unmoved: Outbox) -> None:
    """An address in front of `requeue` would be another collector's: it is refused."""
    words = ["outbox", "--url", str(unmoved.collector.admin), "requeue", "--all"]
    answer = CliRunner().invoke(app, words)
    assert answer.exit_code == 2
    assert "--url" in answer.stderr
