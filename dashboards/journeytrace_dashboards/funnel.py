"""Journeys: the stages, how many come at least as far as each, and where they leave.

The definition is the collector's (its `core.funnel`): the counter says who came at least this far.
Each stage has a query of its own, for Grafana shows queries in their order and series in any.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from grafana_foundation_sdk.builders import bargauge, table, timeseries
from grafana_foundation_sdk.models.dashboard import DynamicConfigValue

from journeytrace.conventions import (
    SESSIONS_STARTED_TOTAL,
    STAGE_REACHED_TOTAL,
    Status,
)
from journeytrace_dashboards import colours
from journeytrace_dashboards.common import (
    bars,
    frame,
    joined,
    judge,
    lines,
    now,
    over_time,
    ref_id,
    rows,
    table_of,
)
from journeytrace_dashboards.promql import at_rest, equal, per_hour, quoted, ratio, risen, select

__all__ = ["conversion", "drop_off", "drop_off_over_time", "funnel"]

NO_SESSIONS = "no sessions"
_PLACE = "Place"
_COLUMNS = {
    "Value #A": _PLACE,
    "stage": "Stage",
    "Value #B": "Sessions",
    "Value #C": "Of the stage before",
    "Value #D": "Of all sessions",
}


def funnel(stages: Sequence[str]) -> bargauge.Panel:
    """Show how many sessions come at least as far as each stage, in order."""
    panel = bars()
    for place, stage in enumerate(stages):
        panel.with_target(now(risen(_reached(stage)), stage, ref_id(place)))
    return frame(
        panel.decimals(0),
        "Funnel",
        "Sessions that came to each stage or past it in the time range, first stage on top; each"
        " counts once a stage. Who skips an optional stage, as PRE_STEP2 is, has passed it. POST"
        " follows a decision, whichever it was. Stages are those of the catalogue that the"
        " dashboards were made with.",
        size=(12, 9),
        nothing=NO_SESSIONS,
    )


def conversion(stages: Sequence[str]) -> table.Panel:
    """Show the funnel as figures, with what each stage keeps."""
    panel = joined(_conversion_table(stages), "stage", _COLUMNS, _PLACE)
    share = [DynamicConfigValue("unit", "percentunit")]
    panel.override_by_name("Of the stage before", share)
    panel.override_by_name("Of all sessions", share)
    panel.override_by_name("Sessions", [DynamicConfigValue("decimals", 0)])
    # It puts the rows in order, and tells a reader nothing.
    panel.override_by_name(_PLACE, [DynamicConfigValue("custom.hidden", True)])
    return frame(
        panel,
        "Step conversion",
        "The funnel in figures. Of the stage before: who came at least this far, by who came at"
        " least to the stage above; of the first stage, by all sessions. More than 100 % happens"
        " only at the edge of the time range, by sessions that began before it and came further in"
        " it: choose a range much longer than one journey.",
        size=(12, 9),
        nothing=NO_SESSIONS,
    )


def _conversion_table(stages: Sequence[str]) -> table.Panel:
    started = risen(select(SESSIONS_STARTED_TOTAL))
    counts = [risen(_reached(stage)) for stage in stages]
    places = (f"vector({place})" for place in range(len(stages)))
    of_before = (
        ratio(count, before) for count, before in zip(counts, [started, *counts], strict=False)
    )
    of_all = (ratio(count, started) for count in counts)
    panel = table_of({})
    for place, column in enumerate((places, counts, of_before, of_all)):
        cells = (_named(cell, stage) for cell, stage in zip(column, stages, strict=True))
        panel.with_target(rows("\nor ".join(cells), ref_id(place)))
    return panel


def _named(cell: str, stage: str) -> str:
    return f'label_replace({cell}, "stage", {quoted(stage.replace("$", "$$"))}, "", "")'


def drop_off(stages: Sequence[str]) -> bargauge.Panel:
    """Show where users leave."""
    panel = judge(bars().max(1), colours.bad_from(0.4, watch=0.2))
    for place, stage in enumerate(stages):
        share = ratio(_dropped(risen, stage), risen(_reached(stage)))
        panel.with_target(now(share, stage, ref_id(place)))
    return frame(
        panel,
        "Drop-off by stage",
        "Of the sessions that came to a stage or past it in the time range, the share that ended"
        " DROPPED with it as their highest stage and have not come back: yellow from 20 %, red from"
        " 40 %. A drop-off says that the user left without seeing the final page, not why: look at"
        " the sessions' last events. It counts when the idle time is over.",
        size=(12, 9),
        unit="percentunit",
        nothing=NO_SESSIONS,
    )


def drop_off_over_time(stages: Sequence[str]) -> timeseries.Panel:
    """Show how the drop-off of each stage moves."""
    panel = lines()
    for place, stage in enumerate(stages):
        share = ratio(_dropped(per_hour, stage), per_hour(_reached(stage)))
        panel.with_target(over_time(share, stage, ref_id(place)))
    for stage, colour in colours.ordered(stages).items():
        panel.override_by_name(stage, colours.fixed(colour))
    return frame(
        panel,
        "Drop-off over time",
        "The same share, moment by moment: sessions dropped at a stage by sessions that came at"
        " least as far. The dropped arrived about 20 minutes earlier than those they are divided"
        " by, so while traffic falls the share looks too high, and it can exceed 100 %.",
        size=(12, 9),
        unit="percentunit",
        nothing=NO_SESSIONS,
    )


def _reached(stage: str) -> str:
    return select(STAGE_REACHED_TOTAL, equal("stage", stage))


def _dropped(read: Callable[..., str], stage: str) -> str:
    return at_rest(read, equal("status", Status.DROPPED), equal("stage", stage))
