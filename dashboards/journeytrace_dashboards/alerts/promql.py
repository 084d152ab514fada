"""The few shapes of PromQL that the alerts are made of."""

from __future__ import annotations

from datetime import timedelta

from journeytrace.conventions import Metric
from journeytrace_dashboards.alerts.model import span

__all__ = ["at_least", "label", "middle", "rise", "variable"]


def rise(
    metric: Metric,
    window: timedelta,
    by: tuple[str, ...] = (),
    where: str = "",
    ago: timedelta = timedelta(0),
) -> str:
    """Say by how much a counter rose, over all collectors and summed to the labels `by`.

    Each series is looked at alone before they are summed, so a restart of one collector is no fall.
    """
    selector = f"{metric.name}{{{where}}}" if where else metric.name
    offset = f" offset {span(ago)}" if ago else ""
    grouping = f" by ({', '.join(by)}) " if by else ""
    return f"sum{grouping}(increase({selector}[{span(window)}]{offset}))"


def at_least(volume: float, expr: str) -> str:
    """Keep the series that are large enough to say something about."""
    return f"({expr} >= {volume:g})"


def middle(series: str, ago: tuple[timedelta, ...]) -> str:
    """Give the median of what a series was at several times; of those at which it was at all."""
    found = (
        f'label_replace({series} offset {span(one)}, "season", "{number}", "", "")'
        for number, one in enumerate(ago)
    )
    return "quantile without (season) (0.5,\n  " + "\n  or\n  ".join(found) + "\n)"


def label(name: str, otherwise: str) -> str:
    """Write a label's value into a text; an empty one to Prometheus is none at all."""
    # Not $labels.name, which Grafana renders as "[no value]" where there is none.
    return f'{{{{ with index $labels "{name}" }}}}{{{{ . }}}}{{{{ else }}}}{otherwise}{{{{ end }}}}'


def variable(name: str, otherwise: str = "$__all") -> str:
    """Write a label's value into a link, as the dashboard variable of the same name.

    Where there is no value the link chooses All, which includes what has none.
    """
    return f'var-{name}={{{{ or (index $labels "{name}") "{otherwise}" | urlquery }}}}'
