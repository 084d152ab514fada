"""Journeys: how many there are, and how they end."""

from __future__ import annotations

from collections.abc import Sequence

from grafana_foundation_sdk.builders import stat, timeseries
from grafana_foundation_sdk.models.common import BigValueColorMode, BigValueGraphMode

from journeytrace.conventions import (
    DECISIONS_TOTAL,
    SESSION_REVISIONS_TOTAL,
    SESSIONS_OPEN,
    SESSIONS_SETTLED_TOTAL,
    SESSIONS_STARTED_TOTAL,
    Status,
)
from journeytrace_dashboards import colours
from journeytrace_dashboards.common import (
    frame,
    lines,
    now,
    number,
    over_time,
    ref_id,
    stacked,
)
from journeytrace_dashboards.promql import equal, held, named, per_hour, ratio, risen, select

__all__ = [
    "completion",
    "decided",
    "endings",
    "open_by_stage",
    "open_now",
    "revisions",
    "started",
    "started_over_time",
]

NO_SESSIONS = "no sessions"
SMALL = (6, 4)
HALF = (12, 8)


def started() -> stat.Panel:
    """Count the sessions that began."""
    return frame(
        number().with_target(now(risen(select(SESSIONS_STARTED_TOTAL)))).decimals(0),
        "Sessions started",
        "Sessions of which the first event came in the time range. One session is one run of one"
        " user through the form; a user who comes back later counts again.",
        size=SMALL,
        nothing=NO_SESSIONS,
    )


def completion() -> stat.Panel:
    """Give the share of sessions that reached the end."""
    settled = select(SESSIONS_SETTLED_TOTAL)
    completed = select(SESSIONS_SETTLED_TOTAL, f'status="{Status.COMPLETED}"')
    return frame(
        number().with_target(now(ratio(risen(completed), risen(settled)))).min(0).max(1),
        "Completion",
        "Of the sessions that came to rest in the time range, the share whose user saw the final"
        " page. Completed is not approved: the user may have been rejected, or may be waiting."
        " Sessions still open are not in it.",
        size=SMALL,
        unit="percentunit",
        nothing="none came to rest",
    )


def decided() -> stat.Panel:
    """Give the share of decisions that approve."""
    all_decisions = select(DECISIONS_TOTAL)
    approved = select(DECISIONS_TOTAL, 'decision="APPROVED"')
    return frame(
        number().with_target(now(ratio(risen(approved), risen(all_decisions)))).min(0).max(1),
        "Approved, of all decisions",
        "Of the decisions made in the time range, the share that approved. A session whose decision"
        " changed counts once for each, and one without a decision not at all: this is not the"
        " share of users who got through.",
        size=SMALL,
        unit="percentunit",
        nothing="no decisions",
    )


def open_now() -> stat.Panel:
    """Count the sessions in progress."""
    panel = number().with_target(now(held(select(SESSIONS_OPEN))))
    panel.graph_mode(BigValueGraphMode.NONE).color_mode(BigValueColorMode.NONE)
    return frame(
        panel,
        "Open at the end of the range",
        "Sessions in progress: neither finished nor on an error page, and not idle for so long that"
        " they count as dropped (20 minutes, unless configured otherwise).",
        size=SMALL,
        nothing="no collector",
    )


def started_over_time() -> timeseries.Panel:
    """Show when sessions begin."""
    expr = named(per_hour(select(SESSIONS_STARTED_TOTAL), "project"), "project", "(none)")
    return frame(
        stacked().with_target(over_time(expr, "{{project}}")),
        "Sessions started over time",
        "Sessions an hour, by project. A hole means that no session began or that nothing was"
        " scraped: Collector health tells which. (none) are sessions that named no project.",
        size=HALF,
        unit="suffix: / h",
        nothing=NO_SESSIONS,
    )


def endings() -> timeseries.Panel:
    """Show how sessions came to rest over time."""
    expr = per_hour(select(SESSIONS_SETTLED_TOTAL), "status")
    panel = stacked().with_target(over_time(expr, "{{status}}"))
    for status, colour in colours.STATUS.items():
        panel.override_by_name(status, colours.fixed(colour))
    return frame(
        panel,
        "How sessions ended",
        "Sessions that came to rest, an hour, by status. A session that drops off does so when its"
        " idle time is over, so a bar stands about 20 minutes right of what caused it. COMPLETED"
        " says that the user reached the end, not that anything was approved.",
        size=HALF,
        unit="suffix: / h",
        nothing="none came to rest",
    )


def open_by_stage(stages: Sequence[str]) -> timeseries.Panel:
    """Show where the sessions in progress are."""
    panel = lines().fill_opacity(10)
    # A query each, or they would stand in the order of the alphabet.
    for place, stage in enumerate(("", *stages)):
        count = held(select(SESSIONS_OPEN, equal("stage", stage)))
        panel.with_target(over_time(count, stage or "before any stage", ref_id(place)))
    for stage, colour in colours.ordered(stages).items():
        panel.override_by_name(stage, colours.fixed(colour))
    return frame(
        panel,
        "Open sessions by stage",
        "Sessions in progress at each moment, by the highest stage they have reached. A stage that"
        " fills up while the next one does not is where users hang."
        " Before any stage: sessions that have reached no ordered one yet.",
        size=HALF,
        nothing="no collector",
    )


def revisions() -> timeseries.Panel:
    """Show sessions that went on after they had settled."""
    expr = per_hour(select(SESSION_REVISIONS_TOTAL), "from", "to") + " > 0"
    return frame(
        stacked().with_target(over_time(expr, "{{from}} → {{to}}")),
        "Sessions that changed after they had ended",
        "Sessions an hour that came to rest, went on and came to rest again, by both statuses. The"
        " panels above count each at its first rest only; DROPPED → COMPLETED are users who came"
        " back late, or devices that sent late.",
        size=HALF,
        unit="suffix: / h",
        nothing="none changed",
    )
