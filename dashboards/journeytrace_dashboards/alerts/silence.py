"""No sessions at all, where there used to be some at this time of day and week."""

from __future__ import annotations

from datetime import timedelta

from journeytrace import conventions as names
from journeytrace_dashboards.alerts.model import Alert, Group, Settings, span
from journeytrace_dashboards.alerts.promql import at_least, label, rise, variable
from journeytrace_dashboards.uids import JOURNEYS_UID

__all__ = ["silence"]


def silence(settings: Settings) -> Group:
    """Give the one alert. Its value is how many sessions there were the season before."""
    window = span(settings.window)
    nearest = span(settings.seasons[0])
    before = "\n  and\n".join(_before(season, settings) for season in settings.seasons)
    now = rise(names.SESSIONS_STARTED_TOTAL, settings.window, ("project",))
    # With no collector to count, silence says nothing; that has an alert of its own.
    running = f"count({names.COLLECTOR_BUILD_INFO.name})"
    alert = Alert(
        name="JourneyNoSessions",
        topic="silence",
        severity="critical",
        expr=f"(\n{before}\n)\n  unless\n({now} > 0)\n  and on ()\n{running}",
        by=("project",),
        summary=f"{label('project', 'no project')}: no session has started in {window}; {nearest}"
        ' ago it was {{ printf "%.0f" $value }} in the same time',
        description="Either nobody can reach the form, or its services no longer send. On a public"
        " holiday it may be neither.",
        dashboard=f"{JOURNEYS_UID}?{variable('project')}&from=now-24h&to=now",
        hold=settings.hold,
    )
    return Group(alert.name, (alert,))


def _before(season: timedelta, settings: Settings) -> str:
    started = rise(names.SESSIONS_STARTED_TOTAL, settings.window, ("project",), ago=season)
    return at_least(settings.volume, started)
