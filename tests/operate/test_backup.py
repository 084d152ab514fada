"""A copy of the store, taken as docs/operate.md says while events come in, is a store again."""

from __future__ import annotations

import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
import threading
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Final

import grpc
import pytest
from pydantic import SecretStr
from tests.support.otlp import journey_span, request
from tests.support.postgresql import running_server
from tests.support.running import enter_in_background, free_settings
from tests.support.waiting import PATIENCE, join, wait_until

from journeytrace.catalogue import builtin_catalogue
from journeytrace.identity import trace_id
from journeytrace_collector.core.sessionize import state_of
from journeytrace_collector.process import Collector
from journeytrace_collector.settings import Settings
from journeytrace_collector.store import SessionQuery, Store
from journeytrace_collector.store.opening import open_store

ROOT: Final = Path(__file__).parents[2]
SCRIPT: Final = ROOT / "docs/operate/backup_sqlite.py"
MANUAL: Final = (ROOT / "docs/operate.md").read_text("utf-8")
DUMP: Final = "pg_dump --format=custom"
RESTORE: Final = "pg_restore --exit-on-error --single-transaction --no-owner --no-privileges"
EXPORT: Final = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
SESSIONS: Final = 7
MOST: Final = 10_000
NOBODY: Final = {"otlp": {"endpoint": "http://127.0.0.1:1", "email": "drop"}}
"""What leaves waits in the outbox, for nobody listens there."""

Copying = Callable[[], Settings]
"""Copies a store and restores it elsewhere; gives the settings that open it."""


class Load:
    """Sends one event after the other in a thread, and keeps what was acknowledged."""

    def __init__(self, address: str) -> None:
        self.acknowledged: list[bytes] = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(address,), daemon=True)
        self._thread.start()

    def _run(self, address: str) -> None:
        with grpc.insecure_channel(address) as channel:
            export = channel.unary_unary(EXPORT)
            for number in range(1, MOST):
                if self._stop.is_set():
                    return
                session = f"session-{number % SESSIONS}"
                span = journey_span(number, trace=trace_id(session), session__id=session)
                export(request(span).SerializeToString(), timeout=PATIENCE)
                self.acknowledged.append(span.span_id)

    def wait(self, more: int) -> None:
        """Wait until so many more events have been acknowledged."""
        enough = len(self.acknowledged) + more
        wait_until(f"{enough} events", lambda: len(self.acknowledged) >= enough)

    def end(self) -> None:
        """Send nothing more."""
        self._stop.set()
        join(self._thread)


class Copies:
    """A store copied under load, and copied again when all was quiet."""

    def __init__(self, settings: Settings, copy: Copying) -> None:
        with collector(settings) as running:
            load = Load(str(running.otlp_grpc))
            load.wait(20)
            self.before = set(load.acknowledged)
            self.busy = copy()
            load.wait(5)
            load.end()
            self.after = set(load.acknowledged)
            self.quiet = copy()
            self.said = everything(running)


@contextmanager
def collector(settings: Settings) -> Iterator[Collector]:
    """Run a collector inside the block."""
    with enter_in_background() as enter:
        yield enter(Collector(settings))


def everything(running: Collector) -> dict[str, Any]:
    """Give sessions, outbox and counters, as the collector tells them."""

    def get(path: str) -> str:
        with urllib.request.urlopen(f"http://{running.admin}{path}", timeout=PATIENCE) as answer:
            return str(answer.read().decode())

    counters = [
        line
        for line in get("/metrics").splitlines()
        if line.startswith(("journey_events", "journey_sessions_started", "journey_stage_reached"))
    ]
    (waiting,) = json.loads(get("/api/v1/outbox"))["destinations"]
    return {
        "sessions": json.loads(get("/api/v1/sessions?limit=100")),
        "events": json.loads(get("/api/v1/sessions/session-1/events")),
        "waiting": waiting["waiting"],
        "counters": counters,
    }


@pytest.fixture(scope="module")
def sqlite(tmp_path_factory: pytest.TempPathFactory) -> Copies:
    """Copy a folder's store with the script that is documented."""
    folder = tmp_path_factory.mktemp("sqlite")
    settings = free_settings(folder / "data", exporters=NOBODY)

    def copy() -> Settings:
        target = folder / f"{len(list(folder.iterdir()))}.sqlite"
        subprocess.run(
            [sys.executable, SCRIPT, settings.data, target], check=True, timeout=PATIENCE
        )
        restored = folder / f"{target.stem}-restored"
        restored.mkdir()
        shutil.copy(target, restored / "journeys.sqlite")
        return free_settings(restored, exporters=NOBODY)

    return Copies(settings, copy)


@pytest.fixture(scope="module")
def postgresql(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Copies]:
    """Copy a database with the commands that are documented."""
    folder = tmp_path_factory.mktemp("postgresql")
    with running_server() as server:
        url = server.empty()

        def settings(url: str) -> Settings:
            return free_settings(folder, store=SecretStr(url), collector_id="one", exporters=NOBODY)

        def copy() -> Settings:
            target = folder / f"{len(list(folder.iterdir()))}.dump"
            into = server.empty()
            for command in (
                [*DUMP.split(), f"--file={target}", f"--dbname={url}"],
                [*RESTORE.split(), f"--dbname={into}", str(target)],
            ):
                subprocess.run(command, check=True, env=os.environ, timeout=PATIENCE)
            return settings(into)

        yield Copies(settings(url), copy)


@pytest.fixture(params=["sqlite", "postgresql"])
def copies(request: pytest.FixtureRequest) -> Copies:
    """Give the copies of either store."""
    copies: Copies = request.getfixturevalue(request.param)
    return copies


@contextmanager
def opened(settings: Settings) -> Iterator[Store]:
    """Open a store as a collector does."""
    store = open_store(settings, builtin_catalogue())
    try:
        yield store
    finally:
        store.close()


def test_a_restored_collector_says_what_the_first_one_said(copies: Copies) -> None:
    """Sessions, events, counters and what waits in the outbox are the same."""
    with collector(copies.quiet) as running:
        assert everything(running) == copies.said


def test_a_copy_under_load_is_one_moment_of_the_store(copies: Copies) -> None:
    """It holds what was acknowledged before, and sessions, counters and outbox agree on it."""
    with opened(copies.busy) as store:
        sessions = store.sessions(SessionQuery(limit=100), 0).sessions
        ids = [known.state.session_id for known in sessions]
        events = {id_: store.events(id_) for id_ in ids}
        held = {event.event_id for each in events.values() for event in each}
        assert copies.before <= held <= copies.after
        for known in sessions:
            found = events[known.state.session_id]
            assert known.state == state_of(found, builtin_catalogue())
        rises = Counter[str]()
        for (name, _), by in store.counters().rises.items():
            rises[name] += round(by)
        assert rises["journey_events_total"] == len(held)
        assert rises["journey_sessions_started_total"] == len(sessions)
        assert store.outbox()["otlp"].waiting == len(held)


def test_counters_of_a_copy_can_begin_anew(tmp_path: Path, sqlite: Copies) -> None:
    """Emptied as the manual says, they are 0 at the start; sessions and outbox are the same."""
    (statement,) = re.findall(r"'(DELETE FROM counters; .*?)'", MANUAL)
    shutil.copytree(sqlite.quiet.data, tmp_path / "data")
    with closing(sqlite3.connect(tmp_path / "data" / "journeys.sqlite")) as database:
        database.executescript(statement)
    with collector(free_settings(tmp_path / "data", exporters=NOBODY)) as running:
        found = everything(running)
    for told in ("sessions", "events", "waiting"):
        assert found[told] == sqlite.said[told]
    assert sqlite.said["counters"]
    assert all(line.endswith(" 0.0") for line in found["counters"])


def test_the_manual_has_the_commands_that_were_tried() -> None:
    """Word for word."""
    assert SCRIPT.name in MANUAL
    assert DUMP in MANUAL
    assert RESTORE in MANUAL


def test_a_copy_is_for_its_owner_alone(tmp_path: Path, sqlite: Copies) -> None:
    """Whatever the umask is."""
    target = tmp_path / "copy"
    command = [sys.executable, str(SCRIPT), str(sqlite.quiet.data), str(target)]
    subprocess.run(command, check=True, timeout=PATIENCE, umask=0)
    assert target.stat().st_mode & 0o077 == 0


def test_what_is_no_store_is_not_copied(tmp_path: Path) -> None:
    """It says so, makes no store where there is none, and leaves no half of a copy."""
    command = [sys.executable, str(SCRIPT), str(tmp_path), str(tmp_path / "copy")]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=PATIENCE)
    assert done.returncode == 1
    assert done.stderr.startswith("not copied: ")
    assert not list(tmp_path.iterdir())
