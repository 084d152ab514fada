"""Alerts as Prometheus reads them: rule files."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from journeytrace_dashboards.alerts.model import Alert, Group, Recording, span
from journeytrace_dashboards.alerts.settings import Settings
from journeytrace_dashboards.alerts.texts import UNTIL, links, since_of, spoken

__all__ = ["alerting_rules", "recording_rules"]


def recording_rules(groups: Iterable[Group], settings: Settings) -> dict[str, Any]:
    """Give the file of what is recorded. Grafana's alerts need it, too."""
    return _file(
        {group.name: [_recording(rule) for rule in group.recordings] for group in groups}, settings
    )


def alerting_rules(groups: Iterable[Group], settings: Settings) -> dict[str, Any]:
    """Give the file of the alerts, for which what is recorded must be there."""
    return _file(
        {group.name: [_alert(rule, settings) for rule in group.alerts] for group in groups},
        settings,
    )


def _file(groups: dict[str, list[dict[str, Any]]], settings: Settings) -> dict[str, Any]:
    interval = span(settings.interval)
    return {
        "groups": [
            {"name": name, "interval": interval, "rules": rules}
            for name, rules in groups.items()
            if rules
        ]
    }


def _recording(rule: Recording) -> dict[str, Any]:
    recorded: dict[str, Any] = {"record": rule.record, "expr": rule.expr}
    return recorded | ({"labels": dict(rule.labels)} if rule.labels else {})


def _alert(alert: Alert, settings: Settings) -> dict[str, Any]:
    rule: dict[str, Any] = {
        "alert": alert.name,
        "expr": spoken(alert, settings),
        "for": span(alert.hold),
    }
    if alert.keep:
        rule["keep_firing_for"] = span(alert.keep)
    values = "".join(
        _lookup(name, query, alert)
        for name, query in (
            ("usual", alert.usual and f"{alert.usual}%s"),
            ("last", alert.last and f"{alert.last}%s"),
            ("seconds", alert.seconds and f"{alert.seconds}%s"),
        )
        if query
    )
    since = _lookup("since", since_of(alert, f"{alert.seconds}%s"), alert) if alert.seconds else ""
    until = _lookup("until", f"vector({UNTIL})", alert)
    return rule | {
        "labels": {"severity": alert.severity, "topic": alert.topic},
        "annotations": {
            "summary": values + alert.summary,
            "description": alert.description,
            **links(alert, settings, since + until),
        },
    }


def _lookup(name: str, query: str, alert: Alert) -> str:
    """Let a variable be what is recorded for the labels of the alert; -1: nothing is."""
    if "%s" in query:
        # %q quotes as PromQL does, so no project's name can break out of the query.
        matchers = ",".join(f"{label}=%q" for label in alert.by)
        labels = " ".join(f'(print (or (index $labels "{label}") ""))' for label in alert.by)
        query = f"(printf `{query % f'{{{matchers}}}'}` {labels})"
    else:
        query = f"`{query}`"
    value = f"{{{{ with query {query} }}}}{{{{ ${name} = . | first | value }}}}{{{{ end }}}}"
    return f"{{{{ ${name} := -1.0 }}}}{value}"
