"""The commands that read a collector, against a real one."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from tests.support.planted import planted
from tests.support.running import enter_in_background, free_settings
from tests.support.waiting import PATIENCE
from typer.testing import CliRunner, Result

from journeytrace_collector.cli import app, client
from journeytrace_collector.demo.journeys import Journey, make_journeys
from journeytrace_collector.demo.replay import play
from journeytrace_collector.process import Collector

Ask = Callable[..., Result]

HOSTILE = "[red]/../x?y%2F#"


@pytest.fixture(scope="module")
def journeys() -> list[Journey]:
    """The journeys that the collector knows, one of each kind."""
    return make_journeys(20, seed=1)


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory, journeys: list[Journey]) -> Iterator[str]:
    """Address of a collector that has had all journeys, and runs in a thread of its own."""
    with enter_in_background() as enter:
        collector = enter(Collector(free_settings(tmp_path_factory.mktemp("store"))))
        play(journeys, str(collector.otlp_grpc), time.time_ns(), lambda: True)
        yield f"http://{collector.admin}"


@pytest.fixture
def ask(url: str) -> Ask:
    """Run a command against the collector."""
    return lambda *words: CliRunner().invoke(app, [*words, "--url", url])


def listed(answer: Result) -> list[dict[str, Any]]:
    """Give the sessions of a ``sessions --json``."""
    sessions: list[dict[str, Any]] = json.loads(answer.stdout)["sessions"]
    return sessions


def test_the_list_has_every_session_newest_first(ask: Ask, journeys: list[Journey]) -> None:
    """All sessions are there, each whole id once, in falling order of creation."""
    sessions = listed(ask("sessions", "--json"))
    assert {row["session_id"] for row in sessions} == {
        journey.person.session_id for journey in journeys
    }
    created = [row["created_at"] for row in sessions]
    assert created == sorted(created, reverse=True)
    answer = ask("sessions")
    assert answer.exit_code == 0
    assert [line for line in answer.stdout.splitlines() if "example." in line]
    for row in sessions:
        assert answer.stdout.count(row["session_id"]) == 1


@pytest.mark.parametrize(
    ("words", "key", "value"),
    [
        (("--status", "dropped"), "status", "DROPPED"),
        (("--status", "ERROR"), "status", "ERROR"),
        (("--decision", "Rejected"), "decision", "REJECTED"),
        (("--decision", "none"), "decision", None),
        (("--search", "GLOBEX", "--field", "project_id"), "project_id", "globex-onboarding"),
    ],
)
def test_filters(ask: Ask, words: tuple[str, ...], key: str, value: str | None) -> None:
    """A filter keeps what it names, in upper or lower case, and nothing else."""
    everything = listed(ask("sessions", "--json"))
    kept = listed(ask("sessions", *words, "--json"))
    assert kept == [row for row in everything if row[key] == value]
    assert 0 < len(kept) < len(everything)


def test_spans_of_time_count_back_from_now(ask: Ask) -> None:
    """--since and --until take 90m as well as RFC 3339, and split the list."""
    everything = listed(ask("sessions", "--json"))
    created = [datetime.fromisoformat(row["created_at"]) for row in everything]
    # In the middle of the widest gap, as time goes on between the two.
    gap, before = max((later - earlier, earlier) for later, earlier in pairwise(created))
    span = f"{(datetime.now(UTC) - before - gap / 2) // timedelta(seconds=1)}s"
    late = listed(ask("sessions", "--since", span, "--json"))
    early = listed(ask("sessions", "--until", span, "--json"))
    assert gap > timedelta(minutes=2), "too near to each other to tell them apart"
    assert [*late, *early] == everything
    assert late
    assert early
    middle = early[0]["created_at"]
    assert listed(ask("sessions", "--since", middle, "--json"))[-1] == early[0]


def test_a_limit_says_that_there_is_more(ask: Ask) -> None:
    """--limit shortens the list and points at the rest."""
    answer = ask("sessions", "--limit", "3")
    assert len(answer.stdout.splitlines()) == 1 + 3
    assert "--limit" in answer.stderr
    assert json.loads(ask("sessions", "--limit", "3", "--json").stdout)["next_cursor"]


def test_no_limit_follows_every_page(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    """--limit 0 gives all sessions however many pages they take."""
    everything = listed(ask("sessions", "--json"))
    monkeypatch.setattr(client, "_PAGE", 3)
    assert listed(ask("sessions", "--limit", "0", "--json")) == everything
    assert listed(ask("sessions", "--limit", "7", "--json")) == everything[:7]


def test_nothing_found_is_said(ask: Ask) -> None:
    """An empty list is a sentence, not an empty table."""
    answer = ask("sessions", "--search", "nobody")
    assert answer.exit_code == 0
    assert answer.stdout == ""
    assert "No session matches" in answer.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--status", "approved"), "IN_PROGRESS, COMPLETED, DROPPED, ERROR"),
        (("--since", "2026-13-01"), "RFC 3339"),
        (("--since", "5x"), "neither a date"),
        (("--search", "x", "--field", "shoe_size"), "session_id, user_id"),
    ],
)
def test_a_wrong_value_is_explained(ask: Ask, words: tuple[str, ...], said: str) -> None:
    """The message says what is allowed, and the exit code is 2."""
    answer = ask("sessions", *words)
    assert answer.exit_code == 2
    assert said in answer.stderr
    assert answer.stdout == ""


def test_show_has_card_timeline_and_footnote(ask: Ask, journeys: list[Journey]) -> None:
    """Every event of the session is there, with its metadata, below the card."""
    journey = next(one for one in journeys if one.kind == "rejected, retries exhausted")
    answer = ask("show", journey.person.session_id)
    assert answer.exit_code == 0
    assert "REJECTED  RETRY_EXHAUSTED" in answer.stdout
    assert "not that the user was approved" in answer.stdout
    events = [line for line in answer.stdout.splitlines() if line.startswith("+")]
    assert len(events) == len(journey.steps)
    assert [line.split()[0] for line in events] == sorted(line.split()[0] for line in events)
    assert sum("QS-10001" in line and "score=" in line for line in events) == 4


def test_the_cause_is_the_planted_one(ask: Ask, journeys: list[Journey]) -> None:
    """Of each kind of journey, played and asked for, `show` begins with what went wrong in it."""
    whys = {row["session_id"]: row["why"] for row in listed(ask("sessions", "--json"))}
    for journey in journeys:
        why = whys[journey.person.session_id]
        told = (why["event"], why["reason"], why["error_code"]) if why else (None, None, None)
        assert told == planted(journey), journey.kind
    journey = next(one for one in journeys if one.kind == "rejected, same face")
    first = ask("show", journey.person.session_id).stdout.splitlines()[0]
    for word in ("rejected: the same face", "SELFIE_DUPLICATE_CHECK", " UTC on ", "PV-20003"):
        assert word in first


def test_show_json_is_the_answer_of_the_api(ask: Ask, journeys: list[Journey]) -> None:
    """--json prints the summary and the events unchanged."""
    session_id = journeys[0].person.session_id
    shown = json.loads(ask("show", session_id, "--json").stdout)
    assert shown["session"] in listed(ask("sessions", "--json"))
    assert [event["name"] for event in shown["events"]] == [
        step.event for step in journeys[0].steps
    ]
    assert {event["service"] for event in shown["events"]} == {"kyc-api", "kyc-web"}


@pytest.mark.parametrize("source", ["FE", "be"])
def test_show_one_source(ask: Ask, journeys: list[Journey], source: str) -> None:
    """--source keeps what one side recorded."""
    shown = json.loads(
        ask("show", journeys[0].person.session_id, "--source", source, "--json").stdout
    )
    assert {event["source"] for event in shown["events"]} == {source.upper()}


def test_show_knows_no_other_source(ask: Ask, journeys: list[Journey]) -> None:
    """A source that there is not is refused with those that there are."""
    answer = ask("show", journeys[0].person.session_id, "--source", "AI")
    assert answer.exit_code == 2
    assert "'AI' is none of FE, BE, OP" in answer.stderr


def test_show_only_what_failed(ask: Ask, journeys: list[Journey]) -> None:
    """--failed leaves what failed or had an impact, on paper and as JSON, and counts the rest."""
    journey = next(one for one in journeys if one.kind == "rejected, retries exhausted")
    shown = json.loads(ask("show", journey.person.session_id, "--failed", "--json").stdout)
    assert shown["events"]
    assert all(event["result"] == "FAIL" or event["impact"] != "NONE" for event in shown["events"])
    answer = ask("show", journey.person.session_id, "--failed")
    assert len([line for line in answer.stdout.splitlines() if line[0:1] == "+"]) == len(
        shown["events"]
    )
    left_out = len(journey.steps) - len(shown["events"])
    assert f"Left out: {left_out} events that neither failed" in answer.stdout


def test_show_around_a_time(ask: Ask, journeys: list[Journey]) -> None:
    """A time as the timeline has it finds the events near it; the others are counted."""
    session_id = journeys[0].person.session_id
    rows = [line for line in ask("show", session_id).stdout.splitlines() if line[0:1] == "+"]
    middle = rows[len(rows) // 2].split()
    answer = ask("show", session_id, "--around", middle[0], "--within", "2s")
    kept = [line.split() for line in answer.stdout.splitlines() if line[0:1] == "+"]
    assert middle in kept
    counts = re.findall(r"^… (\d+) events? (before|after)$", answer.stdout, re.MULTILINE)
    assert [where for _, where in counts] == ["before", "after"]
    assert len(kept) + sum(int(count) for count, _ in counts) == len(rows)


@pytest.mark.parametrize(
    ("words", "said"),
    [(("--around", "soon"), "+01:08.123"), (("--within", "5"), "20m, 90s, 1h30m or 7d")],
)
def test_a_wrong_time_is_explained(
    ask: Ask, journeys: list[Journey], words: tuple[str, ...], said: str
) -> None:
    """The message shows what a time or a span looks like; the exit code is 2."""
    answer = ask("show", journeys[0].person.session_id, *words)
    assert answer.exit_code == 2
    assert said in " ".join(re.sub("[│\\s]+", " ", answer.stderr).split())


def test_show_takes_the_trace_id(ask: Ask, journeys: list[Journey]) -> None:
    """The id as it is copied out of a trace view finds the session."""
    session_id = journeys[0].person.session_id
    shown = json.loads(ask("show", session_id.replace("-", ""), "--json").stdout)
    assert shown["session"]["session_id"] == session_id


@pytest.mark.parametrize("session_id", ["nobody", HOSTILE, "00000000-0000-4000-8000-000000000000"])
def test_an_unknown_session(ask: Ask, session_id: str) -> None:
    """It is named in one line, with exit code 1, whatever characters it has."""
    answer = ask("show", session_id)
    assert answer.exit_code == 1
    assert session_id in answer.stderr
    assert len(answer.stderr.splitlines()) == 1


def test_a_collector_that_does_not_answer() -> None:
    """The one line says where nobody answers and how to start a collector."""
    answer = CliRunner().invoke(app, ["sessions", "--url", "http://127.0.0.1:1"])
    assert answer.exit_code == 1
    assert "http://127.0.0.1:1" in answer.stderr
    assert "journeytrace collector" in answer.stderr
    assert len(answer.stderr.splitlines()) == 1


@pytest.mark.parametrize("bad", ["http://[x", "ftp://127.0.0.1:1", "http://127.0.0.1:x", ""])
def test_an_address_that_is_none(bad: str) -> None:
    """A faulty --url is the caller's mistake: exit code 2."""
    answer = CliRunner().invoke(app, ["sessions", "--url", bad])
    assert answer.exit_code == 2
    assert "http://127.0.0.1:9464" in answer.stderr


def test_the_scheme_can_be_left_out(url: str) -> None:
    """host:port alone is an address too."""
    answer = CliRunner().invoke(app, ["sessions", "--json", "--url", url.removeprefix("http://")])
    assert answer.exit_code == 0


def test_version() -> None:
    """--version prints the installed version."""
    answer = CliRunner().invoke(app, ["--version"])
    assert answer.stdout == f"journeytrace {version('journeytrace')}\n"


def test_help_needs_nothing_heavy() -> None:
    """Showing help imports neither the network, nor the SDK, nor the settings."""
    code = (
        "import sys\n"
        "from journeytrace_collector.cli import app\n"
        "app(['--help'], standalone_mode=False)\n"
        "heavy = {'aiohttp', 'grpc', 'opentelemetry', 'pydantic', 'google.protobuf'}\n"
        "sys.exit(str(heavy & set(sys.modules)) if heavy & set(sys.modules) else 0)"
    )
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, check=False, text=True, timeout=PATIENCE)
    assert done.returncode == 0, done.stderr
    assert "collector" in done.stdout


@pytest.mark.parametrize("width", [80, 120])
@pytest.mark.parametrize(
    "command", ["collector", "demo", "erase", "outbox", "sessions", "catalogue unknown"]
)
def test_help_fills_its_lines(command: str, width: int) -> None:
    """A paragraph of the help breaks its lines where the terminal ends, not where the code does."""
    answer = CliRunner().invoke(app, [*command.split(), "--help"], env={"COLUMNS": str(width)})
    prose = answer.stdout.partition("╭")[0].splitlines()
    for line, after in pairwise(text.strip() for text in prose):
        if line and after:
            word, _, _ = after.partition(" ")
            assert len(f" {line} {word} ") > width, line


def test_the_installed_command_is_there() -> None:
    """The package installs `journeytrace`, which shows its help when it is given nothing."""
    command = Path(sys.executable).with_name("journeytrace")
    done = subprocess.run([command], capture_output=True, check=False, text=True, timeout=PATIENCE)
    assert "sessions" in done.stdout + done.stderr
