"""Dashboards and alerts as code. Empty until there are metrics to show."""
