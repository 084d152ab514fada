"""The examples do what they say: run as their users would, with a real receiver of OTLP behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from http.cookiejar import CookieJar
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from tests.support.otlp import plain
from tests.support.receivers import HttpReceiver, spans_of
from tests.support.running import enter_in_background
from tests.support.waiting import PATIENCE, Lines

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from opentelemetry.proto.trace.v1.trace_pb2 import Span

    Run = Callable[..., subprocess.Popen[str]]

NAME = "journey.event.name"
EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.fixture
def receiver() -> Iterator[HttpReceiver]:
    """Take OTLP over HTTP."""
    with enter_in_background() as enter:
        yield enter(HttpReceiver())


@pytest.fixture
def run(receiver: HttpReceiver, tmp_path: Path) -> Iterator[Run]:
    """Start a program in the folder of an example; what still runs is ended with its children."""
    started: list[subprocess.Popen[str]] = []
    variables = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{receiver.port}",
        "BROKER_FOLDER": str(tmp_path / "queue"),
        "PYTHONDONTWRITEBYTECODE": "1",
    }

    def start(example: str, *arguments: str) -> subprocess.Popen[str]:
        child = subprocess.Popen(
            [sys.executable, *arguments],
            cwd=EXAMPLES / example,
            env=os.environ | variables,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        started.append(child)
        return child

    yield start
    for child in started:
        if child.poll() is None:
            os.killpg(child.pid, signal.SIGKILL)
        child.wait(PATIENCE)
        if child.stdout:
            child.stdout.close()


def spans_at(receiver: HttpReceiver) -> list[Span]:
    """Give all spans that came, by their beginning."""
    spans = spans_of(*(received.request for received in receiver.received))
    return sorted(spans, key=lambda span: span.start_time_unix_nano)


def test_fastapi_records_in_the_journey_of_each_request(receiver: HttpReceiver, run: Run) -> None:
    """Two browsers go through the form by HTTP; each one's events are in its own session."""
    service = run("fastapi", "-m", "uvicorn", "app:app", "--port", "0")
    lines = Lines(service.stdout)
    listening = lines.find(r"running on (http://\S+)")
    assert listening, lines.text()

    def browser() -> Callable[..., Any]:
        opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(CookieJar()))

        def post(path: str, **body: str) -> Any:
            kind = {"Content-Type": "application/json"}
            url = f"{listening[1]}{path}"
            request = urllib.request.Request(url, json.dumps(body).encode(), kind)  # noqa: S310
            with opener.open(request, timeout=PATIENCE) as answer:
                return json.load(answer)

        return post

    ann, bob = browser(), browser()
    ids = [post("/sessions?project=acme-kyc")["session_id"] for post in (ann, bob)]
    ann("/email", email="ann@example.com")
    with pytest.raises(urllib.error.HTTPError, match="422") as refused:
        bob("/id-document?score=0.5")
    refused.value.close()
    ann("/id-document?score=0.9")
    assert ann("/selfie?score=0.95") == "APPROVED"
    assert bob("/selfie?score=0.5") == "PENDING"
    service.terminate()
    assert service.wait(PATIENCE) in {0, -signal.SIGTERM}, lines.text()

    spans = spans_at(receiver)
    events = {i: [plain(s) for s in spans if plain(s).get("session.id") == i] for i in ids}
    names = {i: [e[NAME] for e in events[i] if NAME in e] for i in ids}
    checks = ["ID_RECOGNITION", "FACE_COMPARE"]
    assert names == {
        ids[0]: ["SESSION_CREATED", "VERIFY_EMAIL", *checks, "APPROVED"],
        ids[1]: ["SESSION_CREATED", *checks, "PENDING"],
    }
    assert [e.get("journey.error.code") for e in events[ids[1]] if e.get(NAME) == checks[0]] == [
        "QS-10001"
    ]
    assert [span.name for span in spans if "ann@example.com" in str(span)] == ["VERIFY_EMAIL"]
    assert [plain(span)["session.id"] for span in spans if span.name == "model"] == ids


def test_celery_goes_on_in_the_worker(receiver: HttpReceiver, run: Run) -> None:
    """What a journey's process sends is decided by a worker, in the same session."""
    quiet = ("--without-gossip", "--without-mingle", "--without-heartbeat")
    worker = run("celery", "-m", "celery", "-A", "tasks", "worker", "-c", "1", "-l", "INFO", *quiet)
    lines = Lines(worker.stdout)
    begin = run("celery", "begin.py", "Ann Example", "Max Muster")
    ids = begin.communicate(timeout=PATIENCE)[0].split()
    for decision in ("APPROVED", "REJECTED"):
        assert lines.find(rf"Task tasks.decide.* succeeded .*{decision}"), lines.text()
    worker.terminate()
    assert worker.wait(PATIENCE) == 0, lines.text()
    spans = spans_at(receiver)
    assert {i: [s.name for s in spans if plain(s)["session.id"] == i] for i in ids} == {
        ids[0]: ["SESSION_CREATED", "DUPLICATE_APPROVED_USER_CHECK", "APPROVED"],
        ids[1]: ["SESSION_CREATED", "DUPLICATE_APPROVED_USER_CHECK", "REJECTED"],
    }
