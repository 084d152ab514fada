"""Alerts as Grafana reads them: file provisioning of Grafana-managed rules.

Meant for those who alert from Grafana instead of from Prometheus and Alertmanager. What is recorded
stays with Prometheus.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import timedelta
from typing import Any, Final

from journeytrace_dashboards.alerts.model import Alert, Group, Settings, span

__all__ = ["DATASOURCE", "FOLDER", "provisioning", "rule_uid"]

DATASOURCE: Final = "prometheus"
"""uid of the datasource that the rules ask."""

FOLDER: Final = "Journeytrace"
"""Title of the folder that the rules are put in, that of the dashboards."""

_LOOK_BACK: Final = 600
"""Seconds of the time range, which an instant query ignores but Grafana insists on."""


def provisioning(groups: Iterable[Group], settings: Settings) -> dict[str, Any]:
    """Give the file with every alert, in the groups that Prometheus has."""
    return {
        "apiVersion": 1,
        "groups": [
            {
                "orgId": 1,
                "name": group.name,
                "folder": FOLDER,
                "interval": _interval(settings.interval),
                "rules": [_rule(alert, settings) for alert in group.alerts],
            }
            for group in groups
        ],
    }


def rule_uid(alert: Alert) -> str:
    """Give the uid of an alert's rule: ``JourneyNoSessions`` becomes ``journeytrace-no-sessions``.

    Grafana takes 40 characters.
    """
    words = re.findall("[A-Z][a-z]+", alert.name)
    return "-".join(["journeytrace", *words[1:]]).lower()


def _interval(interval: timedelta) -> str:
    # Grafana's scheduler ticks every ten seconds and refuses anything in between.
    ticks = max(1, round(interval / timedelta(seconds=10)))
    return span(timedelta(seconds=10) * ticks)


def _rule(alert: Alert, settings: Settings) -> dict[str, Any]:
    rule: dict[str, Any] = {
        "uid": rule_uid(alert),
        "title": alert.name,
        "condition": "C",
        "data": _data(alert),
        # No series is how a query says that all is well.
        "noDataState": "OK",
        "execErrState": "Error",
        "for": span(alert.hold),
    }
    if alert.keep:
        rule["keepFiringFor"] = span(alert.keep)
    return rule | {
        # A series in trouble that goes away is out of trouble, as it is to Prometheus.
        "missing_series_evals_to_resolve": 1,
        "labels": {"severity": alert.severity, "topic": alert.topic},
        "annotations": {
            "summary": _values(alert) + alert.summary,
            "description": alert.description,
            "dashboard": f"{settings.grafana_url}/d/{alert.dashboard}",
            "runbook_url": f"{settings.runbooks_url}/{alert.name}.md",
        },
        "isPaused": False,
    }


def _values(alert: Alert) -> str:
    """Let ``$value`` and ``$usual`` be numbers, where Grafana's own ``$value`` is a sentence."""
    usual = "{{ $usual := $values.B.Value }}" if alert.usual else ""
    return "{{ $value := $values.A.Value }}" + usual


def _data(alert: Alert) -> list[dict[str, Any]]:
    queries = {"A": alert.expr, "B": alert.usual}
    asked = {ref: expr for ref, expr in queries.items() if expr}
    # Any number is trouble, 0 too; and naming both queries joins them by their labels.
    condition = " && ".join(f"is_number(${ref})" for ref in asked)
    return [
        *(_query(ref, _bare(expr, alert.by)) for ref, expr in asked.items()),
        {
            "refId": "C",
            "datasourceUid": "__expr__",
            "model": {"refId": "C", "type": "math", "expression": condition},
        },
    ]


def _bare(expr: str, by: tuple[str, ...]) -> str:
    """Take off every other label, and the metric's name, by which Grafana would tell A from B."""
    return f"max by ({', '.join(by)}) (\n{expr}\n)"


def _query(ref: str, expr: str) -> dict[str, Any]:
    return {
        "refId": ref,
        "relativeTimeRange": {"from": _LOOK_BACK, "to": 0},
        "datasourceUid": DATASOURCE,
        "model": {"refId": ref, "expr": expr, "instant": True, "range": False},
    }
