"""Alerts as Prometheus reads them: rule files."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from journeytrace_dashboards.alerts.model import Alert, Group, Recording, Settings, span

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
    return {"record": rule.record, "expr": rule.expr}


def _alert(alert: Alert, settings: Settings) -> dict[str, Any]:
    rule: dict[str, Any] = {"alert": alert.name, "expr": alert.expr, "for": span(alert.hold)}
    if alert.keep:
        rule["keep_firing_for"] = span(alert.keep)
    return rule | {
        "labels": {"severity": alert.severity, "topic": alert.topic},
        "annotations": {
            "summary": _lookup(alert) + alert.summary,
            "description": alert.description,
            "dashboard": f"{settings.grafana_url}/d/{alert.dashboard}",
            "runbook_url": f"{settings.runbooks_url}/{alert.name}.md",
        },
    }


def _lookup(alert: Alert) -> str:
    """Let ``$usual`` be what is recorded for the labels of the alert."""
    if alert.usual is None:
        return ""
    # %q quotes as PromQL does, so no project's name can break out of the query.
    matchers = ",".join(f"{name}=%q" for name in alert.by)
    values = " ".join(f"$labels.{name}" for name in alert.by)
    query = f"printf `{alert.usual}{{{matchers}}}` {values} | query | first | value"
    return f"{{{{ $usual := {query} }}}}"
