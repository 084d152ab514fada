from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from journeytrace.conventions import METRICS

Scrape = Callable[[str], Any]

COUNTED = [
    metric.name + ("_count" if metric.kind == "histogram" else "")
    for metric in METRICS
    if metric.kind != "gauge"
    and metric.name
    not in {
        "journey_collector_commit_seconds",
        "journey_collector_export_failures_total",
        "journey_collector_kafka_messages_total",
        "journey_collector_kafka_rebalances_total",
        "journey_collector_public_requests_total",
        "journey_collector_requests_refused_total",
    }
]
"""What the store counts; the rest is kept in memory."""

MINUTE = 60_000_000_000


def test_it_counts_what_was_sent(site: Any, scrape: Scrape) -> None:
    """Every event once, though it is sent twice, and every session."""
    prometheus = scrape(site.admin)
    events = [site.span(n, "STEP_VIEW", session_id=f"s-{n % 7}") for n in range(1, 51)]
    site.send(*events)
    site.send(*events)
    prometheus.becomes('sum(journey_events_total{project="acme",event="STEP_VIEW"})', 50)
    prometheus.becomes('journey_collector_events_total{outcome="duplicate"}', 50)
    prometheus.becomes('journey_sessions_started_total{project="acme"}', 7)
    prometheus.becomes('sum(journey_sessions_open{project="acme"})', 7)


def test_the_first_rejection_is_a_rise(site: Any, scrape: Scrape) -> None:
    """The series was there at 0 before, or `increase` would know of no rise."""
    prometheus = scrape(site.admin)
    rejected = '{project="acme",decision="REJECTED",reason="SELFIE_DUPLICATE"}'
    prometheus.becomes(f"count_over_time(journey_decisions_total{rejected}[1m]) >= bool 2", 1)
    site.send(site.span(1, "REJECTED", journey_reason="SELFIE_DUPLICATE"))
    prometheus.becomes(f"increase(journey_decisions_total{rejected}[1m]) > bool 0", 1)


def test_created_timestamps_do_no_harm(site: Any, scrape: Callable[..., Any]) -> None:
    """A server that asks for protobuf but knows none takes each for a series and reads the rest."""
    any_created = 'count({__name__=~"journey_.+_created"}) or vector(0)'
    asking = scrape(site.admin, "native-histograms")
    site.send(site.span(1, "STEP_VIEW"))
    asking.becomes('journey_sessions_started_total{project="acme"}', 1)
    asking.becomes("up", 1)
    assert asking.value(any_created) > 0
    born = asking.value('journey_sessions_started_created{project="acme"}')
    assert born == pytest.approx(site.clock() / 1e9, abs=120)


def test_created_timestamps_are_told_to_nobody_else(site: Any, scrape: Callable[..., Any]) -> None:
    """A server that does not ask for protobuf, as by default, would only store more."""
    prometheus = scrape(site.admin)
    prometheus.becomes("up", 1)
    assert prometheus.value('count({__name__=~"journey_.+_created"}) or vector(0)') == 0


def test_counters_survive_a_restart_without_a_reset(site: Any, scrape: Scrape) -> None:
    """Prometheus sees them go on where they were."""
    prometheus = scrape(site.admin)
    checks = [site.span(n, "FACE_COMPARE", seconds=1, journey_event_result="PASS") for n in (1, 2)]
    site.send(checks[0], site.span(3, "ALERT_SHOWN", journey_error_code="QS-10001"))
    events = 'journey_events_total{event="FACE_COMPARE",impact="NONE",project="acme"}'
    prometheus.becomes(events, 1)
    site.stop()
    prometheus.becomes("up", 0)
    site.start()
    prometheus.becomes(events, 1)
    site.send(checks[1])
    prometheus.becomes(events, 2)
    prometheus.becomes('journey_check_duration_seconds_sum{event="FACE_COMPARE"}', 2)
    for name in COUNTED:
        assert prometheus.value(f"max(resets({name}[5m]))") == 0, name


def test_a_session_that_settles_is_counted_once(site: Any, scrape: Scrape) -> None:
    """Time alone drops it; it leaves the open ones, whose series stays at 0."""
    prometheus = scrape(site.admin)
    site.send(site.span(1, "STEP1_ENTERED", seconds=45))
    prometheus.becomes('journey_sessions_open{project="acme",stage="STEP1"}', 1)
    site.ahead = 21 * MINUTE
    prometheus.becomes('journey_sessions_settled_total{project="acme",status="DROPPED"} > 0', 1)
    prometheus.becomes('journey_sessions_open{project="acme",stage="STEP1"}', 0)
    median = 'histogram_quantile(0.5, journey_session_duration_seconds_bucket{status="DROPPED"})'
    assert 30 < prometheus.value(f"{median} > 0") <= 60


def test_exemplars_lead_to_the_trace(site: Any, scrape: Scrape) -> None:
    """Prometheus takes each of them, and gives them back with the session's trace id."""
    prometheus = scrape(site.admin)
    session = "018f3b5e-0000-7000-8000-000000000001"
    durations = 'journey_check_duration_seconds_count{event="FACE_COMPARE"}'
    for number in (1, 2):
        check = site.span(
            number, "FACE_COMPARE", seconds=2, journey_event_result="FAIL", session_id=session
        )
        site.send(check)
        prometheus.becomes(durations, number)
    [found] = prometheus.ask(
        "query_exemplars",
        query='journey_check_duration_seconds_bucket{event="FACE_COMPARE"}',
        start=str(site.clock() // 10**9 - 600),
        end=str(site.clock() // 10**9 + 600),
    )
    assert found["seriesLabels"]["le"] == "2.5"
    assert len(found["exemplars"]) == 2
    assert {one["labels"]["trace_id"] for one in found["exemplars"]} == {session.replace("-", "")}
    assert {float(one["value"]) for one in found["exemplars"]} == {2.0}
    own = prometheus.own_metrics()
    assert "prometheus_tsdb_exemplar_exemplars_appended_total 2" in own
    assert "prometheus_tsdb_exemplar_out_of_order_exemplars_total 0" in own
