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
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import psycopg
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from psycopg.rows import dict_row
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


def _panels() -> dict[str, tuple[str, list[Query]]]:
    """Give description and queries of each panel that asks Prometheus or PostgreSQL."""
    found = {}
    for board in as_json().values():
        for panel in board["panels"]:
            asked = [q for q in queries(board | {"panels": [panel], "templating": {}})]
            asked = [query for query in asked if query.kind in {"promql", "sql"}]
            if asked:
                found[f"{board['title']}: {panel['title']}"] = (panel["description"], asked)
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
            "store": database,
            "projects": {name: Project() for name in PROJECTS},
            "exporters": {"webhook": {"allow_private_networks": True, "endpoints": [WEBHOOK]}},
        }
    )
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
    play(make_journeys(JOURNEYS, SEED), site.otlp_grpc, time.time_ns(), lambda: True)
    # Past the idle timeout, so that every session comes to rest.
    site.ahead = 21 * MINUTE
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


@pytest.mark.parametrize("place", PANELS)
def test_a_panel_says_what_the_api_says(stack: Stack, place: str) -> None:
    """Of the same sessions; or its description says why it does not."""
    description, asked = PANELS[place]
    if place not in EXPECTED:
        assert REASON.search(description), (
            f"{place}: tests/dashboards/boards/world.py does not expect anything of it, and its"
            " description does not say why it differs from the API, or what it estimates"
        )
        return
    _compare(stack, stack.worlds[None], asked, place, ".*")


@pytest.mark.parametrize("place", [place for place in PANELS if place in EXPECTED])
def test_of_one_project_a_panel_says_what_the_api_says(stack: Stack, place: str) -> None:
    """The filter by project leaves what the API leaves."""
    _, asked = PANELS[place]
    if not any("project" in query.text for query in asked) or place.startswith("Session detail"):
        pytest.skip("has no filter by project")
    _compare(stack, stack.worlds[ONE], asked, place, [ONE])


def test_everything_that_is_expected_is_a_panel() -> None:
    """A panel that was renamed leaves no expectation behind."""
    assert EXPECTED.keys() - PANELS.keys() == set()


def test_a_fresh_collector_and_one_demo_show_the_demo(stack: Stack) -> None:
    """Not 0 sessions: the counters were there at 0 before the first event came."""
    world = stack.worlds[None]
    assert len(world.sessions) == JOURNEYS + 3
    risen = stack.prometheus.ask(
        "query",
        query=f"sum(increase(journey_sessions_started_total[{world.seconds}s]))",
        time=str(stack.at),
    )["result"]
    assert float(risen[0]["value"][1]) == pytest.approx(JOURNEYS + 3)


def _compare(
    stack: Stack, world: World, asked: list[Query], place: str, project: str | list[str]
) -> None:
    expected = EXPECTED[place](world)
    assert len(expected) == len(asked), "an expectation for each query"
    for query, wanted in zip(asked, expected, strict=True):
        if query.kind == "promql":
            assert isinstance(wanted, dict)
            found = _shown(stack, world, query, project)
            assert found.keys() == _risen(wanted).keys(), query.place
            for label, value in _risen(wanted).items():
                assert found[label] == _close(value), (query.place, label)
        else:
            assert isinstance(wanted, list)
            rows = _rows(stack, world, query, project)
            assert len(rows) == len(wanted), query.place
            for row, one in zip(rows, wanted, strict=True):
                assert {key: row[key] for key in one} == one, query.place


def _shown(stack: Stack, world: World, query: Query, project: str | list[str]) -> Answer:
    values = SAMPLE_VALUES | {
        "project": project,
        "instance": ".*",
        "__range": f"{world.seconds:.0f}s",
        "__rate_interval": f"{world.seconds:.0f}s",
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


def _rows(stack: Stack, world: World, query: Query, project: str | list[str]) -> list[Row]:
    chosen = [*PROJECTS, "(none)"] if project == ".*" else project
    one: dict[str, Any] = {"project": chosen, "session": world.one["session_id"]}
    text = substituted(query, SAMPLE_VALUES | EVERY | one)
    with psycopg.connect(stack.database, row_factory=dict_row) as connection:
        return connection.execute(text.encode()).fetchall()
