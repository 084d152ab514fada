"""``journeytrace demo``: everything arrives, and the collector makes of it what was played."""

from __future__ import annotations

import asyncio
import json
import re
import signal
import subprocess
import sys
import time
import urllib.request
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console
from tests.support.waiting import PATIENCE, Lines
from typer.testing import CliRunner

from journeytrace.catalogue import builtin_catalogue
from journeytrace_collector.cli import app
from journeytrace_collector.cli.client import Summary, connect
from journeytrace_collector.cli.demo import _settings
from journeytrace_collector.cli.demo_report import print_next
from journeytrace_collector.demo.journeys import Journey, make_journeys
from journeytrace_collector.demo.replay import play
from journeytrace_collector.process import Collector
from journeytrace_collector.settings import Address, Settings

COMMAND = Path(sys.executable).with_name("journeytrace")


async def stored(data: Path, count: int, seed: int) -> tuple[int, list[Summary]]:
    """Play journeys to a new collector; give the events sent and the sessions it has then."""
    free = Address("127.0.0.1", 0)
    settings = Settings(data=data, otlp_grpc=free, otlp_http=free, admin=free, desk=None)
    async with Collector(settings) as collector, connect(str(collector.admin)) as client:
        sent = await asyncio.to_thread(
            play,
            make_journeys(count, seed),
            str(collector.otlp_grpc),
            time.time_ns(),
            lambda: True,
        )
        return sent, (await client.sessions({}, 0))["sessions"]


def counting(journey: Journey) -> int:
    """Give how many of its events its session counts."""
    events = builtin_catalogue().events
    return sum(not events[step.event].passive for step in journey.steps)


@pytest.mark.parametrize("seed", [1, 2])
def test_every_event_arrives_and_means_what_was_played(tmp_path: Path, seed: int) -> None:
    """Twenty journeys give all four statuses and all three decisions, with no event lost."""
    sent, sessions = asyncio.run(stored(tmp_path, 20, seed))
    journeys = {journey.person.session_id: journey for journey in make_journeys(20, seed)}
    assert sent == sum(map(counting, journeys.values()))
    for session in sessions:
        journey = journeys[session["session_id"]]
        assert session["events"] == counting(journey)
        assert session["email"] == journey.person.email
        assert session["project_id"] == journey.person.project
        assert session["last_event"] == journey.steps[-1].event
        expected = {"approved": "APPROVED", "rejected": "REJECTED", "held": "PENDING"}
        assert session["decision"] == expected.get(re.split(r"\W", journey.kind)[0])
        fate = {"dropped": "DROPPED", "blocked": "ERROR", "failed": "ERROR", "under": "IN_PROGRESS"}
        assert session["status"] == fate.get(re.split(r"\W", journey.kind)[0], "COMPLETED")
    assert {session["status"] for session in sessions} == {
        "COMPLETED",
        "DROPPED",
        "ERROR",
        "IN_PROGRESS",
    }
    assert {session["decision"] for session in sessions} == {
        "APPROVED",
        "REJECTED",
        "PENDING",
        None,
    }


def test_submissions_exist_once_step1_has_passed(tmp_path: Path) -> None:
    """A session has a submission exactly if SUBMISSION_CREATED was played."""
    _, sessions = asyncio.run(stored(tmp_path, 20, 3))
    for journey in make_journeys(20, 3):
        (session,) = (one for one in sessions if one["session_id"] == journey.person.session_id)
        created = any(step.event == "SUBMISSION_CREATED" for step in journey.steps)
        assert (session["submission_id"] is not None) == created


def test_the_demo_ends_by_itself_and_shows_it_all() -> None:
    """It prints counts, list, funnel, reasons, statuses, a timeline and what to do next."""
    answer = CliRunner().invoke(app, ["demo", "--sessions", "20"])
    assert answer.exit_code == 0
    counts = re.search(r"sent (\d+) events .* holds (\d+) events of 20 sessions", answer.stdout)
    assert counts is not None
    assert counts[1] == counts[2]
    for part in (
        "The latest 15 of 20 sessions",
        "How far they came",
        "What was decided, and why",
        "Where they are now",
        "RETRY_EXHAUSTED",
        "+00:00.000",
        "journeytrace demo --keep",
    ):
        assert part in answer.stdout
    assert "\x1b" not in answer.stdout


def test_what_to_try_next_can_be_typed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Commands are shown as the shell finds them: by name, or by the path that was typed."""
    monkeypatch.setattr(sys, "argv", ["here/bin/journeytrace"])
    for path, shown in (
        ("", "here/bin/journeytrace demo"),
        (str(COMMAND.parent), "  journeytrace"),
    ):
        monkeypatch.setenv("PATH", path)
        out = Console(file=StringIO())
        print_next(out, "s", None)
        assert isinstance(out.file, StringIO)
        assert shown in out.file.getvalue()


def test_its_projects_are_counted_from_the_start() -> None:
    """The demo's collector knows every project that its journeys can belong to."""
    configured = set(_settings("here").projects)
    assert configured == {journey.person.project for journey in make_journeys(100, 1)}


def test_one_journey_is_enough() -> None:
    """The smallest demo works too."""
    answer = CliRunner().invoke(app, ["demo", "--sessions", "1"])
    assert answer.exit_code == 0
    assert "The latest 1 of 1 sessions" in answer.stdout


def test_the_same_seed_shows_the_same_sessions() -> None:
    """Session ids repeat from run to run and change with the seed."""
    uuid = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
    words = ("demo", "--sessions=3")
    shown = [
        set(uuid.findall(CliRunner().invoke(app, [*words, f"--seed={seed}"]).stdout))
        for seed in (5, 5, 6)
    ]
    assert shown[0] == shown[1]
    assert not shown[0] & shown[2]


def test_keep_leaves_the_collector_running_until_ctrl_c() -> None:
    """The printed address answers until SIGINT, which ends the demo with 0."""
    with subprocess.Popen(
        [COMMAND, "demo", "--sessions", "3", "--keep"], stdout=subprocess.PIPE, text=True
    ) as process:
        lines = Lines(process.stdout)
        try:
            admin = lines.find(r"The collector goes on.*admin on http://([\d.:]+\d)")
            assert admin is not None
            with urllib.request.urlopen(
                f"http://{admin[1]}/api/v1/sessions", timeout=PATIENCE
            ) as answer:
                assert len(json.load(answer)["sessions"]) == 3
            desk = lines.find(r"Open http://([\d.:]+\d) in a browser")
            assert desk is not None
            with urllib.request.urlopen(f"http://{desk[1]}/sessions", timeout=PATIENCE) as answer:
                assert "3 in all" in answer.read().decode()
            process.send_signal(signal.SIGINT)
            assert process.wait(PATIENCE) == 0
            lines.text()
        finally:
            process.kill()
