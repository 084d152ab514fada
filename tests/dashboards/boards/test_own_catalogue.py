"""Dashboards with the stages of a catalogue of one's own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from journeytrace.catalogue import builtin_catalogue, load_catalogue
from journeytrace_dashboards.check import problems
from journeytrace_dashboards.command import app
from journeytrace_dashboards.files import export
from journeytrace_dashboards.queries import queries

OWN = '[stages."CON\\"SENT"]\norder = 7\n[stages.POST]\norder = 8\n'


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A catalogue in which users consent before the last stage, in a stage that needs quoting."""
    path = tmp_path_factory.mktemp("own") / "own.toml"
    path.write_text(OWN)
    return path


@pytest.fixture(scope="module")
def journeys(own: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """*Journeys*, exported by the command with that catalogue."""
    folder = tmp_path_factory.mktemp("boards")
    answer = CliRunner().invoke(app, ["export", str(folder), "--catalogue", str(own)])
    assert answer.exit_code == 0, answer.output
    found: dict[str, Any] = json.loads((folder / "journeys.json").read_text())
    return found


def legends(board: dict[str, Any], title: str) -> list[str]:
    """Give the legends of a panel in the order of its queries."""
    [panel] = [panel for panel in board["panels"] if panel.get("title") == title]
    return [target["legendFormat"] for target in panel["targets"]]


@pytest.mark.parametrize("title", ["Funnel", "Drop-off by stage", "Drop-off over time"])
def test_stages_stand_in_the_order_of_the_journey(
    journeys: dict[str, Any], boards: dict[str, Any], title: str
) -> None:
    """Under their own names, without a number; those of the catalogue in use."""
    assert legends(boards["journeys"], title) == list(builtin_catalogue().ordered_stages)
    assert legends(journeys, title)[-3:] == ["DECISION", 'CON"SENT', "POST"]


def test_open_sessions_stand_in_the_order_of_the_journey(journeys: dict[str, Any]) -> None:
    """Those that have come to no stage come first."""
    found = legends(journeys, "Open sessions by stage")
    assert found[:2] == ["before any stage", "ENTRY"]
    assert found[-2:] == ['CON"SENT', "POST"]


def test_a_stage_of_ones_own_has_a_colour(journeys: dict[str, Any]) -> None:
    """The one of its place, so that stages run from light to dark."""
    [panel] = [p for p in journeys["panels"] if p.get("title") == "Drop-off over time"]
    painted = [one["matcher"]["options"] for one in panel["fieldConfig"]["overrides"]]
    assert 'CON"SENT' in painted


def test_every_query_is_promql_whatever_a_stage_is_called(own: Path, tmp_path: Path) -> None:
    """And `check` compares the files with those of the same catalogue."""
    catalogue = load_catalogue(own)
    export(tmp_path, catalogue)
    assert list(problems(tmp_path, catalogue)) == []
    assert any("journeys.json" in problem for problem in problems(tmp_path))


def test_more_stages_than_letters_have_queries_of_their_own(tmp_path: Path) -> None:
    """As Grafana goes on after Z: AA, AB."""
    path = tmp_path / "many.toml"
    path.write_text("".join(f"[stages.S{n}]\norder = {n}\n" for n in range(10, 40)))
    export(tmp_path, load_catalogue(path))
    board = json.loads((tmp_path / "journeys.json").read_text())
    found = [q.place for q in queries(board) if q.place.startswith("Journeys: Funnel (")]
    assert len(found) == len(set(found)) == 37
    assert found[25:28] == [f"Journeys: Funnel ({letters})" for letters in ("Z", "AA", "AB")]


@pytest.mark.parametrize("command", ["export", "check", "push"])
def test_a_faulty_catalogue_is_told(command: str, tmp_path: Path) -> None:
    """By the command, in one line, before anything is written."""
    path = tmp_path / "own.toml"
    path.write_text("[stages.X]\norder = 'one'\n")
    words = {"export": [str(tmp_path / "out")], "push": ["--grafana", "http://x", "--token", "t"]}
    answer = CliRunner().invoke(app, [command, *words.get(command, []), "--catalogue", str(path)])
    assert answer.exit_code == 1
    assert "stages.X.order" in answer.output
    assert not (tmp_path / "out").exists()
