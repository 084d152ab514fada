"""Collector health: whether what the other dashboards show can be believed."""

from __future__ import annotations

from grafana_foundation_sdk.builders import stat, table, timeseries
from grafana_foundation_sdk.models.dashboard import DynamicConfigValue

from journeytrace import conventions as names
from journeytrace_dashboards import colours
from journeytrace_dashboards.common import (
    frame,
    judge,
    lines,
    number,
    over_time,
    rows,
    stacked,
    table_of,
    trend,
)
from journeytrace_dashboards.promql import held, per_hour, quantile, ratio, risen, select

__all__ = [
    "behind",
    "collectors",
    "commits",
    "duplicates",
    "erased",
    "events",
    "failures",
    "lost",
    "oldest",
    "outbox",
    "pages",
    "parked",
    "queued",
    "read",
    "records",
    "unread",
]

SMALL = (6, 4)
HALF = (12, 8)
THIRD = (8, 8)
NO_COLLECTOR = "no collector"


def collectors() -> table.Panel:
    """List the collectors that run."""
    panel = table_of({"instance": "Collector", "version": "Version", "Value": "Up"})
    panel.with_target(rows(f"sum by (instance, version) ({select(names.COLLECTOR_BUILD_INFO)})"))
    panel.override_by_name("Time", [DynamicConfigValue("custom.hidden", True)])
    return frame(
        panel,
        "Collectors",
        "Collectors that Prometheus reached at the end of the time range. One that is missing is"
        " down or cannot be reached, and the counts on the other dashboards then lack its share"
        " until it is back; what it had acknowledged is kept.",
        size=(6, 8),
        nothing=NO_COLLECTOR,
    )


def lost() -> stat.Panel:
    """Count what was turned away."""
    faulty = risen(select(names.COLLECTOR_RECORDS_TOTAL, 'outcome="rejected"'))
    refused = risen(select(names.COLLECTOR_EVENTS_TOTAL, 'outcome="refused"'))
    panel = number().with_target(trend(f"{faulty} + {refused}")).decimals(0)
    return frame(
        judge(panel, colours.bad_from(0.5, otherwise=colours.GOOD)),
        "Turned away",
        "Records in the time range that will never be in a journey: faulty ones, and events over"
        " the limits of their session. Any makes it red, for there is a sender to mend; the"
        " collector's answers tell it what is wrong.",
        size=SMALL,
        nothing=NO_COLLECTOR,
    )


def duplicates() -> stat.Panel:
    """Give the share of events that came twice."""
    known = risen(select(names.COLLECTOR_EVENTS_TOTAL, 'outcome="duplicate"'))
    expr = ratio(known, risen(select(names.COLLECTOR_EVENTS_TOTAL)))
    panel = number().with_target(trend(expr))
    return frame(
        judge(panel, colours.bad_from(0.5, watch=0.1)),
        "Came twice",
        "Share of events that were known already. They count once and do no harm; many mean that"
        " senders wait too short for answers, or that answers get lost: yellow from 10 %, red when"
        " every other event has been here before.",
        size=SMALL,
        unit="percentunit",
        nothing="no events",
    )


def parked() -> stat.Panel:
    """Count what waits for somebody."""
    rows_parked = select(names.COLLECTOR_OUTBOX_ROWS, 'state="parked"')
    panel = number().with_target(trend(held(rows_parked)))
    return frame(
        judge(panel, colours.bad_from(1, otherwise=colours.GOOD)),
        "Parked",
        "Deliveries that a receiver refused for good. They stay until somebody mends the receiver"
        " and runs `journeytrace outbox requeue`; `journeytrace outbox` says why each was refused.",
        size=SMALL,
        nothing="nothing to deliver to",
    )


def erased() -> stat.Panel:
    """Count what retention and requests took."""
    expr = risen(select(names.COLLECTOR_SESSIONS_ERASED_TOTAL))
    return frame(
        number().with_target(trend(expr)).decimals(0),
        "Erased",
        "Sessions erased in the time range because their retention had ended or somebody asked."
        " They are gone from Sessions and Session detail; what they had counted stays counted.",
        size=SMALL,
        nothing=NO_COLLECTOR,
    )


def events() -> timeseries.Panel:
    """Show the events that come."""
    expr = per_hour(select(names.COLLECTOR_EVENTS_TOTAL), "outcome")
    return frame(
        _by_outcome(expr),
        "Events received",
        "Events an hour by what became of them: accepted, duplicate (known already), refused"
        " (over the limits of their session) or forgotten (of a session that was erased).",
        size=HALF,
        unit="suffix: / h",
        nothing="no events",
    )


def records() -> timeseries.Panel:
    """Show what gave no event."""
    expr = per_hour(select(names.COLLECTOR_RECORDS_TOTAL), "outcome")
    return frame(
        _by_outcome(expr),
        "Records without an event",
        "Spans and log records an hour that gave no event: rejected because they are faulty, or"
        " ignored because they are no journey's, which is normal where a whole service's spans"
        " come through.",
        size=HALF,
        unit="suffix: / h",
        nothing="none",
    )


def pages() -> timeseries.Panel:
    """Show what became of what browsers sent."""
    expr = per_hour(select(names.COLLECTOR_PUBLIC_REQUESTS_TOTAL), "outcome")
    return frame(
        _by_outcome(expr),
        "Browsers",
        "Requests of browsers an hour by what became of them: accepted, partial (some of their"
        " events were not), expired (the page then fetches another token), or refused by what was"
        " amiss. Nothing where no public port is set up. The API tells events, not requests.",
        size=(24, 8),
        unit="suffix: / h",
        nothing="no browsers",
    )


def _by_outcome(expr: str) -> timeseries.Panel:
    panel = stacked().with_target(over_time(expr, "{{outcome}}"))
    for outcome, colour in colours.OUTCOME.items():
        panel.override_by_name(outcome, colours.fixed(colour))
    return panel


def commits() -> timeseries.Panel:
    """Show how long the store takes."""
    panel = lines()
    selected = select(names.COLLECTOR_COMMIT_SECONDS)
    for ref_id, rank in (("A", 0.5), ("B", 0.95)):
        expr = quantile(rank, selected, "instance")
        panel.with_target(over_time(expr, f"{{{{instance}}}} p{round(rank * 100)}", ref_id))
    return frame(
        panel,
        "Commit time",
        "Time the store takes for one transaction, estimated from buckets; senders wait for it."
        " p95 above a second means a slow or full disk, or a database under strain; senders are"
        " then told to come back.",
        size=HALF,
        unit="s",
        nothing="no transactions",
    )


def queued() -> timeseries.Panel:
    """Show what waits for the store."""
    expr = f"sum by (instance) ({select(names.COLLECTOR_QUEUED_BYTES)})"
    return frame(
        lines().with_target(over_time(expr, "{{instance}}")),
        "Waiting for the store",
        "Size of the requests that have come but are not stored yet, and so not acknowledged. It"
        " returns to zero; if it stays up, events come faster than the store takes them.",
        size=HALF,
        unit="bytes",
        nothing=NO_COLLECTOR,
    )


def behind() -> timeseries.Panel:
    """Show how far the reading of a log is behind."""
    expr = f"sum by (instance) ({select(names.COLLECTOR_KAFKA_LAG_SECONDS)})"
    return frame(
        lines().with_target(over_time(expr, "{{instance}}")),
        "Behind Kafka",
        "Age of the oldest message that may lie unread in any partition, whoever reads it; sessions"
        " settle as late, and nobody is dropped by it. A few seconds are normal. A line that rises"
        " like a clock means a partition that nobody reads. The API tells sessions, not messages.",
        size=THIRD,
        unit="s",
        nothing="no Kafka",
    )


def unread() -> timeseries.Panel:
    """Show who reads what of a log, and what lies before each."""
    messages = f"sum by (instance) ({select(names.COLLECTOR_KAFKA_LAG_MESSAGES)})"
    partitions = f"sum by (instance) ({select(names.COLLECTOR_KAFKA_PARTITIONS)})"
    moved = per_hour(select(names.COLLECTOR_KAFKA_REBALANCES_TOTAL), "instance")
    return frame(
        lines()
        .with_target(over_time(messages, "{{instance}} unread"))
        .with_target(over_time(partitions, "{{instance}} partitions", "B"))
        .with_target(over_time(moved, "{{instance}} rebalances / h", "C")),
        "Kafka by collector",
        "Messages that lie unread before each collector, the partitions that it reads, and how"
        " often an hour they were given or taken. Partitions move when collectors come and go; if"
        " they keep moving, collectors do not answer in time. The API tells no messages.",
        size=THIRD,
        nothing="no Kafka",
    )


def read() -> timeseries.Panel:
    """Show what became of messages."""
    expr = per_hour(select(names.COLLECTOR_KAFKA_MESSAGES_TOTAL), "outcome")
    return frame(
        _by_outcome(expr),
        "Kafka messages",
        "Messages an hour by what became of them. Read: stored; parked, which are no OTLP and wait"
        " in the outbox; dropped, for which there was no room any more; lost, which the brokers had"
        " deleted unread. Written: acknowledged, or failed, of which senders are told. The API"
        " tells sessions, not messages.",
        size=THIRD,
        unit="suffix: / h",
        nothing="no Kafka",
    )


def outbox() -> timeseries.Panel:
    """Show what waits to leave."""
    expr = held(select(names.COLLECTOR_OUTBOX_ROWS), "destination", "state")
    return frame(
        lines().with_target(over_time(expr, "{{destination}} {{state}}")),
        "Waiting to leave",
        "Deliveries that have not arrived, by destination: waiting for their turn, or parked until"
        " somebody requeues them. Waiting ones that only grow mean a receiver that is down.",
        size=HALF,
        nothing="nothing to deliver to",
    )


def oldest() -> timeseries.Panel:
    """Show how long deliveries wait."""
    expr = f"max by (destination) ({select(names.COLLECTOR_OUTBOX_AGE_SECONDS)})"
    return frame(
        lines().with_target(over_time(expr, "{{destination}}")),
        "Oldest delivery",
        "Age of what has waited longest for delivery; zero where nothing waits. A line that rises"
        " like a clock means that nothing arrives there any more.",
        size=HALF,
        unit="s",
        nothing="nothing to deliver to",
    )


def failures() -> timeseries.Panel:
    """Show deliveries that failed, and work of the collector's own."""
    expr = per_hour(select(names.COLLECTOR_EXPORT_FAILURES_TOTAL), "destination", "kind")
    own = per_hour(select(names.COLLECTOR_BACKGROUND_FAILURES_TOTAL), "task")
    return frame(
        stacked()
        .with_target(over_time(expr, "{{destination}} {{kind}}"))
        .with_target(over_time(own, "{{task}} failed", "B")),
        "Failed deliveries and chores",
        "Failures an hour: retryable ones are tried again and lose nothing; permanent ones are"
        " parked; expired ones had waited for too long and are erased; internal means that an"
        " exporter could not say what has to leave, which is a fault of ours. What the collector"
        " failed to do itself (settle, erase, deliver) it does again; its log says why it failed."
        " The API tells how deliveries stand, not how often they were tried.",
        size=(18, 8),
        unit="suffix: / h",
        nothing="none failed",
    )
