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


def families(*tallies: Tally, created: bool = False) -> Iterator[Family]:
    """Give every metric with its series, sorted; of a metric no two of `tallies` have series.

    `created`: tell of the counters and histograms when they came to be, where it is known.

    A series that the conventions do not know, as another version of the collector may have left
    it, stays in the store unseen.
    """
    by_name: dict[str, Values] = {}
    exemplars: dict[Series, Exemplar] = {}
    born: dict[Series, int] = {}
    for tally in tallies:
        exemplars |= tally.exemplars
        if created:
            born |= tally.born
        for (name, labels), value in tally.rises.items():
            by_name.setdefault(name, {})[labels] = value
    for metric in METRICS:
        if metric.kind == "histogram":
            yield _histogram(metric, by_name, exemplars, born)
        else:
            yield _plain(metric, by_name.get(metric.name, {}), born)


def _plain(metric: Metric, values: Values, born: Mapping[Series, int]) -> Family:
    kind = CounterMetricFamily if metric.kind == "counter" else GaugeMetricFamily
    family = kind(metric.name, metric.help, labels=metric.labels)
    for labels in _sorted(values, metric):
        family.add_metric(labels, values[labels])
        _tell_birth(family, metric, labels, born.get((metric.name, labels)))
    return family


def _histogram(
    metric: Metric,
    by_name: Mapping[str, Values],
    exemplars: Mapping[Series, Exemplar],
    born: Mapping[Series, int],
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
        _tell_birth(family, metric, labels, born.get((f"{metric.name}_sum", labels)))
    return family


def _tell_birth(family: Family, metric: Metric, labels: tuple[str, ...], at: int | None) -> None:
    if at is not None:
        named = dict(zip(metric.labels, labels, strict=True))
        family.add_sample(f"{family.name}_created", named, at / _NS_PER_SECOND)


def _sorted(values: Values, metric: Metric) -> list[tuple[str, ...]]:
    return sorted(labels for labels in values if len(labels) == len(metric.labels))


def _shown(exemplar: Exemplar | None) -> Shown | None:
    if exemplar is None:
        return None
    labels = {"trace_id": exemplar.trace_id}
    return Shown(labels, exemplar.value, exemplar.at / _NS_PER_SECOND)
