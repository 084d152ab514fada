"""The README says nothing that is not so."""

from __future__ import annotations

import json
import re
import shlex
import time
import urllib.request
from pathlib import Path

import pytest
from tests.support.running import enter_in_background, free_settings
from tests.support.waiting import PATIENCE
from typer.testing import CliRunner

from journeytrace import conventions
from journeytrace.catalogue import builtin_catalogue
from journeytrace.testing import RecordedJourneys
from journeytrace_collector.cli import app
from journeytrace_collector.health import Health
from journeytrace_collector.outbox.exporter import load_exporters
from journeytrace_collector.process import Collector
from journeytrace_collector.recording import Recorder
from journeytrace_collector.settings import load_settings
from journeytrace_collector.store import SqliteStore

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text("utf-8")
DOCS = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md")]
DOCS += (ROOT / "docs").glob("*.md")
LINKS = [
    (file, path)
    for file in DOCS
    for path in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", file.read_text("utf-8"))
]
SESSION = "018f3b5e-0000-7000-8000-000000000001"


def blocks(language: str) -> list[str]:
    """Give the README's code blocks of one language."""
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


def test_the_example_runs_and_does_what_it_says(journeys: RecordedJourneys) -> None:
    """The instrumentation example records the events it shows, with the impact it promises."""
    (example,) = blocks("python")
    assert len([line for line in example.splitlines() if line]) <= 10
    exec(compile(example, "README.md", "exec"), {})  # noqa: S102 - our own text
    assert journeys.names() == ["SESSION_CREATED", "ID_RECOGNITION", "STEP_VIEW", "REJECTED"]
    check = journeys.events()[1]
    assert (check.result, check.impact, check.attributes["score"]) == ("FAIL", "RETAKE", 0.7)
    assert journeys.events()[3].reason == "SELFIE_DUPLICATE"


def test_the_table_names_every_attribute_once() -> None:
    """The table of attributes is the vocabulary, no more and no less."""
    wire = (ROOT / "docs" / "wire.md").read_text("utf-8")
    rows = re.findall(r"^\| `([a-z.]+)` \| (?:string|int) \|", wire, re.MULTILINE)
    assert sorted(rows) == sorted(conventions.ATTRIBUTES)


def test_what_was_sent_is_shown(tmp_path: Path) -> None:
    """Who sends what the README sends, and then asks as it asks, is shown the session."""
    sending, asking = [
        block
        for block in blocks("sh")
        if SESSION.replace("-", "") in block or f"show {SESSION}" in block
    ]
    body = re.search(r"-d '(.*)'", sending, re.DOTALL)
    assert body
    now = str(time.time_ns())
    with enter_in_background() as enter:
        collector = enter(Collector(free_settings(tmp_path)))
        request = urllib.request.Request(
            f"http://{collector.otlp_http}/v1/traces",
            body[1].replace("'$now'", now).encode(),
            {"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:  # noqa: S310 - our own
            assert json.loads(answer.read()) == {}
        for line in asking.splitlines():
            words = [*shlex.split(line, comments=True)[1:], "--url", f"http://{collector.admin}"]
            shown = CliRunner().invoke(app, words)
            assert (shown.exit_code, SESSION in shown.stdout) == (0, True), line


COMMANDS = [
    line.split("#")[0].split()[1:]
    for block in blocks("sh")
    for line in block.splitlines()
    if line.startswith("journeytrace ")
]


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_a_command_has_the_flags_that_are_shown(words: list[str]) -> None:
    """Its help names each of them."""
    names = [word for word in words[:2] if word.isalpha() and word.islower()]
    answer = CliRunner().invoke(app, [*names, "--help"], terminal_width=200)
    assert answer.exit_code == 0
    for flag in (word for word in words if word.startswith("--")):
        assert re.search(rf"{flag}\b", answer.stdout)


@pytest.mark.parametrize(("file", "path"), LINKS, ids=lambda value: Path(value).name)
def test_links_lead_somewhere(file: Path, path: str) -> None:
    """A relative link of the README or a document names a file of the project."""
    assert (file.parent / path).exists()


def test_the_configuration_is_accepted(tmp_path: Path) -> None:
    """The collector takes the configuration that the README shows, exporters and all."""
    (example,) = blocks("yaml")
    file = tmp_path / "config.yaml"
    file.write_text(example)
    settings = load_settings(file, {"data": str(tmp_path / "data")})
    store = SqliteStore(settings.data, builtin_catalogue(), 1)
    assert set(load_exporters(settings, store, lambda: 0, Health(), Recorder(lambda: 0))) == {
        "otlp",
        "prometheus",
        "webhook",
    }
    store.close()
