"""The collector itself: whether it is there, takes what comes, and passes on what it should."""

from __future__ import annotations

from typing import Final

from journeytrace import conventions as names
from journeytrace_dashboards.alerts.compare import (
    LAST_WEEK_BYTES,
    LAST_WEEK_DURATION,
    with_last_week,
)
from journeytrace_dashboards.alerts.model import Alert, Group, Rule, span
from journeytrace_dashboards.alerts.promql import label, variable
from journeytrace_dashboards.alerts.settings import Settings
from journeytrace_dashboards.uids import HEALTH_UID

__all__ = ["health"]

_TIMES: Final = "from=now-3h&to=now"
_DASHBOARD: Final = f"{HEALTH_UID}?{_TIMES}"


def health(settings: Settings) -> Group:
    """Give the alerts that are about no project in particular."""
    alerts = (_down(settings), _stalled(settings), _parked(settings), _behind(settings))
    return Group("JourneyCollector", (*alerts, *_slow(settings), *_queued(settings)))


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


def _behind(settings: Settings) -> Alert:
    # All collectors on one store tell the same, also those that read no log themselves.
    behind = f"max({names.COLLECTOR_KAFKA_LAG_SECONDS.name})"
    return Alert(
        name="JourneyKafkaBehind",
        topic="kafka",
        severity="warning",
        expr=f"{behind} > {settings.kafka_lag.total_seconds():g}",
        by=(),
        summary="What was written to Kafka {{ $value | humanizeDuration }} ago may not be read yet",
        description="Nothing is lost while the topic keeps it, and nobody is dropped by it; but"
        " no session settles that was idle since, and lists and alerts are as late.",
        dashboard=_DASHBOARD,
        hold=settings.kafka_lag,
    )


def _slow(settings: Settings) -> tuple[Rule, ...]:
    window = span(settings.windows[0])
    buckets = f"{names.COLLECTOR_COMMIT_SECONDS.name}_bucket[{window}]"
    series = "journey:commit_seconds"
    expr = f"histogram_quantile(0.99, sum by (instance, le) (rate({buckets})))"
    alert = Alert(
        name="JourneyCommitSlow",
        topic="store",
        severity="warning",
        expr=f"{series} > {settings.commit_time.total_seconds():g}",
        by=("instance",),
        summary=f"{label('instance', 'A collector')}: one transaction in a hundred takes"
        f" {{{{ $value | humanizeDuration }}}} or longer in {window}, {LAST_WEEK_DURATION}",
        description="The store is slow: its disk, its database, or the way there. Senders wait"
        " longer, and beyond the queue's limit they are told to come back.",
        dashboard=f"{HEALTH_UID}?{variable('instance')}&{_TIMES}",
        hold=settings.hold,
        keep=settings.keep,
        last=f"{series}:last_week",
    )
    return (*with_last_week(series, expr), alert)


def _queued(settings: Settings) -> tuple[Rule, ...]:
    series = "journey:queued_bytes"
    alert = Alert(
        name="JourneyQueueFull",
        topic="store",
        severity="critical",
        expr=f"{series} > {settings.queued_bytes}",
        by=("instance",),
        summary=f"{label('instance', 'A collector')}: {{{{ $value | humanize1024 }}}}B wait for the"
        f" store, {LAST_WEEK_BYTES}",
        description="More comes in than the store takes. Beyond `max_queued_bytes` senders are told"
        " to come back, and an SDK gives up after about ten seconds: events are lost there.",
        dashboard=f"{HEALTH_UID}?{variable('instance')}&{_TIMES}",
        hold=settings.down,
        keep=settings.keep,
        last=f"{series}:last_week",
    )
    # Of some minutes, for it goes up and down with every transaction.
    mean = f"avg_over_time({names.COLLECTOR_QUEUED_BYTES.name}[{span(settings.down)}])"
    return (*with_last_week(series, f"max by (instance) ({mean})"), alert)
