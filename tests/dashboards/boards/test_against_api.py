"""Every panel, asked of real servers after a demo, says what the API says of the same sessions.

A collector that is new counts the demo's journeys into a real PostgreSQL, and a real Prometheus
scrapes it from before the first of them. `increase` is asked for at the very time of a scrape, of
counters that were at 0 in the one before: so there is nothing to extrapolate, and what it says has
to be exact. That is what counters at 0 before the first event are for.
"""

from __future__ import annotations

import asyncio
import math
import re
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import psycopg
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from psycopg.rows import dict_row
from pydantic import SecretStr
from tests.dashboards.boards.test_sql import EVERY
from tests.dashboards.boards.world import EXPECTED, Answer, Facts, Row, World, ask
from tests.exporters.prometheus.conftest import Prometheus, Site, _prometheus
from tests.support.events import MINUTE
from tests.support.postgresql import Server

from journeytrace_collector.cli.client import connect
from journeytrace_collector.demo.journeys import make_journeys
from journeytrace_collector.demo.people import PROJECTS
from journeytrace_collector.demo.replay import play
from journeytrace_collector.settings import Project
from journeytrace_dashboards.check import SAMPLE_VALUES
from journeytrace_dashboards.files import as_json
from journeytrace_dashboards.queries import Query, queries, substituted

JOURNEYS = 40
SEED = 7
WEBHOOK = {"name": "crm", "url": "http://127.0.0.1:9/", "secret": "only-sixteen-chars"}
ONE = PROJECTS[0]
REASON = re.compile(r"\bthe API\b|\bestimated?\b", re.IGNORECASE)
"""What the description of a panel says that shows something else than the API."""


class Panel(NamedTuple):
    """A panel, as far as it is compared."""

    description: str
    asked: list[Query]


def _panels() -> dict[str, Panel]:
    """Give each panel that asks Prometheus or PostgreSQL."""
    found = {}
    for board in as_json().values():
        for panel in board["panels"]:
            asked = list(queries(board | {"panels": [panel], "templating": {}, "annotations": {}}))
            # Nobody saw last week.
            asked = [q for q in asked if q.kind in {"promql", "sql"} and "offset 7d" not in q.text]
            if asked:
                found[f"{board['title']}: {panel['title']}"] = Panel(panel["description"], asked)
    return found


PANELS = _panels()


@dataclass
class Stack:
    """The servers, and the worlds that they should show: by project, None: all of them."""

    prometheus: Prometheus
    at: float
    """The time of a scrape, after the last event."""
    database: str
    worlds: dict[str | None, World]


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory, postgresql: Server) -> Iterator[Stack]:
    """A demo that has come to rest, and three sessions that go on."""
    folder = tmp_path_factory.mktemp("stack")
    database = postgresql.fresh()
    site = Site(folder / "data")
    site._settings = site._settings.model_copy(
        update={
            "store": SecretStr(database),
            "projects": {name: Project() for name in PROJECTS},
            "exporters": {"webhook": {"allow_private_networks": True, "endpoints": [WEBHOOK]}},
        }
    )
    # Behind during the load, so that what was played is long idle at the database's own time.
    site.ahead = -21 * MINUTE
    try:
        site.start()
        (folder / "prometheus").mkdir()
        with _prometheus(folder / "prometheus", site.admin) as server:
            first = f'journey_sessions_started_total{{project="{ONE}"}}'
            server.becomes(f"count_over_time({first}[1m]) >= bool 2", 1)
            facts = _load(site, server)
            at = server.value("timestamp(journey_collector_build_info)")
            assert at is not None
            yield Stack(server, at, database, asyncio.run(_worlds(site, server, at, facts)))
    finally:
        site.close()


def _load(site: Site, server: Prometheus) -> Facts:
    play(make_journeys(JOURNEYS, SEED), site.otlp_grpc, site.clock(), lambda: True)
    site.ahead = 0
    server.becomes("sum(journey_sessions_settled_total)", JOURNEYS)
    names = ("STEP1_ENTERED", "STEP2_ENTERED", "ALERT_SHOWN")
    spans = [
        site.span(n, name, session_id=f"open-{n}", journey_project_id=ONE)
        for n, name in enumerate(names, start=1)
    ]
    site.send(*spans)
    site.send(*spans[:2])
    ignored = site.span(9, "GET /health")
    del ignored.attributes[:]
    site.send(ignored)
    rejected = _rejected(site)
    server.becomes("sum(journey_sessions_open)", len(spans))
    server.becomes('journey_collector_records_total{outcome="rejected"}', rejected)
    return Facts(rejected=rejected, ignored=1, duplicates=2)


def _rejected(site: Site) -> int:
    """Send a record that names no session; give how many the collector says it did not take."""
    span = site.span(10, "STEP_VIEW")
    kept = [attribute for attribute in span.attributes if attribute.key != "session.id"]
    del span.attributes[:]
    span.attributes.extend(kept)
    request = ExportTraceServiceRequest()
    request.resource_spans.add().scope_spans.add().spans.append(span)
    sent = urllib.request.Request(
        f"http://{site.otlp_http}/v1/traces",
        request.SerializeToString(),
        {"Content-Type": "application/x-protobuf"},
    )
    with urllib.request.urlopen(sent, timeout=10) as answer:  # noqa: S310 - our own address
        told = ExportTraceServiceResponse.FromString(answer.read())
    return told.partial_success.rejected_spans


async def _worlds(
    site: Site, server: Prometheus, at: float, facts: Facts
) -> dict[str | None, World]:
    [first] = server.ask("query", query="journey_collector_build_info[10m]")["result"]
    # The range has to hold the first scrape, and is asked for in whole seconds.
    seconds = math.ceil(at - float(first["values"][0][0])) + 1
    more: dict[str, Any] = {"facts": facts, "instance": site.admin, "seconds": seconds}
    async with connect(site.admin) as client:
        return {
            project: await ask(client, project, now=site.clock() / 1e9, **more)
            for project in (None, ONE)
        }


# One test for all panels: several would be shared out, and each worker would start the servers.
def test_every_panel_says_what_the_api_says(stack: Stack) -> None:
    """Of the same sessions; all together, and those of one project."""
    places = EXPECTED.keys() & PANELS.keys()
    found = [problem for place in sorted(places) for problem in _differences(stack, place, None)]
    by_project = [place for place in sorted(places) if _asks_for_a_project(place)]
    assert len(by_project) > 15
    found += [problem for place in by_project for problem in _differences(stack, place, ONE)]
    assert not found, "\n".join(found)


def test_a_fresh_collector_and_one_demo_show_the_demo(stack: Stack) -> None:
    """Not 0 sessions: the counters were there at 0 before the first event came."""
    started = "Journeys: Sessions started"
    assert _shown(stack, stack.worlds[None], PANELS[started].asked[0], ".*") == {
        "": pytest.approx(JOURNEYS + 3)
    }


def test_a_panel_that_is_not_compared_says_why() -> None:
    """Its description tells what it estimates, or why the API tells something else."""
    silent = [
        place
        for place, panel in PANELS.items()
        if place not in EXPECTED and not REASON.search(panel.description)
    ]
    assert silent == [], "say in world.py what to expect of them, or why not in their descriptions"


def test_everything_that_is_expected_is_a_panel() -> None:
    """A panel that was renamed leaves no expectation behind."""
    assert EXPECTED.keys() - PANELS.keys() == set()


def _asks_for_a_project(place: str) -> bool:
    return any(re.search(r"\$\{?project\b", query.text) for query in PANELS[place].asked)


def _differences(stack: Stack, place: str, project: str | None) -> Iterator[str]:
    """Say in what a panel differs from the API; `project` None: of all."""
    world, asked = stack.worlds[project], PANELS[place].asked
    expected = EXPECTED[place](world)
    if len(expected) != len(asked):
        yield f"{place}: has {len(asked)} queries, {len(expected)} are expected"
        return
    of = f"of {project}" if project else "of all projects"
    for query, wanted in zip(asked, expected, strict=True):
        if isinstance(wanted, dict):
            shown = _shown(stack, world, query, [project] if project else ".*")
            told = _risen(wanted)
            alike = shown.keys() == told.keys() and all(
                shown[label] == _close(value) for label, value in told.items()
            )
            if not alike:
                yield f"{query.place}, {of}: shows {shown}, the API says {told}"
        else:
            rows = _rows(stack, world, query, [project] if project else [*PROJECTS, "(none)"])
            columns = [
                {key: row[key] for key in one} for row, one in zip(rows, wanted, strict=False)
            ]
            if len(rows) != len(wanted) or columns != wanted:
                yield f"{query.place}, {of}: shows {columns}, the API says {wanted}"


def _shown(stack: Stack, world: World, query: Query, project: str | list[str]) -> Answer:
    values = SAMPLE_VALUES | {
        "project": project,
        "instance": ".*",
        "__range": f"{world.seconds:.0f}s",
        "__rate_interval": f"{world.seconds:.0f}s",
        "check": ".*",
    }
    text = substituted(query, values)
    result = stack.prometheus.ask("query", query=text, time=str(stack.at))["result"]
    return _risen(
        {" ".join(sorted(one["metric"].values())): float(one["value"][1]) for one in result}
    )


def _risen(answer: Answer) -> Answer:
    """Leave out what is 0: whether a series is there that nothing has raised is no matter here."""
    return {label: value for label, value in answer.items() if value != 0}


def _close(value: Any) -> Any:
    return pytest.approx(value, rel=1e-6) if isinstance(value, int | float) else value


def _rows(stack: Stack, world: World, query: Query, projects: list[str]) -> list[Row]:
    one: dict[str, str | list[str]] = {"project": projects, "session": world.one["session_id"]}
    text = substituted(query, SAMPLE_VALUES | EVERY | one)
    with psycopg.connect(stack.database, row_factory=dict_row) as connection:
        return connection.execute(text.encode()).fetchall()
