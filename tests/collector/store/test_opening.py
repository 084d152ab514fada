"""From settings to a store: collectors as processes of their own on one database."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from tests.support.postgresql import PASSWORD
from tests.support.waiting import PATIENCE, Lines

from journeytrace.catalogue import builtin_catalogue
from journeytrace_collector.errors import ConfigError
from journeytrace_collector.settings import load_settings
from journeytrace_collector.store import SqliteStore
from journeytrace_collector.store.opening import open_store, store_place

_MAIN = "from journeytrace_collector.cli import main; main()"
_LISTENING = r"OTLP/HTTP on (\S+), admin on (\S+), store in (\S+)"
START = time.time_ns()


class Process:
    """A collector as a process of its own. It listens once it is made."""

    def __init__(self, name: str, url: str, data: Path) -> None:
        flags = ["--store", url, "--collector-id", name, "--data", str(data), "--desk", "off"]
        for address in ("--otlp-grpc", "--otlp-http", "--admin"):
            flags += [address, "127.0.0.1:0"]
        command = [sys.executable, "-c", _MAIN, "collector", *flags]
        self.child = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        self.lines = Lines(self.child.stderr)
        if found := self.lines.find(_LISTENING):
            self.http, self.admin, self.place = found.groups()

    def send(self, body: bytes) -> None:
        """Send OTLP/JSON until it is taken."""
        address = f"http://{self.http}/v1/traces"
        headers = {"Content-Type": "application/json"}
        request = urllib.request.Request(address, body, headers)
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:  # noqa: S310 - our own
            assert json.load(answer) == {}

    def get(self, path: str) -> Any:
        """Read from the admin address."""
        with urllib.request.urlopen(f"http://{self.admin}{path}", timeout=PATIENCE) as answer:
            return json.load(answer) if path.startswith("/api") else answer.read().decode()

    def kill(self) -> None:
        """End it as a power cut would."""
        self.child.kill()
        self.child.wait(PATIENCE)
        self.lines.text()


@pytest.fixture
def launch(url: str, tmp_path: Path) -> Iterator[Callable[[str], Process]]:
    """Start collectors on one database; those still running are killed in the end."""
    started: list[Process] = []

    def begin(name: str) -> Process:
        started.append(Process(name, url, tmp_path))
        return started[-1]

    yield begin
    for process in started:
        process.kill()


def body(session: int, numbers: Sequence[int]) -> bytes:
    """Give a request with events of one session."""
    spans = [
        {
            "traceId": f"{session + 1:032x}",
            "spanId": f"{number + 1:016x}",
            "name": "STEP_VIEW",
            "startTimeUnixNano": str(START + number),
            "endTimeUnixNano": str(START + number),
            "attributes": [
                {"key": key, "value": {"stringValue": text}}
                for key, text in {
                    "session.id": f"session-{session}",
                    "journey.event.name": "STEP_VIEW",
                    "journey.project.id": "acme",
                }.items()
            ],
        }
        for number in numbers
    ]
    return json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": spans}]}]}).encode()


def counted(process: Process) -> float:
    """Give how many events a collector has accepted, by its own metrics."""
    pattern = r'journey_collector_events_total\{outcome="accepted"\} (\S+)'
    (found,) = re.findall(pattern, process.get("/metrics"))
    return float(found)


def test_processes_that_are_killed_lose_nothing_and_count_nothing_twice(
    launch: Callable[[str], Process],
) -> None:
    """Senders that repeat what was not answered, elsewhere, leave each event once in the sum."""
    one, two = launch("one"), launch("two")
    requests = [body(n % 7, range(n // 7 * 10, n // 7 * 10 + 10)) for n in range(140)]
    answered = threading.Semaphore(0)

    def send(number: int) -> None:
        process = (one, two)[number % 2]
        try:
            process.send(requests[number])
        except (OSError, urllib.error.URLError):
            two.send(requests[number])
        answered.release()

    with ThreadPoolExecutor(8) as pool:
        sending = [pool.submit(send, number) for number in range(len(requests))]
        for _ in range(40):
            assert answered.acquire(timeout=PATIENCE)
        one.kill()
        for sent in sending:
            sent.result(PATIENCE)
    one = launch("one")
    assert counted(one) + counted(two) == 1400
    listed = one.get("/api/v1/sessions")["sessions"]
    assert {session["events"] for session in listed} == {200}
    assert len(listed) == 7
    assert two.get("/api/v1/sessions")["sessions"] == listed


def test_the_password_is_in_no_line_of_the_log(launch: Callable[[str], Process]) -> None:
    """A collector says where its store is, without the password."""
    process = launch("one")
    process.kill()
    assert process.place.startswith("postgresql://")
    assert PASSWORD not in process.lines.text()


def test_settings_choose_the_store(url: str, tmp_path: Path) -> None:
    """Without an address it is SQLite in the data folder, with one it is that database."""
    settings = load_settings(None, {"data": str(tmp_path)})
    store = open_store(settings, builtin_catalogue())
    assert isinstance(store, SqliteStore)
    store.close()
    assert store_place(settings) == str(tmp_path)
    shared = load_settings(None, {"store": url})
    open_store(shared, builtin_catalogue()).close()
    assert PASSWORD not in store_place(shared) + repr(shared)


@pytest.mark.parametrize(
    "flags",
    [{"store": f"mysql://me:{PASSWORD}@db/x"}, {"store": "journeys.db"}, {"collector_id": ""}],
)
def test_what_is_no_address_is_refused(flags: dict[str, str]) -> None:
    """The message names the flag, says what is allowed and holds no password."""
    with pytest.raises(ConfigError, match=r"--(store|collector-id): must be") as raised:
        load_settings(None, flags)
    assert PASSWORD not in str(raised.value)
