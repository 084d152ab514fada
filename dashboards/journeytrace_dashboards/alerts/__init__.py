"""Alerts as code: one definition, written for Prometheus and for Grafana."""

from journeytrace_dashboards.alerts.export import alert_files, alert_groups, export_alerts
from journeytrace_dashboards.alerts.model import Alert, Group, Recording, Settings

__all__ = [
    "Alert",
    "Group",
    "Recording",
    "Settings",
    "alert_files",
    "alert_groups",
    "export_alerts",
]
