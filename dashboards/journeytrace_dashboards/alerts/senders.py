"""Those who send: what of theirs is of no use, who is not let in, whose clock is off."""

from __future__ import annotations

from typing import Final

from journeytrace import conventions as names
from journeytrace_dashboards.alerts.compare import (
    LAST_WEEK_COUNT,
    LAST_WEEK_PERCENT,
    with_last_week,
)
from journeytrace_dashboards.alerts.model import Alert, Group, Recording, Rule, span
from journeytrace_dashboards.alerts.promql import at_least, label, rise
from journeytrace_dashboards.alerts.settings import Settings
from journeytrace_dashboards.alerts.texts import list_of, project_of
from journeytrace_dashboards.uids import HEALTH_UID, JOURNEYS_UID

__all__ = ["senders"]

_DASHBOARD: Final = f"{HEALTH_UID}?from=now-3h&to=now"


def senders(settings: Settings) -> Group:
    """Give the alerts that somebody who sends has to mend."""
    refused = (*_refused(settings), *_forbidden(settings), *_pages(settings))
    return Group("JourneySenders", (*_rejecting(settings), *refused, *_clock(settings)))


def _rejecting(settings: Settings) -> tuple[Rule, ...]:
    window, series = settings.windows[0], "journey:useless"
    faulty = rise(names.COLLECTOR_RECORDS_TOTAL, window, where='outcome="rejected"')
    refused = rise(names.COLLECTOR_EVENTS_TOTAL, window, where='outcome="refused"')
    events = rise(names.COLLECTOR_EVENTS_TOTAL, window)
    everything = at_least(settings.volume, f"({faulty} + {events})")
    alert = Alert(
        name="JourneyIngestRejecting",
        topic="ingest",
        severity="warning",
        expr=f"{series} > {settings.rejected_share:g}",
        by=(),
        summary=f"{{{{ $value | humanizePercentage }}}} of the events that came in {span(window)}"
        f" were rejected, {LAST_WEEK_PERCENT}",
        description="Senders are told which field is at fault, but they do not send it again:"
        " these events are lost until the sender is mended.",
        dashboard=_DASHBOARD,
        hold=settings.hold,
        keep=settings.keep,
        last=f"{series}:last_week",
    )
    share = f"({faulty} + {refused})\n  /\n{everything}"
    return (*with_last_week(series, share), alert)


def _refused(settings: Settings) -> tuple[Rule, ...]:
    window, series = settings.windows[0], "journey:refused_requests"
    alert = Alert(
        name="JourneySendersRefused",
        topic="access",
        severity="warning",
        expr=f"{series} > {settings.refused_requests}",
        by=("reason",),
        summary=f'{{{{ printf "%.0f" $value }}}} requests in {span(window)} were refused as'
        f" {label('reason', 'not allowed')}, {LAST_WEEK_COUNT}",
        description="Somebody sends without a token or with a wrong one, from a foreign web page"
        " or to a host of another name. If it is a service of ours, its events are lost; if it is"
        " not, somebody is trying doors.",
        dashboard=_DASHBOARD,
        hold=settings.hold,
        keep=settings.keep,
        last=f"{series}:last_week",
    )
    refused = rise(names.COLLECTOR_REQUESTS_REFUSED_TOTAL, window, ("reason",))
    return (*with_last_week(series, refused), alert)


def _forbidden(settings: Settings) -> tuple[Rule, ...]:
    window, series = settings.windows[0], "journey:forbidden_records"
    alert = Alert(
        name="JourneySenderForbidden",
        topic="access",
        severity="warning",
        expr=f"{series} > {settings.refused_requests}",
        by=("sender",),
        summary=f'{{{{ printf "%.0f" $value }}}} records of {label("sender", "an unnamed sender")}'
        f" in {span(window)} were none that it may send, {LAST_WEEK_COUNT}",
        description="Its token does not give it the right to that source or project. If its"
        " settings are right, it is somebody else who has the token.",
        dashboard=_DASHBOARD,
        hold=settings.hold,
        keep=settings.keep,
        last=f"{series}:last_week",
    )
    records = rise(names.COLLECTOR_RECORDS_FORBIDDEN_TOTAL, window, ("sender",))
    return (*with_last_week(series, records), alert)


def _pages(settings: Settings) -> tuple[Rule, ...]:
    window, series, by = settings.windows[0], "journey:refused_pages", ("outcome",)
    # Tokens end every half hour, and pages fetch others: that is how it should be.
    where = 'outcome!~"accepted|expired"'
    refused = rise(names.COLLECTOR_PUBLIC_REQUESTS_TOTAL, window, by, where)
    everything = at_least(settings.volume, rise(names.COLLECTOR_PUBLIC_REQUESTS_TOTAL, window))
    alert = Alert(
        name="JourneyBrowsersRefused",
        topic="browsers",
        severity="warning",
        expr=f"{series} > {settings.refused_pages:g}",
        by=by,
        summary="{{ $value | humanizePercentage }} of the requests of browsers in"
        f" {span(window)} ended as {label('outcome', 'refused')}, {LAST_WEEK_PERCENT}",
        description="A form sends what is not taken, so its journeys lack what happened on the"
        " screen; or somebody tries what the public port takes.",
        dashboard=_DASHBOARD,
        hold=settings.hold,
        keep=settings.keep,
        last=f"{series}:last_week",
    )
    share = f"{refused}\n  / on () group_left ()\n{everything}"
    return (*with_last_week(series, share), alert)


def _clock(settings: Settings) -> tuple[Rule, ...]:
    window, series, by = settings.windows[0], "journey:corrected_share", ("project",)
    corrected = rise(names.COLLECTOR_TIME_CORRECTED_TOTAL, window, by)
    events = at_least(settings.volume, rise(names.EVENTS_TOTAL, window, by))
    seconds = f"{series}:seconds"
    alert = Alert(
        name="JourneySenderClock",
        topic="clock",
        severity="warning",
        expr=f"{series} > {settings.corrected_share:g}",
        by=by,
        summary=f"{label('project', 'no project')}: {{{{ $value | humanizePercentage }}}} of the"
        f" events that came in {span(window)} told a time that cannot be, {LAST_WEEK_PERCENT}",
        description="A sender's clock stands more than ten minutes ahead or a year behind. Its"
        " events count from their arrival; in each of them journey.time.sent is what it told.",
        dashboard=f"{JOURNEYS_UID}?{project_of('$__all')}&from=now-3h&to=now",
        sessions=list_of({"corrected": "yes"}),
        hold=settings.hold,
        keep=settings.keep,
        last=f"{series}:last_week",
        seconds=seconds,
        lead=settings.idle_timeout,
    )
    length = Recording(seconds, f"{series} * 0 + {window.total_seconds():g}")
    return (*with_last_week(series, f"{corrected}\n  /\n{events}"), length, alert)
