"""Journeys: what was decided, and why."""

from __future__ import annotations

from grafana_foundation_sdk.builders import bargauge, timeseries

from journeytrace.conventions import CONFORMANCE_VIOLATIONS_TOTAL, DECISIONS_TOTAL, Decision
from journeytrace_dashboards import colours
from journeytrace_dashboards.common import (
    bars,
    frame,
    link,
    now,
    over_time,
    stacked,
    with_last_week,
)
from journeytrace_dashboards.promql import named, per_hour, risen, select
from journeytrace_dashboards.uids import SESSIONS_UID

__all__ = ["over_time_by_decision", "pending_reasons", "rejected_reasons", "violations"]


def over_time_by_decision() -> timeseries.Panel:
    """Show the decisions as they were made."""
    expr = per_hour(select(DECISIONS_TOTAL), "decision")
    panel = stacked().with_target(over_time(expr, "{{decision}}"))
    for decision, colour in colours.DECISION.items():
        panel.override_by_name(decision, colours.fixed(colour))
    return frame(
        with_last_week(panel, per_hour(select(DECISIONS_TOTAL))),
        "Decisions over time",
        "Decisions an hour. Only the server decides: a final page or a completed session is none."
        " PENDING waits for a person, whose verdict at the desk is counted apart, in"
        " journey_verdicts_total. The dashed line is all of them at the same hours of last week.",
        size=(24, 8),
        unit="suffix: / h",
        nothing="no decisions",
    )


def rejected_reasons() -> bargauge.Panel:
    """Show why users were rejected."""
    return _reasons(
        Decision.REJECTED,
        "Reasons of REJECTED",
        "Rejections in the time range by the reason the server gave, most frequent first. A click"
        " lists the sessions. (none): no reason was given; other: one outside the catalogue, and a"
        " click on it lists all who were rejected for any reason."
        " AGE_VERIFICATION, REGIONAL_VALIDATION and ADDRESS_COLLECTION are names of checks as well:"
        " here they are reasons.",
        "nobody was rejected",
    )


def pending_reasons() -> bargauge.Panel:
    """Show why users wait."""
    return _reasons(
        Decision.PENDING,
        "Reasons of PENDING",
        "Decisions to wait for a person, by reason, most frequent first. A click lists the"
        " sessions; on other, which are reasons outside the catalogue, all who wait for any."
        " CUSTOM_POLICY stands on both lists: as a reason to reject and as one to wait.",
        "nobody was put on hold",
    )


def violations() -> bargauge.Panel:
    """Show which rules sessions violated."""
    counted = risen(select(CONFORMANCE_VIOLATIONS_TOTAL), "rule")
    panel = bars().with_target(now(f"sort_desc({counted} > 0)", "{{rule}}")).decimals(0)
    panel.color_scheme(colours.paint(colours.DECISION[Decision.REJECTED]))
    url = (
        f"/d/{SESSIONS_UID}?var-rule=${{__field.labels.rule}}"
        "&${project:queryparam}&${__url_time_range}"
    )
    panel.data_links([link("Sessions that violate it now", url)])
    return frame(
        panel,
        "Rules violated",
        "Sessions that violated a rule for the first time in the time range, by rule, most frequent"
        " first: each session and rule counts once, ever. The API, and a click, tell those that"
        " violate it as they are now; of these the list has who was created in the time range.",
        size=(24, 6),
        nothing="every session kept the rules",
    )


def _reasons(decision: Decision, title: str, description: str, nothing: str) -> bargauge.Panel:
    counted = risen(select(DECISIONS_TOTAL, f'decision="{decision}"'), "reason")
    expr = f"sort_desc({named(f'{counted} > 0', 'reason', '(none)')})"
    panel = bars().with_target(now(expr, "{{reason}}")).decimals(0)
    panel.color_scheme(colours.paint(colours.DECISION[decision]))
    url = (
        f"/d/{SESSIONS_UID}?var-decision={decision}&var-reason=${{__field.labels.reason}}"
        "&${project:queryparam}&${__url_time_range}"
    )
    panel.data_links([link("Sessions with this reason", url)])
    return frame(panel, title, description, size=(12, 9), nothing=nothing)
