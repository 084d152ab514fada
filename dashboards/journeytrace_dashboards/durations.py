"""Journeys: how long it takes."""

from __future__ import annotations

from grafana_foundation_sdk.builders import timeseries

from journeytrace.conventions import (
    CHECK_DURATION_SECONDS,
    SESSION_DURATION_SECONDS,
    STAGE_DURATION_SECONDS,
    Metric,
)
from journeytrace_dashboards.common import frame, lines, over_time
from journeytrace_dashboards.promql import quantile, select, slowest

__all__ = ["checks", "sessions", "stages"]

_EXEMPLARS = " Each dot is one session: a click on it opens its trace."
MOST = 10
"""Checks that are drawn at once."""
_ESTIMATE = (
    " p50: half took no longer; p95: one in twenty took longer. Both are estimated from buckets."
)


def sessions() -> timeseries.Panel:
    """Show how long sessions last."""
    return frame(
        _quantiles(SESSION_DURATION_SECONDS, "status"),
        "Session duration",
        "Time from a session's first event to its last, by status, at the moment it came to rest."
        " It contains the time the user did nothing." + _ESTIMATE + _EXEMPLARS,
        size=(12, 9),
        unit="s",
        nothing="none came to rest",
    )


def stages() -> timeseries.Panel:
    """Show how long stages last."""
    return frame(
        _quantiles(STAGE_DURATION_SECONDS, "stage"),
        "Stage duration",
        "Time from the first event of a stage to its last. Stages overlap: checks run while the"
        " user goes on, so these do not add up to the session. 0 s: a single moment, such as a"
        " final page that was seen." + _ESTIMATE + _EXEMPLARS,
        size=(12, 9),
        unit="s",
        nothing="none came to rest",
    )


def checks() -> timeseries.Panel:
    """Show how long checks last."""
    selected = select(CHECK_DURATION_SECONDS, 'event=~"$check"')
    panel = lines().with_target(
        over_time(slowest(MOST, selected, "event"), "{{event}}").exemplar(True)
    )
    return frame(
        panel,
        "Check duration, p95",
        f"Of the checks chosen above, the {MOST} that were slowest in the time range: one in twenty"
        " runs took longer than the line, estimated from buckets. Over all projects, for a check is"
        " as fast as the service that does it: the project filter does not reach this panel. A"
        " check that slows down is where users begin to drop off. One that was sent without a"
        " duration is not in here." + _EXEMPLARS,
        size=(24, 9),
        unit="s",
        nothing="no checks with a duration",
    )


def _quantiles(metric: Metric, by: str) -> timeseries.Panel:
    panel = lines()
    for ref_id, rank in (("A", 0.5), ("B", 0.95)):
        query = over_time(
            quantile(rank, select(metric), by), f"{{{{{by}}}}} p{round(rank * 100)}", ref_id
        )
        # Both would find the same exemplars.
        panel.with_target(query.exemplar(ref_id == "B"))
    return panel
