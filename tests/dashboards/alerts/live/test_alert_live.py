"""From OTLP to somebody's pager: collectors, Prometheus and Alertmanager, all of them real."""

from __future__ import annotations

import itertools
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from tests.support.running import enter_in_background, free_settings
from tests.support.waiting import wait_until

from journeytrace_collector.process import Collector
from journeytrace_collector.settings import Project
from journeytrace_dashboards.alerts import Settings

SHORT = replace(
    Settings(),
    interval=timedelta(milliseconds=500),
    windows=(timedelta(seconds=8),),
    seasons=(),
    baseline=timedelta(minutes=1),
    gap=timedelta(seconds=4),
    step=timedelta(seconds=1),
    history=timedelta(seconds=4),
    hold=timedelta(seconds=1),
    keep=timedelta(seconds=3),
)
"""Windows of seconds; volume, margin and everything else as they are shipped."""

PROJECTS = ("blocked", "quiet", "rejected")


class Load:
    """Sessions of three projects, shared out over the collectors."""

    def __init__(self, endpoints: list[str]) -> None:
        self._endpoints = endpoints
        self._numbers = itertools.count(1)

    def send(self, blocked: float, rejected: float) -> None:
        """Send ten sessions a project to each collector; give the share of those in trouble.

        In one request a collector, so that Prometheus sees all of it or nothing. In the project
        that is quiet one in ten is in trouble, whatever happens in the others.
        """
        for endpoint in self._endpoints:
            spans: list[Span] = []
            for project in PROJECTS:
                spans += self._sessions(
                    project,
                    blocked if project == "blocked" else 0.1,
                    rejected if project == "rejected" else 0.1,
                )
            request = ExportTraceServiceRequest()
            request.resource_spans.add().scope_spans.add().spans.extend(spans)
            headers = {"Content-Type": "application/x-protobuf"}
            url = f"http://{endpoint}/v1/traces"
            sent = urllib.request.Request(url, request.SerializeToString(), headers)
            with urllib.request.urlopen(sent, timeout=10) as answer:  # noqa: S310 - our own address
                assert answer.read() == b"", "something was rejected"

    def _sessions(self, project: str, blocked: float, rejected: float) -> Iterator[Span]:
        for number in range(10):
            session = f"{project}-{next(self._numbers)}"
            result = ("journey.event.result", "FAIL" if number < blocked * 10 else "PASS")
            yield self._span(session, project, "IP_RISK_CHECK", result)
            if number < rejected * 10:
                reason = ("journey.reason", "SELFIE_DUPLICATE")
                yield self._span(session, project, "REJECTED", reason)
            else:
                yield self._span(session, project, "APPROVED")

    def _span(self, session: str, project: str, name: str, *more: tuple[str, str]) -> Span:
        keys = {"session.id": session, "journey.project.id": project, "journey.event.name": name}
        now = time.time_ns()
        return Span(
            trace_id=b"t" * 16,
            span_id=next(self._numbers).to_bytes(8, "big"),
            name=name,
            start_time_unix_nano=now,
            end_time_unix_nano=now,
            attributes=[
                KeyValue(key=key, value=AnyValue(string_value=value))
                for key, value in [*keys.items(), *more]
            ],
        )


@pytest.fixture
def collectors(tmp_path: Path) -> Iterator[list[Collector]]:
    """Give two collectors, each with a store of its own."""
    projects = {name: Project() for name in PROJECTS}
    with enter_in_background() as enter:
        yield [
            enter(Collector(free_settings(tmp_path / name, projects=projects), time.time_ns))
            for name in ("one", "two")
        ]


def _labels(alerts: list[dict[str, Any]], *, held_back: bool) -> set[tuple[str, str]]:
    return {
        (alert["labels"]["alertname"], alert["labels"].get("project", ""))
        for alert in alerts
        if bool(alert["status"]["inhibitedBy"]) is held_back
    }


def test_each_spike_arrives_as_one_alert_and_a_quiet_load_as_none(
    collectors: list[Collector],
    alerting: Callable[[Settings, list[str]], Any],
    notified: Any,
) -> None:
    """A check that blocks and a reason that rejects, in two projects of three, over two collectors.

    The alerts about the check and about the reason are there, but held back by the critical ones.
    """
    servers = alerting(SHORT, [str(collector.admin) for collector in collectors])
    load = Load([str(collector.otlp_http) for collector in collectors])

    def usual_is_known() -> bool:
        load.send(blocked=0.1, rejected=0.1)
        known = {
            name: {series["project"] for series in servers.labels(f"{name}:usual")}
            for name in ("journey:blocked", "journey:rejected_reason")
        }
        return all(projects == set(PROJECTS) for projects in known.values())

    wait_until("the usual", usual_is_known, pause=0.1)
    assert servers.labels('ALERTS{alertname!~"JourneyCollectorDown"}') == []
    assert notified.notifications == []

    def told() -> list[tuple[str, str, str]]:
        return [
            (alert["labels"]["alertname"], alert["labels"]["project"], alert["status"])
            for notification in notified.notifications
            for alert in notification["alerts"]
            if "project" in alert["labels"]
        ]

    critical = {("JourneyBlockedSpike", "blocked"), ("JourneyRejectedSpike", "rejected")}

    def both_were_told() -> bool:
        load.send(blocked=0.8, rejected=0.8)
        return {(*names, "firing") for names in critical} <= set(told())

    wait_until("both to be told", both_were_told, pause=0.1)
    expected = {
        ("JourneyBlockedEventSpike", "blocked"),
        ("JourneyRejectedReasonSpike", "rejected"),
    }
    wait_until("alerts held back", lambda: _labels(servers.alerts(), held_back=True) == expected)
    assert _labels(servers.alerts(), held_back=False) == critical
    # Which rule notices first is chance: what is held back now may have been told before.
    assert {(name, project) for name, project, _ in told()} <= critical | expected

    def newest() -> dict[tuple[str, str], str]:
        told = (alert for one in notified.notifications for alert in one["alerts"])
        # A collector on a machine that is busy may be told of, too: that names no project.
        return {
            (alert["labels"]["alertname"], alert["labels"]["project"]): alert["status"]
            for alert in told
            if "project" in alert["labels"]
        }

    def all_is_over() -> bool:
        load.send(blocked=0.1, rejected=0.1)
        return set(newest().values()) == {"resolved"}

    # What was held back may be told for a moment if it ends much later than what held it back.
    wait_until("all that was told to be resolved", all_is_over, pause=0.1)
    assert set(newest()) >= critical
    assert {project for _, project in newest()} == {"blocked", "rejected"}
