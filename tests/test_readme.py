"""The README says nothing that is not so."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from journeytrace import conventions
from journeytrace.catalogue import builtin_catalogue
from journeytrace.testing import RecordedJourneys
from journeytrace_collector.health import Health
from journeytrace_collector.outbox.exporter import load_exporters
from journeytrace_collector.settings import load_settings
from journeytrace_collector.store import SqliteStore

README = (Path(__file__).parents[1] / "README.md").read_text("utf-8")


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
    rows = re.findall(r"^\| `([a-z.]+)` \| (?:string|int) \|", README, re.MULTILINE)
    assert sorted(rows) == sorted(conventions.ATTRIBUTES)


def test_the_curl_body_is_json() -> None:
    """What the README tells to paste can be parsed."""
    (command,) = [block for block in blocks("sh") if "curl" in block]
    body = re.search(r"-d '(.*)'", command, re.DOTALL)
    assert body
    assert json.loads(body[1])["resourceSpans"]


@pytest.mark.parametrize("path", re.findall(r"\]\(([^)#:]+)\)", README))
def test_links_lead_somewhere(path: str) -> None:
    """A relative link names a file of the project."""
    assert (Path(__file__).parents[1] / path).exists()


def test_the_configuration_is_accepted(tmp_path: Path) -> None:
    """The collector takes the configuration that the README shows, exporters and all."""
    (example,) = blocks("yaml")
    file = tmp_path / "config.yaml"
    file.write_text(example)
    settings = load_settings(file, {"data": str(tmp_path / "data")})
    store = SqliteStore(settings.data, builtin_catalogue(), 1)
    assert set(load_exporters(settings, store, lambda: 0, Health())) == {
        "otlp",
        "prometheus",
        "webhook",
    }
    store.close()
