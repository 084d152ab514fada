"""The example of docs/own-catalogue.md: file, service, collector, and what Prometheus gets."""

from __future__ import annotations

import json
import logging
import os
import re
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tests.support.running import enter_in_background, free_settings
from tests.support.waiting import PATIENCE
from typer.testing import CliRunner

from journeytrace.catalogue import load_catalogue
from journeytrace_collector.cli import app
from journeytrace_collector.process import Collector

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "own-catalogue"
PAGE = (ROOT / "docs" / "own-catalogue.md").read_text("utf-8")


@dataclass(frozen=True)
class Ran:
    """A collector with the example's catalogue that has had what the example's service sends."""

    url: str
    tampered: str
    large_sum: str
    log: list[str]

    def ask(self, *words: str) -> str:
        """Run a command against the collector and give what it prints."""
        answer = CliRunner().invoke(app, [*words, "--url", self.url])
        assert answer.exit_code == 0, answer.output
        return answer.stdout

    def get(self, path: str) -> Any:
        """Give an answer of the API."""
        return json.loads(self.read(f"api/v1/{path}"))

    def read(self, path: str) -> str:
        """Give a page of the admin address."""
        url = f"{self.url}/{path}"
        with urllib.request.urlopen(url, timeout=PATIENCE) as answer:  # noqa: S310 - http, ours
            text: str = answer.read().decode()
        return text


class _Lines(logging.Handler):
    def __init__(self, lines: list[str]) -> None:
        super().__init__(logging.WARNING)
        self._lines = lines

    def emit(self, record: logging.LogRecord) -> None:
        self._lines.append(record.getMessage())


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ran]:
    """Run the example's service against a collector, twice."""
    log: list[str] = []
    handler = _Lines(log)
    logging.getLogger("journeytrace_collector").addHandler(handler)
    settings = free_settings(tmp_path_factory.mktemp("own"), catalogue=EXAMPLE / "own.toml")
    with enter_in_background() as enter:
        collector = enter(Collector(settings))
        endpoint = f"http://{collector.otlp_grpc}"
        for _ in range(2):
            done = subprocess.run(
                [sys.executable, EXAMPLE / "service.py"],
                env=os.environ | {"OTEL_EXPORTER_OTLP_ENDPOINT": endpoint},
                capture_output=True,
                text=True,
                check=True,
                timeout=PATIENCE,
            )
        tampered, large_sum = done.stdout.split()
        yield Ran(f"http://{collector.admin}", tampered, large_sum, log)
    logging.getLogger("journeytrace_collector").removeHandler(handler)


def test_an_own_check_is_told_as_the_cause_of_an_own_reason(ran: Ran) -> None:
    """`why` has the reason's meaning, the check that explains it, and what the code means."""
    why = ran.get(f"sessions/{ran.tampered}")["why"]
    assert why["text"].startswith(
        "The user was rejected: the phone has been tampered with."
        ' DEVICE_CHECK ("Is the phone free of tampering, and the app the genuine one?")'
        " stopped the user at "
    )
    assert why["text"].endswith(
        'The code shown was DEV-1001 ("The phone is rooted; the user needs another one.").'
    )
    assert (why["event"], why["reason"]) == ("DEVICE_CHECK", "TAMPERED_DEVICE")
    assert why["error_page"] == "https://help.example.com/codes/DEV-1001"


def test_an_own_event_decides(ran: Ran) -> None:
    """An event with the role hold decides, and its reason is explained like any other."""
    session = ran.get(f"sessions/{ran.large_sum}")
    assert (session["decision"], session["reason"]) == ("PENDING", "LARGE_SUM")
    assert session["why"]["text"].startswith(
        "The decision is on hold: the first payment is larger than the bank accepts unseen."
        " CUSTOM_POLICY_EVALUATION "
    )
    assert "asked for a person to look" in session["why"]["text"]


def test_a_code_is_explained_wherever_it_stands(ran: Ran) -> None:
    """Summary and event have its meaning and page, and `show` prints them."""
    meaning = "The phone is rooted; the user needs another one."
    page = "https://help.example.com/codes/DEV-1001"
    session = ran.get(f"sessions/{ran.tampered}")
    assert (session["last_error_meaning"], session["last_error_page"]) == (meaning, page)
    (check,) = (
        event
        for event in ran.get(f"sessions/{ran.tampered}/events")["events"]
        if event["name"] == "DEVICE_CHECK"
    )
    assert (check["error_code"], check["error_meaning"]) == ("DEV-1001", meaning)
    assert (check["impact"], check["stage"]) == ("BLOCKED", "DEVICE")
    assert ran.ask("show", ran.tampered).count(f"DEV-1001  {meaning}  {page}") == 2


def test_an_unknown_name_is_told_once_with_how_to_make_it_known(ran: Ran, tmp_path: Path) -> None:
    """The log has one line for it, and the lines that the command writes make it known."""
    told = [line for line in ran.log if "CONFETTI_SHOWN" in line]
    assert len(told) == 1
    assert "journeytrace catalogue unknown" in told[0]
    assert [line for line in ran.log if "is not in the catalogue" in line] == told
    lines = ran.ask("catalogue", "unknown")
    assert lines.startswith("# count: 2, since ")
    # But for its first line, as the page shows it.
    assert lines.partition("\n")[2].strip() in PAGE
    own = tmp_path / "own.toml"
    own.write_text((EXAMPLE / "own.toml").read_text("utf-8") + lines, "utf-8")
    assert "CONFETTI_SHOWN" in load_catalogue(own).events


@pytest.mark.parametrize(
    ("name", "labels", "value"),
    [
        ("journey_stage_reached_total", ('stage="DEVICE"',), 4),
        ("journey_decisions_total", ('decision="REJECTED"', 'reason="TAMPERED_DEVICE"'), 2),
        ("journey_events_total", ('event="DEVICE_CHECK"', 'impact="BLOCKED"'), 2),
    ],
)
def test_prometheus_counts_by_the_same_file(
    ran: Ran, name: str, labels: tuple[str, ...], value: int
) -> None:
    """The own stage, reason and event have counters of their own, as the page names them."""
    assert f"`{name}{{{','.join(labels)}}}`" in PAGE
    (line,) = (
        line
        for line in ran.read("metrics").splitlines()
        if line.startswith(f"{name}{{")
        and all(label in line for label in (*labels, 'project="acme-bank"'))
    )
    assert float(line.split()[-1]) == value


def test_check_tells_what_a_file_holds() -> None:
    """`catalogue check` prints what the page shows; of a faulty file it says what is wrong."""
    answer = CliRunner().invoke(app, ["catalogue", "check", str(EXAMPLE / "own.toml")])
    assert answer.exit_code == 0
    assert answer.stdout in PAGE


def test_check_refuses_a_faulty_file(tmp_path: Path) -> None:
    """It ends with 2 and the message with which the collector would not start."""
    path = tmp_path / "own.toml"
    path.write_text('[stages.DEVICE]\nafter = "ENTRI"\n')
    answer = CliRunner().invoke(app, ["catalogue", "check", str(path)])
    assert answer.exit_code == 2
    shown = 'stages.DEVICE.after is "ENTRI", which is not known; did you mean "ENTRY"?'
    assert shown in answer.stderr
    assert shown in PAGE


@pytest.mark.parametrize(("language", "file"), [("toml", "own.toml"), ("python", "service.py")])
def test_the_page_shows_the_example_as_it_is(language: str, file: str) -> None:
    """What is read on the page is what has been tested."""
    shown = re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)
    assert (EXAMPLE / file).read_text("utf-8") in shown
