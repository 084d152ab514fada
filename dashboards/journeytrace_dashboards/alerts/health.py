"""The collector itself: whether it is there, takes what comes, and passes on what it should."""

from __future__ import annotations

from typing import Final

from journeytrace import conventions as names
from journeytrace_dashboards.alerts.model import Alert, Group, Settings, span
from journeytrace_dashboards.alerts.promql import at_least, label, rise, variable
from journeytrace_dashboards.uids import HEALTH_UID

__all__ = ["health"]

_TIMES: Final = "from=now-3h&to=now"
_DASHBOARD: Final = f"{HEALTH_UID}?{_TIMES}"


def health(settings: Settings) -> Group:
    """Give the alerts that are about no project in particular."""
    alerts = (_down(settings), _stalled(settings), _parked(settings), _rejecting(settings))
    return Group("JourneyCollector", alerts)


def _down(settings: Settings) -> Alert:
    up = f'up{{job="{settings.job}"}}'
    return Alert(
        name="JourneyCollectorDown",
        topic="collector",
        severity="critical",
        expr=f"{up} == 0\n  or\nabsent({up})",
        by=("instance",),
        summary=f"The collector {label('instance', 'of every address')} has not answered for"
        f" {span(settings.down)}",
        description="Senders keep what they could not send for seconds only. What was acknowledged"
        " is safe.",
        dashboard=f"{HEALTH_UID}?{variable('instance')}&{_TIMES}",
        hold=settings.down,
    )


def _stalled(settings: Settings) -> Alert:
    # Collectors that share one database all report the same rows, so they are not summed.
    age = f"max by (destination) ({names.COLLECTOR_OUTBOX_AGE_SECONDS.name})"
    return Alert(
        name="JourneyExportStalled",
        topic="export",
        severity="warning",
        expr=f"{age} > {settings.outbox_age.total_seconds():g}",
        by=("destination",),
        summary=f"Something has waited for {{{{ $value | humanizeDuration }}}} to be delivered to"
        f" {label('destination', 'its destination')}",
        description="Nothing is lost while it waits, but traces and notifications are late.",
        dashboard=_DASHBOARD,
        hold=settings.outbox_age,
    )


def _parked(settings: Settings) -> Alert:
    rows = f'{names.COLLECTOR_OUTBOX_ROWS.name}{{state="parked"}}'
    return Alert(
        name="JourneyExportParked",
        topic="export-parked",
        severity="warning",
        expr=f"max by (destination) ({rows}) > 0",
        by=("destination",),
        summary=f"{{{{ $value }}}} deliveries to {label('destination', 'its destination')} were"
        " refused for good and are parked",
        description="They stay until somebody requeues them: `journeytrace outbox` lists them.",
        dashboard=_DASHBOARD,
        hold=settings.down,
    )


def _rejecting(settings: Settings) -> Alert:
    window = settings.window
    faulty = rise(names.COLLECTOR_RECORDS_TOTAL, window, where='outcome="rejected"')
    refused = rise(names.COLLECTOR_EVENTS_TOTAL, window, where='outcome="refused"')
    events = rise(names.COLLECTOR_EVENTS_TOTAL, window)
    everything = at_least(settings.volume, f"({faulty} + {events})")
    return Alert(
        name="JourneyIngestRejecting",
        topic="ingest",
        severity="warning",
        expr=f"({faulty} + {refused})\n  /\n{everything}\n  > {settings.rejected_share:g}",
        by=(),
        summary=f"{{{{ $value | humanizePercentage }}}} of the events that came in {span(window)}"
        " were rejected",
        description="Senders are told which field is at fault, but they do not send it again:"
        " these events are lost until the sender is mended.",
        dashboard=_DASHBOARD,
        hold=settings.hold,
        keep=settings.keep,
    )
