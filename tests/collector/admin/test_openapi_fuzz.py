"""Schemathesis holds a real collector to its document."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.support.events import IDLE_TIMEOUT
from tests.support.planted_api import READER_TOKEN, SENDER_TOKEN, planted_events
from tests.support.postgresql import running_server
from tests.support.running import enter_in_background, free_settings

from journeytrace.catalogue import builtin_catalogue
from journeytrace_collector.process import Collector
from journeytrace_collector.store import SqliteStore
from journeytrace_collector.store.postgresql import PostgresqlStore

ROOT = Path(__file__).parents[3]
HOOKS = ROOT / "tests" / "support" / "schemathesis_hooks.py"
TOKENS = {"admin_token": READER_TOKEN, "token": SENDER_TOKEN}


@pytest.fixture
def sqlite(tmp_path: Path) -> Iterator[Collector]:
    """A collector with sessions in a store of its own, for much of this erases."""
    store = SqliteStore(tmp_path / "data", builtin_catalogue(), IDLE_TIMEOUT)
    store.write(planted_events())
    store.close()
    with enter_in_background() as enter:
        yield enter(Collector(free_settings(tmp_path / "data", **TOKENS)))


@pytest.fixture
def postgresql(tmp_path: Path) -> Iterator[Collector]:
    """The same on PostgreSQL."""
    with running_server() as server:
        url = server.empty()
        store = PostgresqlStore(url, builtin_catalogue(), IDLE_TIMEOUT, collector_id="planter")
        store.write(planted_events())
        store.close()
        with enter_in_background() as enter:
            yield enter(Collector(free_settings(tmp_path / "data", store=url, **TOKENS)))


def told(collector: Collector, folder: Path, *options: str, seconds: float) -> dict[str, Any]:
    """Let schemathesis ask, with all of its checks, and give its report."""
    settings = folder / "schemathesis.toml"
    settings.write_text(
        f'hooks = {str(HOOKS)!r}\nheaders = {{ Authorization = "Bearer {READER_TOKEN}" }}\n'
        '[generation]\ndatabase = "none"\n'
    )
    report = folder / "report.json"
    command = [sys.executable, "-m", "schemathesis.cli", "--config-file", str(settings), "run"]
    command += [f"http://{collector.admin}/api/v1/openapi.json", "--checks", "all", "--no-color"]
    command += ["--report", "json", "--report-json-path", str(report), *options]
    paths = os.pathsep.join([str(ROOT), *sys.path])
    done = subprocess.run(
        command,
        check=False,
        cwd=folder,
        env=os.environ | {"PYTHONPATH": paths},
        capture_output=True,
        text=True,
        timeout=seconds,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    found: dict[str, Any] = json.loads(report.read_text())
    return found


def check(report: dict[str, Any]) -> None:
    """Check that it asked for all there is, was told something by each, and found no fault."""
    assert not report["failures"]
    assert not report["errors"]
    operations = report["operations"]
    assert operations["tested"] == operations["total"] > 10
    accepted = {
        name: sum(phase["accepted"] for phase in phases.values())
        for name, phases in report["valid_rates"].items()
    }
    assert len(accepted) == operations["total"]
    assert all(accepted.values()), accepted


def test_the_api_answers_as_its_document_says(sqlite: Collector, tmp_path: Path) -> None:
    """Valid and invalid questions to each operation have the documented answers alone."""
    options = ("--phases", "examples,coverage,fuzzing", "--max-examples", "5")
    fixed = ("--generation-deterministic", "--no-shrink")
    check(told(sqlite, tmp_path, *options, *fixed, seconds=120))


@pytest.mark.proof
@pytest.mark.parametrize("store", ["sqlite", "postgresql"])
def test_it_does_at_length(store: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    """Thousands of questions find no other answer either, on both stores."""
    collector = request.getfixturevalue(store)
    check(told(collector, tmp_path, "--max-examples", "300", seconds=1_800))
