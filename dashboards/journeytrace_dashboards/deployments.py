"""Marks of deployments, over every panel with a time axis."""

from __future__ import annotations

from grafana_foundation_sdk.builders.dashboard import AnnotationQuery

from journeytrace.conventions import SERVICE_FIRST_SEEN_TIMESTAMP_SECONDS
from journeytrace_dashboards import colours
from journeytrace_dashboards.sources import PROMETHEUS

__all__ = ["deployments"]


def deployments() -> AnnotationQuery:
    """Mark when the first event of a new version of a service came."""
    first_seen = SERVICE_FIRST_SEEN_TIMESTAMP_SECONDS.name
    return (
        AnnotationQuery()
        .name("Deployments")
        .datasource(PROMETHEUS)
        .enable(True)
        .icon_color(colours.DEPLOYMENT)
        # Each collector of a shared database tells of all; the value, in ms, is where the mark is.
        .expr(f"min by (service, version) ({first_seen}) * 1000")
        .step("60s")
        .use_value_for_time(True)
        .title_format("{{service}} {{version}}")
        .text_format("first event of this version")
        .tag_keys("service,version")
    )
