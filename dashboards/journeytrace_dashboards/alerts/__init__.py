"""Alerts as code: one definition, written for Prometheus and for Grafana."""

from journeytrace_dashboards.alerts.export import alert_files, alert_groups, export_alerts
from journeytrace_dashboards.alerts.model import Alert, Group, Recording
from journeytrace_dashboards.alerts.settings import Settings, SettingsError, load_settings

__all__ = [
    "Alert",
    "Group",
    "Recording",
    "Settings",
    "SettingsError",
    "alert_files",
    "alert_groups",
    "export_alerts",
    "load_settings",
]
