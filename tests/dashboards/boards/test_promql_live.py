"""Every PromQL query, asked of a real Prometheus that watched a collector take a known load."""

from __future__ import annotations

import json
import math
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.exporters.prometheus.conftest import Prometheus, Site, _prometheus, program
from tests.support.events import MINUTE
from tests.support.waiting import PATIENCE

from journeytrace_dashboards.check import SAMPLE_VALUES, all_queries
from journeytrace_dashboards.queries import Query, substituted

WEBHOOK = {"name": "crm", "url": "http://127.0.0.1:9/", "secret": "only-sixteen-chars"}
VALUES = SAMPLE_VALUES | {
    "project": ".*",
    "check": ".*",
    "instance": ".*",
    "__range": "5m",
    "__rate_interval": "5m",
}
PROMQL = [query for query in all_queries() if query.kind == "promql"]
LOGLESS = [query for query in PROMQL if "kafka" not in query.text]
"""Those about what is there without a log: tests/collector/kafka has the series of one."""

Answer = dict[str, float]
"""Values by the label that tells them apart; ``""``: there is none."""


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    """A Prometheus that has seen ten sessions: four finished, six left, one of these came back."""
    folder = tmp_path_factory.mktemp("live")
    site = Site(folder / "data")
    exporters = {"webhook": {"allow_private_networks": True, "endpoints": [WEBHOOK]}}
    site._settings = site._settings.model_copy(update={"exporters": exporters})
    try:
        site.start()
        (folder / "prometheus").mkdir()
        with _prometheus(folder / "prometheus", site.admin) as server:
            # The series must be there at 0 before they rise.
            server.becomes("min(count_over_time(journey_sessions_started_total[1m])) >= bool 2", 1)
            _load(site, server)
            yield server
    finally:
        site.close()


def _load(site: Site, server: Prometheus) -> None:
    numbers = iter(range(1, 1000))

    def event(session: int, name: str, **attributes: Any) -> Any:
        return site.span(next(numbers), name, session_id=f"s-{session}", **attributes)

    events = []
    for session in range(10):
        events += [event(session, "SESSION_CREATED"), event(session, "STEP1_ENTERED", seconds=2)]
        fails = {"journey_event_result": "FAIL", "seconds": 1}
        if session < 6:
            events += [event(session, "STEP2_ENTERED"), event(session, "ID_RECOGNITION", **fails)]
        elif session < 9:
            events.append(event(session, "REGIONAL_VALIDATION", **fails))
        else:
            passed = {"journey_event_result": "PASS", "seconds": 1}
            events.append(event(session, "REGIONAL_VALIDATION", **passed))
        if session < 8:
            events.append(event(session, "IP_RISK_CHECK"))
        if session < 2:
            events.append(event(session, "VALIDATION_ACCOUNT_ENTERED"))
        if session < 4:
            events.append(event(session, "FINAL_PAGE_VIEW"))
            code = "QS-10001" if session else "page-not-found"
            events.append(event(session, "ALERT_SHOWN", journey_error_code=code))
    decided = (("APPROVED", ""), ("APPROVED", ""), ("REJECTED", "SELFIE_DUPLICATE"))
    for session, (name, reason) in enumerate((*decided, ("PENDING", "COUNTRY_MISMATCH"))):
        events.append(event(session, name, **({"journey_reason": reason} if reason else {})))
    site.send(*events)
    site.send(*events[:5])
    server.becomes("sum(journey_sessions_open)", 6)
    site.ahead = 21 * MINUTE
    server.becomes("sum(journey_sessions_settled_total)", 10)
    site.send(event(9, "FINAL_PAGE_VIEW"), event(10, "SESSION_CREATED"))
    site.ahead = 42 * MINUTE
    server.becomes("sum(journey_session_revisions_total)", 1)
    site.send(event(11, "STEP1_ENTERED"))
    server.becomes("sum(journey_sessions_open)", 1)
    server.becomes("sum(journey_collector_export_failures_total) > bool 0", 1)
    # Prometheus extrapolates by up to one gap between two samples: of 30 that is little, on a
    # machine that misses scrapes as well.
    server.becomes("min(count_over_time(journey_sessions_started_total[5m])) >= bool 30", 1)


def answers(prometheus: Prometheus, query: Query) -> Answer:
    """Ask, and tell the answers apart by their values.

    Last week was as this one is; and the time range begins when all was at 0 still, for of the time
    before that Prometheus knows nothing.
    """
    text = substituted(query, VALUES).replace(" offset 7d", "")
    if "offset 5m" in text:
        none_yet = 'journey_sessions_started_total{project="acme"} == 0'
        began = prometheus.value(f"max_over_time(timestamp({none_yet})[5m:500ms])")
        assert began is not None
        text = text.replace("offset 5m", f"offset {round((_now(prometheus) - began) * 1000)}ms")
    result = prometheus.ask("query", query=text)["result"]
    return {" ".join(sorted(one["metric"].values())): float(one["value"][1]) for one in result}


def _now(prometheus: Prometheus) -> float:
    found = prometheus.value("vector(time())")
    assert found is not None
    return found


ANSWERED = [query for query in LOGLESS if "Lost beacons" not in query.place]
"""All but what the collector looks at now and then, of sessions that have come to rest."""


@pytest.mark.parametrize("query", ANSWERED, ids=lambda query: query.place)
def test_every_query_is_answered(prometheus: Prometheus, query: Query) -> None:
    """With numbers: no panel stays empty, and none divides by nothing."""
    values = answers(prometheus, query).values()
    # Of a histogram without observations there is no quantile; Grafana leaves a gap for these.
    found = [value for value in values if not math.isnan(value)]
    assert found
    assert all(math.isfinite(value) for value in found)
    assert len(found) == len(values) or "histogram_quantile" in query.text


EXPECTED: dict[str, Answer] = {
    "Journeys: Sessions started (A)": {"": 12},
    "Journeys: Sessions started (B)": {"": 0},
    "Journeys: Sessions started over time (W)": {"": 144},
    "Journeys: Completion (A)": {"": 5 / 11},
    "Journeys: Completion (B)": {"": 0},
    "Journeys: Approved, of all decisions (A)": {"": 2 / 4},
    "Journeys: Projects (A)": {"acme": 12},
    "Journeys: Projects (B)": {"acme": 0},
    "Journeys: Projects (C)": {"acme": 5 / 11},
    "Journeys: Projects (D)": {"acme": 0},
    "Journeys: Projects (E)": {"acme": 2 / 4},
    "Journeys: Projects (F)": {"acme": 0},
    "Journeys: Projects (G)": {"acme": 3 / 12},
    "Journeys: Projects (H)": {"acme": 0},
    "Journeys: Open at the end of the range (A)": {"": 1},
    "Journeys: Funnel (A)": {"": 12},
    "Journeys: Funnel (B)": {"": 11},
    "Journeys: Funnel (C)": {"": 11},
    "Journeys: Funnel (D)": {"": 7},
    "Journeys: Funnel (E)": {"": 7},
    "Journeys: Funnel (F)": {"": 5},
    "Journeys: Funnel (G)": {"": 5},
    "Journeys: Drop-off by stage (A)": {"": 1 / 12},
    "Journeys: Drop-off by stage (C)": {"": 3 / 11},
    "Journeys: Drop-off by stage (E)": {"": 2 / 7},
    "Journeys: Drop-off by stage (G)": {"": 0},
    "Journeys: Reasons of REJECTED (A)": {"SELFIE_DUPLICATE": 1},
    "Journeys: Reasons of PENDING (A)": {"COUNTRY_MISMATCH": 1},
    "Journeys: Retries a session (A)": {"": 6 / 12},
    "Journeys: Error codes (A)": {"QS-10001": 3, "page-not-found": 1},
    "Journeys: Checks that block most (A)": {"REGIONAL_VALIDATION": 3},
    "Journeys: Checks that block most (B)": {"REGIONAL_VALIDATION": 3 / 4},
    "Collector health: Erased (A)": {"": 0},
    "Collector health: Turned away (A)": {"": 0},
    "Collector health: Parked (A)": {"": 0},
    "Collector health: Came twice (A)": {"": 5 / 66},
}


@pytest.mark.parametrize("place", EXPECTED)
def test_it_says_what_happened(prometheus: Prometheus, place: str) -> None:
    """But for what Prometheus adds when it extrapolates, a few percent here."""
    [query] = [query for query in PROMQL if query.place == place]
    assert answers(prometheus, query) == pytest.approx(EXPECTED[place], rel=0.1)


def test_the_funnel_has_its_steps_in_order(prometheus: Prometheus) -> None:
    """With what each keeps of the one before, and of all sessions."""
    [places, reached, before, everybody] = [
        answers(prometheus, query) for query in PROMQL if "Step conversion" in query.place
    ]
    assert sorted(places, key=places.__getitem__)[:3] == ["ENTRY", "PRE_CHECKS", "STEP1"]
    assert reached["STEP2"] == pytest.approx(7, rel=0.1)
    assert before["ENTRY"] == pytest.approx(1, rel=0.1)
    assert before["STEP2"] == pytest.approx(1, rel=0.1)
    assert before["DECISION"] == pytest.approx(5 / 7, rel=0.1)
    assert everybody["STEP2"] == pytest.approx(7 / 12, rel=0.1)


def test_nothing_is_compared_with_a_week_that_nobody_saw(prometheus: Prometheus) -> None:
    """A young Prometheus gives no difference, rather than one to zero."""
    asked = [query for query in PROMQL if "offset 7d" in query.text]
    assert len(asked) > 10
    for query in asked:
        found = prometheus.ask("query", query=substituted(query, VALUES))["result"]
        assert found == [], query.place


def test_the_slowest_checks_are_drawn(prometheus: Prometheus) -> None:
    """Those of the whole time range at each of its moments, and at most ten."""
    [query] = [query for query in PROMQL if query.place == "Journeys: Check duration, p95 (A)"]
    now = _now(prometheus)
    text = substituted(query, VALUES)
    span = {"start": str(now - 10), "end": str(now), "step": "5s"}
    lines = prometheus.ask("query_range", query=text, **span)["result"]
    assert {line["metric"]["event"] for line in lines} == {"ID_RECOGNITION", "REGIONAL_VALIDATION"}


def test_a_figure_of_the_past_is_not_shown_as_of_now(prometheus: Prometheus) -> None:
    """Where the time range ends in silence there is none, whatever was there when it began."""
    [query] = [query for query in PROMQL if query.place == "Journeys: Completion (A)"]
    now = _now(prometheus)
    span = {"start": str(now - 290), "end": str(now), "step": "1s"}
    quiet, busy = (substituted(query, VALUES | {"__range": r}) for r in ("2s", "5m"))
    first, _, _ = quiet.partition("\nand on ()")
    assert prometheus.ask("query_range", query=first, **span)["result"]
    assert prometheus.ask("query_range", query=quiet, **span)["result"] == []
    assert prometheus.ask("query_range", query=busy, **span)["result"]


def test_half_of_last_week_s_sessions_are_missing(tmp_path: Path) -> None:
    """Told by the same hours of a real week before, as a share."""
    [query] = [query for query in PROMQL if query.place == "Journeys: Sessions started (B)"]
    series = 'journey_sessions_started_total{project="acme"}'
    test = {
        "interval": "5m",
        "input_series": [{"series": series, "values": f"0+10x{7 * 288} {20160 + 5}+5x24"}],
        "promql_expr_test": [
            {
                "expr": substituted(query, VALUES | {"__range": "1h"}),
                "eval_time": "7d1h30m",
                "exp_samples": [{"value": -0.5}],
            }
        ],
    }
    file = tmp_path / "test.yml"
    file.write_text(json.dumps({"tests": [test]}))
    command = [program("promtool"), "test", "rules", str(file)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=PATIENCE)
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_stage_of_a_moment_lasts_no_half_second(prometheus: Prometheus) -> None:
    """Buckets that begin at a second would make one of a page that was seen."""
    [query] = [query for query in PROMQL if query.place == "Journeys: Stage duration (A)"]
    assert answers(prometheus, query)["POST"] == 0


def test_a_deployment_is_marked_when_its_first_event_came(prometheus: Prometheus) -> None:
    """In ms, as Grafana takes the value of a series for the time of a mark."""
    [query] = [query for query in PROMQL if query.place == "Journeys: annotation Deployments"]
    now = _now(prometheus)
    found = answers(prometheus, query)
    assert set(found) == {"1.2.3 form"}
    assert now - 1800 < found["1.2.3 form"] / 1000 <= now


def test_over_time_counts_an_hour(prometheus: Prometheus) -> None:
    """Twelve sessions in the five minutes looked at are 144 an hour."""
    place = "Journeys: Sessions started over time (A)"
    [query] = [query for query in PROMQL if query.place == place]
    assert answers(prometheus, query)["acme"] == pytest.approx(144, rel=0.1)


def test_a_project_leaves_out_the_others(prometheus: Prometheus) -> None:
    """The filter reaches every panel that counts sessions."""
    nobody = VALUES | {"project": ["somebody-else's", "a.b"]}
    for query in PROMQL:
        if "$project" in query.text:
            found = prometheus.ask("query", query=substituted(query, nobody))["result"]
            assert not [one for one in found if float(one["value"][1]) > 0], query.place


def test_where_nothing_happens_nothing_is_divided(prometheus: Prometheus) -> None:
    """In two quiet seconds the panels say so in their own words, not NaN."""
    quiet = VALUES | {"__range": "2s", "__rate_interval": "2s"}
    for query in PROMQL:
        if "histogram_quantile" not in query.text:
            found = prometheus.ask("query", query=substituted(query, quiet))["result"]
            assert not [one for one in found if one["value"][1] == "NaN"], query.place
