from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models.dashboard import Dashboard
from jsonschema import Draft7Validator

from journeytrace.conventions import Status
from journeytrace_dashboards.files import export, missing, outdated, rendered
from journeytrace_dashboards.uids import HEALTH_UID, JOURNEYS_UID, SESSION_UID, SESSIONS_UID

Board = dict[str, Any]
OF_PROMETHEUS = {"expr", "step", "tagKeys", "textFormat", "titleFormat", "useValueForTime"}


@pytest.fixture(scope="module")
def schema() -> dict[str, Any]:
    """What Grafana publishes about dashboards and panels (see data/README.md)."""
    path = Path(__file__).parent / "data" / "grafana-schema-13.2.3.json"
    found: dict[str, Any] = json.loads(path.read_text())
    return found


def test_the_committed_files_are_what_the_code_makes(repository: Path) -> None:
    """Else somebody changed one and not the other: journeytrace dashboards export."""
    folder = repository / "dashboards" / "generated"
    assert [*outdated(folder), *missing(folder)] == []
    assert {path.name for path in folder.glob("*.json")} == set(rendered())


def test_they_are_made_the_same_each_time(tmp_path: Path) -> None:
    """Or every export would be a change."""
    first = rendered()
    assert rendered() == first
    export(tmp_path)
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == first


def test_a_file_that_was_changed_is_named(tmp_path: Path) -> None:
    """As one that is missing is, apart."""
    export(tmp_path)
    (tmp_path / "journeys.json").write_text("{}")
    (tmp_path / "sessions.json").unlink()
    assert (outdated(tmp_path), missing(tmp_path)) == (["journeys.json"], ["sessions.json"])


def test_grafana_knows_every_field(boards: dict[str, Board], schema: dict[str, Any]) -> None:
    """By the types that it publishes, which allow no others."""
    validator = Draft7Validator(schema["dashboard"])
    assert [
        f"{name}: {list(error.absolute_path)}: {error.message}"
        for name, board in boards.items()
        for error in validator.iter_errors(_without_plugins_own(board))
    ] == []


def _without_plugins_own(board: Board) -> Board:
    """Leave out what the published types leave to data sources: Prometheus has annotations so."""
    marks = [
        {key: value for key, value in mark.items() if key not in OF_PROMETHEUS}
        for mark in board.get("annotations", {}).get("list", ())
    ]
    return board | {"annotations": {"list": marks}}


def test_each_kind_of_panel_has_its_own_options(
    panels: list[Board], schema: dict[str, Any]
) -> None:
    """The schema of a dashboard leaves these open; only the trace panel has no schema."""
    unknown = {panel["type"] for panel in panels} - schema.keys()
    assert unknown == {"traces"}
    found = []
    for panel in panels:
        if (own := schema.get(panel["type"])) is None:
            continue
        parts = {"options": panel["options"]}
        if "custom" in own["properties"]:
            parts["custom"] = panel["fieldConfig"]["defaults"]["custom"]
        found += [f"{panel['title']}: {e.message}" for e in Draft7Validator(own).iter_errors(parts)]
    assert found == []


def test_the_schema_refuses_what_grafana_would_not_know(
    boards: dict[str, Board], schema: dict[str, Any]
) -> None:
    """Else the two tests above would show nothing."""
    validator = Draft7Validator(schema["dashboard"])
    wrong: list[Board] = [
        {"titel": "x"},
        {"refresh": 5},
        {"panels": [{"type": "stat", "gridpos": {}}]},
    ]
    for change in wrong:
        assert list(validator.iter_errors(boards["journeys"] | change)), change


def test_the_sdk_reads_back_what_it_wrote(boards: dict[str, Board]) -> None:
    """Nothing is lost on the way to its models and back."""
    register_default_plugins()
    for board in boards.values():
        again = json.loads(json.dumps(Dashboard.from_json(board), cls=JSONEncoder))
        assert set(_texts(board)) - set(_texts(again)) == set()


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for one in value.values():
            yield from _texts(one)
    elif isinstance(value, list):
        for one in value:
            yield from _texts(one)
    elif isinstance(value, str):
        yield value


def test_addresses_never_change(boards: dict[str, Board]) -> None:
    """Links in alerts, bookmarks and tickets rely on them."""
    assert {name: board["uid"] for name, board in boards.items()} == {
        "journeys": "journeytrace-journeys",
        "sessions": "journeytrace-sessions",
        "session-detail": "journeytrace-session",
        "collector-health": "journeytrace-health",
    }
    assert {JOURNEYS_UID, SESSIONS_UID, SESSION_UID, HEALTH_UID} == {
        board["uid"] for board in boards.values()
    }


def test_every_panel_says_how_to_read_it(panels: list[Board]) -> None:
    """In sentences; and what it means when there is nothing to show."""
    for panel in panels:
        defaults = panel["fieldConfig"]["defaults"]
        assert len(panel["description"]) > 80, panel["title"]
        assert panel["description"].endswith("."), panel["title"]
        assert defaults["unit"], panel["title"]
        assert defaults["noValue"], panel["title"]


def test_a_completed_session_is_never_called_approved(boards: dict[str, Board]) -> None:
    """Wherever the status is shown, it is said what it is not."""
    for name, title in (("journeys", "Completion"), ("sessions", "Sessions")):
        [text] = [p["description"] for p in boards[name]["panels"] if p.get("title") == title]
        assert "not approved" in text


def test_times_are_shown_in_the_user_s_own_zone(boards: dict[str, Board]) -> None:
    """It is a setting of each user."""
    assert {board["timezone"] for board in boards.values()} == {""}


def test_panels_lie_side_by_side(boards: dict[str, Board]) -> None:
    """None over another, and none beyond the edge."""
    for board in boards.values():
        taken: set[tuple[int, int]] = set()
        for panel in board["panels"]:
            at = panel["gridPos"]
            cells = {(at["x"] + x, at["y"] + y) for x in range(at["w"]) for y in range(at["h"])}
            assert not cells & taken, panel["title"]
            assert at["x"] + at["w"] <= 24
            taken |= cells


def test_a_status_is_a_chip_in_its_colour(boards: dict[str, Board]) -> None:
    """And the decision is a column of its own."""
    [table] = [p for p in boards["sessions"]["panels"] if p["type"] == "table"]
    found = {}
    for override in table["fieldConfig"]["overrides"]:
        properties = {one["id"]: one["value"] for one in override["properties"]}
        if "mappings" in properties:
            [words] = properties["mappings"]
            assert properties["custom.cellOptions"]["type"] == "color-background"
            found[override["matcher"]["options"]] = {
                word: shown["color"] for word, shown in words["options"].items()
            }
    assert found["status"] == {
        "COMPLETED": "green",
        "IN_PROGRESS": "blue",
        "DROPPED": "orange",
        "ERROR": "red",
    }
    assert set(found["status"]) == set(Status)
    assert not set(found["status"]) & set(found["decision"])


def test_a_row_opens_its_session(boards: dict[str, Board]) -> None:
    """At the session's own time, or the stages would lie outside the range."""
    text = json.dumps(boards["sessions"])
    url = "/d/journeytrace-session?var-session=${__data.fields.session_id}"
    assert f"{url}&from=${{__data.fields.from_ms}}&to=${{__data.fields.to_ms}}" in text


def test_links_lead_to_dashboards_that_are_there(boards: dict[str, Board]) -> None:
    """And set variables that these have."""
    variables = {b["uid"]: {v["name"] for v in b["templating"]["list"]} for b in boards.values()}
    found = [text for b in boards.values() for text in _texts(b) if text.startswith("/d/")]
    assert found
    for url in found:
        uid, _, query = url.removeprefix("/d/").partition("?")
        names = {p.split("=")[0].removeprefix("var-") for p in query.split("&") if p[:4] == "var-"}
        assert names <= variables[uid], url


def test_links_to_the_sessions_keep_what_was_looked_at(boards: dict[str, Board]) -> None:
    """The project and the time; reasons, codes and checks by filters of their own."""
    found = {
        panel["title"]: [text for text in _texts(panel) if text.startswith(f"/d/{SESSIONS_UID}?")]
        for panel in boards["journeys"]["panels"]
    }
    filters = {
        "Projects": "var-project=${__value.raw}",
        "Reasons of REJECTED": "var-decision=REJECTED&var-reason=${__field.labels.reason}",
        "Reasons of PENDING": "var-decision=PENDING&var-reason=${__field.labels.reason}",
        "Checks that block most": "var-event=${__value.raw}&var-impact=BLOCKED",
        "Error codes": "var-error_code=${__value.raw}",
    }
    assert {title for title, urls in found.items() if urls} >= set(filters)
    for title, query in filters.items():
        assert any(query in url for url in found[title])
        for url in found[title]:
            assert "${project:queryparam}" in url or "var-project" in url
            assert url.endswith("&${__url_time_range}")


def test_a_reason_that_nobody_named_leads_somewhere(boards: dict[str, Board]) -> None:
    """None given is called as the list calls it."""
    for decision in ("REJECTED", "PENDING"):
        title = f"Reasons of {decision}"
        [panel] = [p for p in boards["journeys"]["panels"] if p["title"] == title]
        assert '"reason", "(none)", "reason", ""' in panel["targets"][0]["expr"]


def test_deployments_are_marked_where_they_happened(boards: dict[str, Board]) -> None:
    """By the time that the series tells, in ms, not by when Prometheus was asked."""
    [mark] = boards["journeys"]["annotations"]["list"]
    assert mark["enable"]
    assert mark["useValueForTime"]
    assert mark["expr"].endswith("* 1000")
    assert mark["titleFormat"] == "{{service}} {{version}}"


def test_the_trace_is_never_an_empty_query(boards: dict[str, Board]) -> None:
    """Tempo would answer with an error; sixteen zero bytes are no trace of anybody."""
    [trace] = [v for v in boards["session-detail"]["templating"]["list"] if v["name"] == "trace"]
    assert trace["current"]["value"] == "0" * 32
    assert trace["query"].startswith("SELECT coalesce(")
    assert trace["hide"] == 2
