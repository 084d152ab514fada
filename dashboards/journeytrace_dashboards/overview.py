"""Journeys: how many there are, and how they end."""

from __future__ import annotations

from collections.abc import Sequence

from grafana_foundation_sdk.builders import stat, timeseries
from grafana_foundation_sdk.models.dashboard import DynamicConfigValue

from journeytrace.conventions import (
    BEACON_LOSS_RATIO,
    DECISIONS_TOTAL,
    SESSION_REVISIONS_TOTAL,
    SESSIONS_OPEN,
    SESSIONS_SETTLED_TOTAL,
    SESSIONS_STARTED_TOTAL,
    Status,
)
from journeytrace_dashboards import colours
from journeytrace_dashboards.common import (
    LAST_WEEK,
    frame,
    lines,
    number,
    over_time,
    ref_id,
    stacked,
    trend,
    with_last_week,
)
from journeytrace_dashboards.projects import APPROVED, COMPLETED, STARTED, growth, shift
from journeytrace_dashboards.promql import (
    at_rest,
    equal,
    held,
    named,
    per_hour,
    ratio,
    risen,
    select,
)

__all__ = [
    "completion",
    "decided",
    "endings",
    "lost_beacons",
    "open_by_stage",
    "open_now",
    "revisions",
    "started",
    "started_over_time",
]

NO_SESSIONS = "no sessions"
SMALL = (6, 4)
NOW = "in this range"
AGAINST = f"against {LAST_WEEK}"
_LINE = " The line behind a figure is what it was at each moment."
HALF = (12, 8)


def started() -> stat.Panel:
    """Count the sessions that began."""
    count = risen(select(SESSIONS_STARTED_TOTAL))
    panel = _compared(count, growth(count), STARTED)
    panel.override_by_name(NOW, [DynamicConfigValue("decimals", 0)])
    return frame(
        panel,
        "Sessions started",
        "Sessions of which the first event came in the time range, and how many more or fewer that"
        " is than in the same hours of last week: yellow from a quarter fewer, red from half. One"
        " session is one run of one user through the form; a user who comes back later counts"
        " again." + _LINE,
        size=SMALL,
        nothing=NO_SESSIONS,
    )


def completion() -> stat.Panel:
    """Give the share of sessions that reached the end."""
    completed = at_rest(risen, f'status="{Status.COMPLETED}"')
    share = f"clamp_max({ratio(completed, risen(select(SESSIONS_SETTLED_TOTAL)))}, 1)"
    return frame(
        _compared(share, shift(share), COMPLETED),
        "Completion",
        "Of the sessions that came to rest in the time range, the share whose user saw the final"
        " page, also if that came after the session had counted as dropped. Beside it the points"
        " of a hundredth above or below the same hours of last week: yellow from five fewer, red"
        " from ten. Completed is not approved: the user may have been rejected, or may be waiting."
        " Sessions still open are not in it." + _LINE,
        size=SMALL,
        unit="percentunit",
        nothing="none came to rest",
    )


def decided() -> stat.Panel:
    """Give the share of decisions that approve."""
    all_decisions = select(DECISIONS_TOTAL)
    approved = select(DECISIONS_TOTAL, 'decision="APPROVED"')
    share = ratio(risen(approved), risen(all_decisions))
    return frame(
        _compared(share, shift(share), APPROVED),
        "Approved, of all decisions",
        "Of the decisions made in the time range, the share that approved, and the points of a"
        " hundredth above or below the same hours of last week: yellow from five either way, red"
        " from ten. A session whose decision changed counts once for each, and one without a"
        " decision not at all: this is not the share of users who got through." + _LINE,
        size=SMALL,
        unit="percentunit",
        nothing="no decisions",
    )


def _compared(expr: str, difference: str, scale: colours.Scale) -> stat.Panel:
    """Show a figure, and beside it how it differs from last week: only that is judged."""
    panel = number().with_target(trend(expr, NOW))
    panel.with_target(trend(difference, AGAINST, "B"))
    share = [DynamicConfigValue("unit", "percentunit"), DynamicConfigValue("decimals", 0)]
    return panel.override_by_name(AGAINST, [*share, *colours.judged(scale)])


def open_now() -> stat.Panel:
    """Count the sessions in progress."""
    return frame(
        number().with_target(trend(held(select(SESSIONS_OPEN)))),
        "Open at the end of the range",
        "Sessions in progress: neither finished nor on an error page, and not idle for so long that"
        " they count as dropped (20 minutes, unless configured otherwise).",
        size=SMALL,
        nothing="no collector",
    )


def started_over_time() -> timeseries.Panel:
    """Show when sessions begin."""
    expr = named(per_hour(select(SESSIONS_STARTED_TOTAL), "project"), "project", "(none)")
    panel = stacked().with_target(over_time(expr, "{{project}}"))
    return frame(
        with_last_week(panel, per_hour(select(SESSIONS_STARTED_TOTAL))),
        "Sessions started over time",
        "Sessions an hour, by project. A hole means that no session began or that nothing was"
        " scraped: Collector health tells which. (none) are sessions that named no project. The"
        " dashed line is what all of them were at the same hours of last week.",
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
        with_last_week(panel, per_hour(select(SESSIONS_SETTLED_TOTAL))),
        "How sessions ended",
        "Sessions that came to rest, an hour, by status. A session that drops off does so when its"
        " idle time is over, so a bar stands about 20 minutes right of what caused it. COMPLETED"
        " says that the user reached the end, not that anything was approved. The dashed line is"
        " all of them at the same hours of last week.",
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
        "Sessions an hour that came to rest, went on and came to rest again, by both statuses."
        " Completion, drop-off and projects count each as it rests now; how sessions ended shows"
        " its first rest. DROPPED → COMPLETED are users who came back late, or devices that sent"
        " late.",
        size=HALF,
        unit="suffix: / h",
        nothing="none changed",
    )


def lost_beacons() -> timeseries.Panel:
    """Show how much of what the screen tells gets lost."""
    expr = named(held(select(BEACON_LOSS_RATIO), "project"), "project", "(none)")
    return frame(
        lines().with_target(over_time(expr, "{{project}}")),
        "Lost beacons",
        "Of the actions that the server saw, the share that the screen did not tell, by project,"
        " over the sessions of the 24 hours before each moment that have come to rest. So many"
        " users look as if they had left. It is looked at every five minutes; where too few are"
        " known there is no line. journeytrace funnel and the API tell how many really left.",
        size=(24, 8),
        unit="percentunit",
        nothing="too few sessions that both sides saw",
    )
