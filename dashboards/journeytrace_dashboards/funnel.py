"""Journeys: the steps, how many get to each, and where they leave."""

from __future__ import annotations

from itertools import pairwise

from grafana_foundation_sdk.builders import bargauge, table, timeseries
from grafana_foundation_sdk.models.dashboard import DynamicConfigValue

from journeytrace.catalogue import builtin_catalogue
from journeytrace.conventions import STAGE_REACHED_TOTAL, Status
from journeytrace_dashboards import colours
from journeytrace_dashboards.common import (
    bars,
    frame,
    joined,
    judge,
    lines,
    now,
    over_time,
    rows,
    table_of,
)
from journeytrace_dashboards.promql import at_rest, per_hour, ratio, risen, select

__all__ = ["conversion", "drop_off", "drop_off_over_time", "funnel"]

NO_SESSIONS = "no sessions"
STAGES = builtin_catalogue().ordered_stages
_NAMED = 'stage!=""'
_DROPPED = f'status="{Status.DROPPED}"'
_COLUMNS = {
    "Value #A": "Step",
    "stage": "Stage",
    "Value #B": "Sessions",
    "Value #C": "Of the step before",
    "Value #D": "Of the first step",
}


def funnel() -> bargauge.Panel:
    """Show how many sessions reach each step, in order."""
    panel = bars()
    for place, stage in enumerate(STAGES):
        reached = risen(select(STAGE_REACHED_TOTAL, f'stage="{stage}"'))
        panel.with_target(now(reached, f"{place} {stage}", chr(ord("A") + place)))
    return frame(
        panel.decimals(0),
        "Funnel",
        "Sessions that reached each stage in the time range, first stage on top; each counts once a"
        " stage. PRE_STEP2 is for projects that verify an account, so a dip there is no loss."
        " POST follows a decision, whichever it was. The stages are those of the event reference.",
        size=(12, 9),
        nothing=NO_SESSIONS,
    )


def conversion() -> table.Panel:
    """Show the funnel as figures, with what each step keeps."""
    reached = risen(select(STAGE_REACHED_TOTAL, _NAMED), "stage")
    panel = joined(_conversion_table(reached), "stage", _COLUMNS, "Step")
    share = [DynamicConfigValue("unit", "percentunit")]
    panel.override_by_name("Of the step before", share)
    panel.override_by_name("Of the first step", share)
    panel.override_by_name("Sessions", [DynamicConfigValue("decimals", 0)])
    return frame(
        panel,
        "Step conversion",
        "The funnel in figures. Of the step before: sessions of this stage by those of the stage"
        " above it. More than 100 % happens: when a stage was skipped, or when sessions that began"
        " before the time range reached the later stage in it. Choose a range much longer than one"
        " journey.",
        size=(12, 9),
        nothing=NO_SESSIONS,
    )


def _conversion_table(reached: str) -> table.Panel:
    places = " or ".join(_relabelled(f"vector({n})", stage) for n, stage in enumerate(STAGES))
    before = " or ".join(
        _relabelled(_positive(earlier), stage) for earlier, stage in pairwise(STAGES)
    )
    first = _positive(STAGES[0])
    return (
        table_of({})
        .with_target(rows(places, "A"))
        .with_target(rows(reached, "B"))
        .with_target(rows(f"{reached}\n/ on (stage) ({before})", "C"))
        .with_target(rows(f"{reached}\n/ on () group_left () ({first})", "D"))
    )


def _positive(stage: str) -> str:
    return risen(select(STAGE_REACHED_TOTAL, f'stage="{stage}"')) + " > 0"


def _relabelled(expr: str, stage: str) -> str:
    return f'label_replace({expr}, "stage", "{stage}", "", "")'


def drop_off() -> bargauge.Panel:
    """Show where users leave."""
    panel = judge(bars().max(1), colours.bad_from(0.4, watch=0.2))
    for place, stage in enumerate(STAGES):
        dropped = at_rest(risen, _DROPPED, f'stage="{stage}"')
        reached = risen(select(STAGE_REACHED_TOTAL, f'stage="{stage}"'))
        target = now(ratio(dropped, reached), f"{place} {stage}", chr(ord("A") + place))
        panel.with_target(target)
    return frame(
        panel,
        "Drop-off by stage",
        "Of the sessions that reached a stage in the time range, the share that ended DROPPED with"
        " it as their highest stage and have not come back: yellow from 20 %, red from 40 %. A"
        " drop-off says that the user left without seeing the final page, not why: look at the"
        " sessions' last events. It counts when the idle time is over.",
        size=(12, 9),
        unit="percentunit",
        nothing=NO_SESSIONS,
    )


def drop_off_over_time() -> timeseries.Panel:
    """Show how the drop-off of each stage moves."""
    dropped = at_rest(per_hour, _DROPPED, _NAMED, by=("stage",))
    reached = per_hour(select(STAGE_REACHED_TOTAL, _NAMED), "stage")
    panel = lines().with_target(over_time(ratio(dropped, reached, "stage"), "{{stage}}"))
    for stage in STAGES:
        panel.override_by_name(stage, colours.fixed(colours.STAGE[stage]))
    return frame(
        panel,
        "Drop-off over time",
        "The same share, moment by moment: sessions dropped at a stage by sessions that reached it."
        " The dropped arrived about 20 minutes earlier than those they are divided by, so while"
        " traffic falls the share looks too high, and it can exceed 100 %.",
        size=(12, 9),
        unit="percentunit",
        nothing=NO_SESSIONS,
    )
