"""The few shapes of PromQL that the alerts are made of."""

from __future__ import annotations

from datetime import timedelta

from journeytrace.conventions import Metric
from journeytrace_dashboards.alerts.model import Settings, span

__all__ = ["at_least", "label", "limit", "rise", "usual", "variable"]


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


def at_least(volume: int, expr: str) -> str:
    """Keep the series that are large enough to say something about."""
    return f"({expr} >= {volume})"


def usual(share: str, settings: Settings) -> str:
    """Give the median of the baseline, where the baseline is long enough to have one.

    The share is recorded only where there is volume, so a quiet night neither widens the baseline
    nor counts as history.
    """
    window = _baseline(share, settings)
    samples = max(1, round(settings.history / settings.step))
    return f"quantile_over_time(0.5, {window})\n  and\ncount_over_time({window}) >= {samples}"


def limit(share: str, settings: Settings) -> str:
    """Give the value above which a share is a spike."""
    spread = f"{settings.deviations:g} * stddev_over_time({_baseline(share, settings)})"
    return f"{share}:usual\n  +\nclamp_min({spread}, {settings.margin:g})"


def _baseline(share: str, settings: Settings) -> str:
    return f"{share}[{span(settings.baseline)}:{span(settings.step)}] offset {span(settings.gap)}"


def label(name: str, otherwise: str) -> str:
    """Write a label's value into a text; an empty one to Prometheus is none at all."""
    # Not $labels.name, which Grafana renders as "[no value]" where there is none.
    return f'{{{{ with index $labels "{name}" }}}}{{{{ . }}}}{{{{ else }}}}{otherwise}{{{{ end }}}}'


def variable(name: str) -> str:
    """Write a label's value into a link, as the dashboard variable of the same name.

    Where there is no value the link chooses All, which includes what has none.
    """
    return f'var-{name}={{{{ or (index $labels "{name}") "$__all" | urlquery }}}}'
