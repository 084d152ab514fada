"""Rules that sessions are held against: who violates one, by project and rule."""

from __future__ import annotations

from journeytrace import conventions as names
from journeytrace_dashboards.alerts.compare import LAST_WEEK_COUNT, with_last_week
from journeytrace_dashboards.alerts.model import Alert, Group, Recording, span
from journeytrace_dashboards.alerts.promql import label, rise
from journeytrace_dashboards.alerts.settings import Settings
from journeytrace_dashboards.alerts.texts import list_of, project_of
from journeytrace_dashboards.uids import JOURNEYS_UID

__all__ = ["conformance"]


def conformance(settings: Settings) -> Group:
    """Give the alert for each rule."""
    window, series = settings.windows[0], "journey:violations"
    by, seconds = ("project", "rule"), "journey:violations:seconds"
    alert = Alert(
        name="JourneyRuleViolated",
        topic="conformance",
        severity="warning",
        # Prometheus extrapolates: of one session it makes a little more or less than one.
        expr=f"{series} > {settings.violations + 0.5:g}",
        by=by,
        summary=f"{label('project', 'no project')}: about"
        f' {{{{ printf "%.0f" $value }}}} sessions in {span(window)} violated the rule'
        f" {label('rule', 'without a name')}, {LAST_WEEK_COUNT}",
        description="They came to rest, and a rule of what may be decided, in which order and by"
        " whom does not hold. Each session is counted once for a rule, whatever became of it"
        " since; the list shows those that violate it as they are now.",
        dashboard=f"{JOURNEYS_UID}?{project_of('$__all')}&from=now-6h&to=now",
        sessions=list_of({"rule": "$rule"}),
        # What is wrong with one session does not get better by waiting.
        hold=settings.hold * 0,
        keep=settings.keep,
        last=f"{series}:last_week",
        seconds=seconds,
        # Who comes to rest now began before, and who is reviewed a day later long before.
        lead=settings.windows[-1],
    )
    length = Recording(seconds, f"{series} * 0 + {window.total_seconds():g}")
    found = rise(names.CONFORMANCE_VIOLATIONS_TOTAL, window, by)
    return Group("JourneyConformance", (*with_last_week(series, found), length, alert))
