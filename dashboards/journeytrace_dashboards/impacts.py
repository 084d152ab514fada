"""Journeys: what stood in the users' way."""

from __future__ import annotations

from grafana_foundation_sdk.builders import stat, table, timeseries
from grafana_foundation_sdk.models.dashboard import DynamicConfigValue

from journeytrace.conventions import EVENTS_TOTAL, SESSIONS_STARTED_TOTAL, Impact
from journeytrace_dashboards import colours
from journeytrace_dashboards.common import (
    frame,
    joined,
    judge,
    link,
    number,
    over_time,
    rows,
    stacked,
    table_of,
    trend,
    with_last_week,
)
from journeytrace_dashboards.promql import per_hour, ratio, risen, select
from journeytrace_dashboards.uids import SESSIONS_UID

__all__ = ["blocking_checks", "impacts_over_time", "retries"]

_COLUMNS = {
    "event": "Check",
    "Value #A": "Blocked",
    "Value #B": "Of its runs",
}


def impacts_over_time() -> timeseries.Panel:
    """Show how often users were stopped or had to try again."""
    hindering = f'impact=~"{Impact.BLOCKED}|{Impact.RETAKE}"'
    expr = per_hour(select(EVENTS_TOTAL, hindering), "impact")
    panel = stacked().with_target(over_time(expr, "{{impact}}"))
    for impact in (Impact.BLOCKED, Impact.RETAKE):
        panel.override_by_name(impact.value, colours.fixed(colours.IMPACT[impact]))
    return frame(
        with_last_week(panel, per_hour(select(EVENTS_TOTAL, hindering))),
        "Impacts over time",
        "Events an hour that stopped a user (BLOCKED) or asked for another try (RETAKE), as it"
        " really happened: a check that passed is in neither. One session can have many. The"
        " dashed line is both together at the same hours of last week.",
        size=(18, 8),
        unit="suffix: / h",
        nothing="nobody was stopped",
    )


def retries() -> stat.Panel:
    """Give the mean number of retries of a session."""
    retakes = risen(select(EVENTS_TOTAL, f'impact="{Impact.RETAKE}"'))
    expr = ratio(retakes, risen(select(SESSIONS_STARTED_TOTAL)))
    panel = number().with_target(trend(expr)).decimals(2)
    return frame(
        judge(panel, colours.bad_from(2, watch=1)),
        "Retries a session",
        "RETAKE events in the time range by sessions started in it: yellow from one, red from two."
        " It is a mean: most sessions have none and a few have many. Sessions that began before the"
        " range bring their retries but are not counted.",
        size=(6, 8),
        nothing="no sessions",
    )


def blocking_checks() -> table.Panel:
    """List what blocks most."""
    blocked = risen(select(EVENTS_TOTAL, f'impact="{Impact.BLOCKED}"'), "event")
    runs = risen(select(EVENTS_TOTAL), "event")
    panel = (
        table_of({})
        .with_target(rows(f"topk(15, {blocked} > 0)", "A"))
        .with_target(rows(f"({blocked} > 0)\n/ on (event) {runs}", "B"))
    )
    joined(panel, "event", _COLUMNS, "-Blocked")
    url = (
        f"/d/{SESSIONS_UID}?var-event=${{__value.raw}}&var-impact={Impact.BLOCKED}"
        "&${project:queryparam}&${__url_time_range}"
    )
    panel.override_by_name(
        "Check", [DynamicConfigValue("links", [link("Sessions that it blocked", url).build()])]
    )
    panel.override_by_name("Blocked", [DynamicConfigValue("decimals", 0)])
    panel.override_by_name("Of its runs", [DynamicConfigValue("unit", "percentunit")])
    return frame(
        panel,
        "Checks that block most",
        "Events that stopped users in the time range, most frequent first, and the share of the"
        " event's own runs that did. A high share of few runs is a broken check or one abuser; a"
        " low share of many is policy at work. A click lists the sessions that it blocked. other"
        " are events outside the catalogue: a click on it lists all whom any event blocked.",
        size=(12, 9),
        nothing="nobody was blocked",
    )
