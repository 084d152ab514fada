"""Series → what prometheus-client renders, with names, labels and help from the conventions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import accumulate
from typing import Final, TypeAlias

from prometheus_client.metrics_core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
)
from prometheus_client.metrics_core import Metric as Family
from prometheus_client.samples import Exemplar as Shown

from journeytrace.conventions import METRICS, Metric
from journeytrace_collector.core.change import Exemplar, Series, Tally
from journeytrace_collector.core.series import bounds

__all__ = ["families"]

_NS_PER_SECOND: Final = 1_000_000_000

Values: TypeAlias = dict[tuple[str, ...], float]
"""The series of one name, by their labels."""


def families(*tallies: Tally) -> Iterator[Family]:
    """Give every metric with its series, sorted; of a metric no two of `tallies` have series.

    A series that the conventions do not know, as another version of the collector may have left
    it, stays in the store unseen.
    """
    by_name: dict[str, Values] = {}
    exemplars: dict[Series, Exemplar] = {}
    for tally in tallies:
        exemplars |= tally.exemplars
        for (name, labels), value in tally.rises.items():
            by_name.setdefault(name, {})[labels] = value
    for metric in METRICS:
        if metric.kind == "histogram":
            yield _histogram(metric, by_name, exemplars)
        else:
            yield _plain(metric, by_name.get(metric.name, {}))


def _plain(metric: Metric, values: Values) -> Family:
    kind = CounterMetricFamily if metric.kind == "counter" else GaugeMetricFamily
    family = kind(metric.name, metric.help, labels=metric.labels)
    for labels in _sorted(values, metric):
        family.add_metric(labels, values[labels])
    return family


def _histogram(
    metric: Metric, by_name: Mapping[str, Values], exemplars: Mapping[Series, Exemplar]
) -> Family:
    family = HistogramMetricFamily(metric.name, metric.help, labels=metric.labels)
    buckets = by_name.get(f"{metric.name}_bucket", {})
    sums = by_name.get(f"{metric.name}_sum", {})
    # Bounds that an older version counted by stay, or the sum of the buckets would shrink.
    found = {labels[-1] for labels in buckets}
    ascending = sorted(found.union(bounds(metric)), key=float)
    for labels in _sorted(sums, metric):
        series = [(*labels, bound) for bound in ascending]
        counts = accumulate(buckets.get(bucket, 0) for bucket in series)
        shown = (_shown(exemplars.get((f"{metric.name}_bucket", bucket))) for bucket in series)
        cumulated = [
            (bound, count, exemplar) if exemplar else (bound, count)
            for bound, count, exemplar in zip(ascending, counts, shown, strict=True)
        ]
        family.add_metric(labels, cumulated, sums[labels])
    return family


def _sorted(values: Values, metric: Metric) -> list[tuple[str, ...]]:
    return sorted(labels for labels in values if len(labels) == len(metric.labels))


def _shown(exemplar: Exemplar | None) -> Shown | None:
    if exemplar is None:
        return None
    labels = {"trace_id": exemplar.trace_id}
    return Shown(labels, exemplar.value, exemplar.at / _NS_PER_SECOND)
