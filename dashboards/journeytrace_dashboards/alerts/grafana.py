"""Alerts as Grafana reads them: file provisioning of Grafana-managed rules.

Meant for those who alert from Grafana instead of from Prometheus and Alertmanager. What is recorded
stays with Prometheus.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import timedelta
from typing import Any, Final

from journeytrace_dashboards.alerts.model import Alert, Group, span
from journeytrace_dashboards.alerts.settings import Settings
from journeytrace_dashboards.alerts.texts import UNTIL, links, since_of, spoken

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
        "data": _data(alert, settings),
        # No series is how a query says that all is well.
        "noDataState": "OK",
        "execErrState": "Error",
        "for": span(alert.hold),
    }
    if alert.keep:
        rule["keepFiringFor"] = span(alert.keep)
    named = {"value": "A", "usual": "B", "last": "D", "seconds": "E"}
    times = {"since": "F", "until": "G"}
    asked = _asked(alert, settings)
    return rule | {
        # A series in trouble that goes away is out of trouble, as it is to Prometheus.
        "missing_series_evals_to_resolve": 1,
        "labels": {"severity": alert.severity, "topic": alert.topic},
        "annotations": {
            "summary": _values(named, asked) + alert.summary,
            "description": alert.description,
            **links(alert, settings, _values(times, asked)),
        },
        "isPaused": False,
    }


def _values(named: dict[str, str], asked: dict[str, str]) -> str:
    """Let ``$value`` and the others be numbers, where Grafana's own ``$value`` is a sentence."""
    return "".join(
        f"{{{{ ${name} := $values.{ref}.Value }}}}" for name, ref in named.items() if ref in asked
    )


def _asked(alert: Alert, settings: Settings) -> dict[str, str]:
    """Give the queries by their refIds, C left out."""
    since = alert.seconds and since_of(alert, _bare(alert.seconds, alert.by))
    until = f"vector({UNTIL})" if alert.sessions else None
    queries = {
        "A": _bare(spoken(alert, settings), alert.by),
        "B": alert.usual and _bare(alert.usual, alert.by),
        "D": alert.last and _bare(alert.last, alert.by),
        "E": alert.seconds and _bare(alert.seconds, alert.by),
        "F": since if alert.sessions else None,
        "G": until,
    }
    return {ref: expr for ref, expr in queries.items() if expr}


def _data(alert: Alert, settings: Settings) -> list[dict[str, Any]]:
    asked = _asked(alert, settings)
    # Any number is trouble, 0 too; and naming all queries joins them by their labels.
    condition = " && ".join(f"is_number(${ref})" for ref in asked)
    return [
        *(_query(ref, expr) for ref, expr in asked.items()),
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
