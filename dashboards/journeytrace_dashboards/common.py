"""What all panels and dashboards have in common."""

from __future__ import annotations

from typing import Any, Final, TypeVar

from grafana_foundation_sdk.builders import (
    bargauge,
    common,
    prometheus,
    stat,
    statetimeline,
    table,
    timeseries,
)
from grafana_foundation_sdk.builders import dashboard as builders
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.cog.variants import Dataquery
from grafana_foundation_sdk.models.common import (
    BigValueColorMode,
    BigValueGraphMode,
    DataSourceRef,
    GraphDrawStyle,
    LegendDisplayMode,
    LegendPlacement,
    StackingMode,
    TableAutoCellOptions,
    TooltipDisplayMode,
    VisibilityMode,
    VizOrientation,
)
from grafana_foundation_sdk.models.dashboard import (
    DashboardCursorSync,
    DashboardLinkType,
    DataTransformerConfig,
    DynamicConfigValue,
)
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

from journeytrace_dashboards import colours
from journeytrace_dashboards.promql import a_week_ago, at_end
from journeytrace_dashboards.sources import POSTGRESQL, PROMETHEUS

__all__ = [
    "LAST_WEEK",
    "TAG",
    "Sql",
    "bars",
    "frame",
    "joined",
    "judge",
    "lines",
    "link",
    "new_dashboard",
    "now",
    "number",
    "over_time",
    "ref_id",
    "rows",
    "stacked",
    "table_of",
    "trend",
    "with_last_week",
]

LAST_WEEK: Final = "last week"
"""What the legend says of the same hours of last week."""

TAG: Final = "journeytrace"
"""Marks our dashboards, which list each other by it."""

SPARKS: Final = 100
"""Points of the line behind a figure: each asks for the whole time range before it."""

SMOOTHED: Final = "5m"
"""No point of a graph stands for less time: single sessions would look like spikes."""

Judged = TypeVar("Judged", bargauge.Panel, stat.Panel)
P = TypeVar(
    "P",
    bargauge.Panel,
    builders.Panel,
    stat.Panel,
    statetimeline.Panel,
    table.Panel,
    timeseries.Panel,
)


class Sql(Dataquery, Builder["Sql"]):
    """A query of PostgreSQL; the SDK has none."""

    def __init__(self, text: str, ref_id: str = "A") -> None:
        self._text = text
        self._ref_id = ref_id

    def build(self) -> Sql:
        """Give itself: nothing about it is left open."""
        return self

    def to_json(self) -> dict[str, object]:
        """Give it as the panel's JSON has it."""
        return {
            "datasource": POSTGRESQL,
            "editorMode": "code",
            "format": "table",
            "rawQuery": True,
            "rawSql": self._text,
            "refId": self._ref_id,
        }


def new_dashboard(title: str, uid: str, description: str) -> builders.Dashboard:
    """Begin a dashboard. Times are shown in the zone that each user has set."""
    others = builders.DashboardLink("Journeytrace").type(DashboardLinkType.DASHBOARDS)
    return (
        builders.Dashboard(title)
        .uid(uid)
        .description(description)
        .tags([TAG])
        .timezone("")
        .tooltip(DashboardCursorSync.CROSSHAIR)
        .link(others.tags([TAG]).as_dropdown(False).keep_time(True).icon("external link"))
    )


def frame(
    panel: P,
    title: str,
    description: str,
    *,
    size: tuple[int, int],
    unit: str = "short",
    nothing: str,
    source: DataSourceRef = PROMETHEUS,
) -> P:
    """Give a panel what every panel must have.

    `description` says how to read it; `size` is width (of 24) and height; `nothing` is shown where
    there is no data, and says what that means.
    """
    panel.title(title).description(description).span(size[0]).height(size[1])
    panel.unit(unit).no_value(nothing).datasource(source)
    return panel


def ref_id(place: int) -> str:
    """Name the query at a place, from 0, as Grafana does: A to Z, AA, AB …"""
    rest, letter = divmod(place, 26)
    return (ref_id(rest - 1) if rest else "") + chr(ord("A") + letter)


def now(expr: str, legend: str = "", ref_id: str = "A") -> prometheus.Dataquery:
    """Ask Prometheus for one value a series, at the end of the time range."""
    query = prometheus.Dataquery().datasource(PROMETHEUS).expr(expr).ref_id(ref_id).instant()
    return query.legend_format(legend) if legend else query


def rows(expr: str, ref_id: str = "A") -> prometheus.Dataquery:
    """Ask Prometheus for one table row a series."""
    return now(expr, ref_id=ref_id).format(PromQueryFormat.TABLE)


def over_time(expr: str, legend: str, ref_id: str = "A") -> prometheus.Dataquery:
    """Ask Prometheus for a line a series."""
    query = prometheus.Dataquery().datasource(PROMETHEUS).expr(expr).ref_id(ref_id)
    return query.range().legend_format(legend)


def trend(expr: str, legend: str = "", ref_id: str = "A") -> prometheus.Dataquery:
    """Ask Prometheus for one figure, the last of a line.

    Where it has no value at the end there is no line either: an older figure is no news.
    """
    return over_time(f"{expr}\nand on () ({at_end(expr)})", legend, ref_id)


def number() -> stat.Panel:
    """Begin a panel that shows one figure, and behind it how it came to be so.

    Its queries are made by `trend`.
    """
    panel = stat.Panel().reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]))
    panel.graph_mode(BigValueGraphMode.AREA).color_mode(BigValueColorMode.VALUE)
    return panel.max_data_points(SPARKS).color_scheme(colours.paint(colours.NEUTRAL))


def judge(panel: Judged, scale: colours.Scale) -> Judged:
    """Paint a panel by its values."""
    colour, thresholds = colours.painted_by(scale)
    panel.color_scheme(colour).thresholds(thresholds)
    return panel


def bars() -> bargauge.Panel:
    """Begin horizontal bars, in the order in which the query gives them."""
    return (
        bargauge.Panel()
        .orientation(VizOrientation.HORIZONTAL)
        .reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]))
        .color_scheme(colours.paint(colours.NEUTRAL))
        .min(0)
    )


def lines() -> timeseries.Panel:
    """Begin lines over time."""
    legend = common.VizLegendOptions().display_mode(LegendDisplayMode.LIST).show_legend(True)
    return (
        timeseries.Panel()
        .legend(legend.placement(LegendPlacement.BOTTOM))
        .tooltip(common.VizTooltipOptions().mode(TooltipDisplayMode.MULTI))
        .show_points(VisibilityMode.AUTO)
        .interval(SMOOTHED)
        .color_scheme(colours.by_name())
        .min(0)
    )


def stacked() -> timeseries.Panel:
    """Begin bars over time that stand on each other."""
    stacking = common.StackingConfig().mode(StackingMode.NORMAL)
    panel = lines().draw_style(GraphDrawStyle.BARS).stacking(stacking)
    return panel.fill_opacity(80).line_width(0)


def with_last_week(panel: timeseries.Panel, total: str) -> timeseries.Panel:
    """Draw over bars what `total`, the sum of them, was at the same hours of last week."""
    panel.with_target(over_time(a_week_ago(total), LAST_WEEK, "W"))
    line = {
        "custom.drawStyle": "line",
        "custom.fillOpacity": 0,
        "custom.lineStyle": {"fill": "dash", "dash": [10, 10]},
        "custom.lineWidth": 2,
        "custom.stacking": {"group": "W", "mode": "none"},
    }
    values = [DynamicConfigValue(name, value) for name, value in line.items()]
    return panel.override_by_name(LAST_WEEK, [*values, *colours.fixed(colours.NEUTRAL)])


def table_of(columns: dict[str, str]) -> table.Panel:
    """Begin a table; `columns` gives each field its heading."""
    panel = table.Panel().cell_options(TableAutoCellOptions())
    for name, heading in columns.items():
        panel.override_by_name(name, [DynamicConfigValue("displayName", heading)])
    return panel


def joined(panel: table.Panel, key: str, columns: dict[str, str], sort: str) -> table.Panel:
    """Join the results of several queries into one table by `key`, and show `columns` alone.

    `columns` gives each field its heading; ``Value #B`` is the value of query B. `sort` names a
    heading, largest first where it begins with a minus.
    """
    order = {name: place for place, name in enumerate(columns)}
    field = sort.removeprefix("-")
    for kind, options in (
        ("joinByField", {"byField": key, "mode": "outer"}),
        ("filterFieldsByName", {"include": {"names": [*columns]}}),
        ("organize", {"indexByName": order, "renameByName": columns}),
        ("sortBy", {"sort": [{"field": field, "desc": field != sort}]}),
    ):
        panel.with_transformation(DataTransformerConfig(id_val=kind, options=options))
    return panel


def link(title: str, url: str) -> builders.DashboardLink:
    """Make the link of a value; the SDK wants the whole of a dashboard's."""
    return _ValueLink(title).url(url)


class _ValueLink(builders.DashboardLink):
    """A link with what the links of values have."""

    def build(self) -> Any:
        made = super().build()
        return {"title": made.title, "url": made.url}
