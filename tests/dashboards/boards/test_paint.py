"""Colours mean something: Grafana's own thresholds paint every count from 80 on red."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from grafana_foundation_sdk.builders import gauge

from journeytrace.catalogue import builtin_catalogue
from journeytrace_dashboards import colours
from journeytrace_dashboards.common import LAST_WEEK

Board = dict[str, Any]

JUDGEMENTS = {colours.GOOD, colours.WATCH, colours.BAD, colours.NEUTRAL}
WORDS = colours.STATUS | colours.DECISION | colours.IMPACT | colours.RESULT | colours.OUTCOME
STAGES = colours.stages(builtin_catalogue())
MEANT = {colours.NEUTRAL, *WORDS.values(), *STAGES.values()}
FIGURES = {"bargauge", "gauge", "stat"}


def faults(panel: Board) -> Iterator[str]:
    """Say what of a figure's colours means nothing."""
    defaults = panel["fieldConfig"]["defaults"]
    fields = [defaults]
    for override in panel["fieldConfig"].get("overrides", ()):
        properties = {one["id"]: one["value"] for one in override["properties"]}
        if properties.keys() & {"color", "thresholds"}:
            fields.append({"unit": defaults.get("unit"), **properties})
    for field in fields:
        color = field.get("color", {})
        if color.get("mode") == "fixed":
            if color["fixedColor"] not in MEANT:
                yield f"{color['fixedColor']} has no meaning"
        elif color.get("mode") == "thresholds":
            yield from _faults_of_steps(field.get("thresholds", {}).get("steps", []), field)
        else:
            yield "has neither thresholds nor a colour of its own"


def _faults_of_steps(steps: list[Board], field: Board) -> Iterator[str]:
    bounds = [step["value"] for step in steps if step.get("value") is not None]
    if len(steps) < 2 or steps[0].get("value") is not None or len(bounds) != len(steps) - 1:
        yield "has thresholds that tell nothing apart"
    elif sorted(bounds) != bounds:
        yield "has thresholds out of order"
    elif field.get("unit") == "percentunit" and max(map(abs, bounds)) > 1:
        yield "has thresholds in percent of a share between 0 and 1"
    if not {step["color"] for step in steps} <= JUDGEMENTS:
        yield "has thresholds in colours that judge nothing"


def test_every_figure_has_a_colour_that_means_something(panels: list[Board]) -> None:
    """On every dashboard there is, and on those to come."""
    figures = [panel for panel in panels if panel["type"] in FIGURES]
    assert len(figures) > 10
    assert {p["title"]: found for p in figures if (found := list(faults(p)))} == {}


@pytest.mark.parametrize(
    ("defaults", "fault"),
    [
        ({}, "neither"),
        ({"color": {"mode": "palette-classic"}}, "neither"),
        ({"color": {"mode": "fixed", "fixedColor": "#123456"}}, "no meaning"),
        ({"color": {"mode": "thresholds"}}, "tell nothing apart"),
        ({"thresholds": [(None, "green"), (80, "pink")]}, "judge nothing"),
        ({"thresholds": [(None, "green"), (2, "red"), (1, "yellow")]}, "out of order"),
        ({"thresholds": [(None, "green"), (80, "red")], "unit": "percentunit"}, "in percent"),
    ],
)
def test_a_colour_without_meaning_is_told(defaults: Board, fault: str) -> None:
    """Else the test above would show nothing."""
    if "thresholds" in defaults:
        steps = [{"value": value, "color": colour} for value, colour in defaults["thresholds"]]
        defaults = defaults | {"thresholds": {"steps": steps}, "color": {"mode": "thresholds"}}
    [found] = faults({"fieldConfig": {"defaults": defaults}})
    assert fault in found


def test_a_gauge_would_be_looked_at() -> None:
    """There is none yet; it goes by the name that is looked for."""
    assert gauge.Panel().build().type_val in FIGURES


def test_a_count_is_never_red_for_being_large(panels: list[Board]) -> None:
    """What is red says of which figure, and from which value on."""
    red = {
        (panel["title"], step["value"])
        for panel in panels
        if panel["type"] in FIGURES
        for step in panel["fieldConfig"]["defaults"].get("thresholds", {}).get("steps", ())
        if step["color"] == colours.BAD
    }
    assert red == {
        ("Came twice", 0.5),
        ("Drop-off by stage", 0.4),
        ("Parked", 1),
        ("Retries a session", 2),
        ("Turned away", 0.5),
    }


def test_a_word_has_one_colour_wherever_it_is_a_series(panels: list[Board]) -> None:
    """In bars, lines and cells; what nobody knows beforehand is coloured by its name."""
    for panel in panels:
        if panel["type"] == "timeseries":
            mode = panel["fieldConfig"]["defaults"]["color"]["mode"]
            assert mode == "palette-classic-by-name", panel["title"]
        for override in panel["fieldConfig"].get("overrides", ()):
            word = override["matcher"]["options"]
            for one in override["properties"]:
                if one["id"] == "color" and one["value"]["mode"] == "fixed":
                    known = WORDS | STAGES | {LAST_WEEK: colours.NEUTRAL}
                    assert one["value"]["fixedColor"] == known[word], panel["title"]


def test_a_coloured_cell_is_judged_or_a_chip(panels: list[Board]) -> None:
    """A column of a table without either would be painted by Grafana's own thresholds."""
    for panel in panels:
        for override in panel["fieldConfig"].get("overrides", ()):
            properties = {one["id"]: one["value"] for one in override["properties"]}
            cell = properties.get("custom.cellOptions", {}).get("type", "")
            if cell.startswith("color"):
                assert properties.keys() & {"mappings", "thresholds"}, panel["title"]


def test_a_line_behind_a_figure_has_points(panels: list[Board]) -> None:
    """A query of one moment draws none; one over time has to be asked for as such."""
    for panel in panels:
        if panel["type"] == "stat":
            lined = panel["options"]["graphMode"] == "area"
            ranges = [t.get("range") and not t.get("instant") for t in panel["targets"]]
            assert all(ranges) if lined else not any(ranges), panel["title"]
            assert not lined or panel["maxDataPoints"] == 100
            assert not lined or all("@ end()" in t["expr"] for t in panel["targets"])


def test_last_week_is_dashed_over_the_volume(boards: dict[str, Board]) -> None:
    """On every panel of the journeys with bars, apart from the few that changed afterwards."""
    bars = {
        panel["title"]: panel
        for panel in boards["journeys"]["panels"]
        if panel.get("fieldConfig", {}).get("defaults", {}).get("custom", {}).get("drawStyle")
        == "bars"
    }
    compared = set(bars) - {"Sessions that changed after they had ended"}
    assert compared == {
        "Decisions over time",
        "How sessions ended",
        "Impacts over time",
        "Sessions started over time",
    }
    for title in compared:
        [query] = [t for t in bars[title]["targets"] if t["legendFormat"] == LAST_WEEK]
        assert query["expr"].count("offset 7d") == query["expr"].count("journey_")
        [override] = [
            one["properties"]
            for one in bars[title]["fieldConfig"]["overrides"]
            if one["matcher"] == {"id": "byName", "options": LAST_WEEK}
        ]
        values = {one["id"]: one["value"] for one in override}
        assert values["custom.drawStyle"] == "line"
        assert values["custom.lineStyle"] == {"fill": "dash", "dash": [10, 10]}
        assert values["custom.stacking"]["mode"] == "none"
        assert "last week" in bars[title]["description"]
