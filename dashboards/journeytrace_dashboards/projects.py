"""Journeys: the projects beside each other, each against its own last week."""

from __future__ import annotations

from typing import Final

from grafana_foundation_sdk.builders import table
from grafana_foundation_sdk.models.dashboard import DynamicConfigValue

from journeytrace.conventions import (
    DECISIONS_TOTAL,
    EVENTS_TOTAL,
    SESSIONS_SETTLED_TOTAL,
    SESSIONS_STARTED_TOTAL,
    Decision,
    Impact,
    Status,
)
from journeytrace_dashboards import colours
from journeytrace_dashboards.common import frame, joined, link, rows, table_of
from journeytrace_dashboards.promql import a_week_ago, at_rest, named, ratio, risen, select
from journeytrace_dashboards.uids import SESSIONS_UID

__all__ = ["APPROVED", "BLOCKED", "COMPLETED", "STARTED", "growth", "projects", "shift"]

STARTED: Final = colours.bad_until(-0.5, -0.25)
"""How the growth of the number of sessions is judged: half of them gone is bad."""
COMPLETED: Final = colours.bad_until(-0.1, -0.05)
"""How a shift of the share that completes is judged, in points of a hundredth."""
APPROVED: Final = colours.bad_when_far(0.1, 0.05)
"""How a shift of the share that is approved is judged: more than usual is no less strange."""
BLOCKED: Final = colours.bad_from(0.1, watch=0.05)
"""How a shift of what blocks a session is judged."""

_COLUMNS: Final = {
    "project": "Project",
    "Value #A": "Sessions",
    "Value #B": "Sessions ±",
    "Value #C": "Completion",
    "Value #D": "Completion ±",
    "Value #E": "Approved",
    "Value #F": "Approved ±",
    "Value #G": "Blocked",
    "Value #H": "Blocked ±",
}
_JUDGED: Final = {
    "Sessions ±": STARTED,
    "Completion ±": COMPLETED,
    "Approved ±": APPROVED,
    "Blocked ±": BLOCKED,
}


def growth(expr: str) -> str:
    """Say by what share `expr` differs from last week."""
    return f"{ratio(expr, a_week_ago(expr))} - 1"


def shift(expr: str) -> str:
    """Say by how much the share `expr` differs from last week."""
    return f"({expr})\n- ({a_week_ago(expr)})"


def projects() -> table.Panel:
    """List the projects."""
    by = ("project",)
    started = risen(select(SESSIONS_STARTED_TOTAL), *by)
    completed = at_rest(risen, f'status="{Status.COMPLETED}"', by=by)
    completion = f"clamp_max({ratio(completed, risen(select(SESSIONS_SETTLED_TOTAL), *by))}, 1)"
    approved = risen(select(DECISIONS_TOTAL, f'decision="{Decision.APPROVED}"'), *by)
    approval = ratio(approved, risen(select(DECISIONS_TOTAL), *by))
    blocked = ratio(risen(select(EVENTS_TOTAL, f'impact="{Impact.BLOCKED}"'), *by), started)
    figures = [f"{started} > 0", growth(started)]
    for share in (completion, approval, blocked):
        figures += [share, shift(share)]
    panel = table_of({})
    for ref_id, expr in zip("ABCDEFGH", figures, strict=True):
        panel.with_target(rows(named(expr, "project", "(none)"), ref_id))
    joined(panel, "project", _COLUMNS, "-Sessions")
    panel.override_by_name("Sessions", [DynamicConfigValue("decimals", 0)])
    for heading in _COLUMNS.values():
        if heading not in {"Project", "Sessions"}:
            panel.override_by_name(heading, [DynamicConfigValue("unit", "percentunit")])
    for heading, scale in _JUDGED.items():
        cell = DynamicConfigValue("custom.cellOptions", {"type": "color-text"})
        panel.override_by_name(heading, [cell, *colours.judged(scale)])
    url = f"/d/{SESSIONS_UID}?var-project=${{__value.raw}}&${{__url_time_range}}"
    panel.override_by_name(
        "Project", [DynamicConfigValue("links", [link("Sessions of this project", url).build()])]
    )
    return frame(
        panel,
        "Projects",
        "Each project in the time range, and ± beside it how that differs from the same hours of"
        " last week: of sessions the share more or fewer, of the others the points of a hundredth."
        " Completion is of the sessions that came to rest, approved of all decisions; blocked are"
        " BLOCKED events by sessions started, and can exceed 100 %. Red: half of the sessions are"
        " missing, or a share moved by ten points the wrong way (approved: either way); yellow from"
        " half of that. Of few sessions the shares jump by chance: the alerts know, this does not."
        " (none) are sessions that named no project. A click lists the sessions; on other, projects"
        " beyond those that the collector tells apart, it lists those of every named one.",
        size=(24, 9),
        nothing="no sessions",
    )
