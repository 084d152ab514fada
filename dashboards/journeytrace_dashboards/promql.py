"""PromQL from the metrics of the conventions, so that no query spells a name of its own.

Counters are always read through `increase` or `rate`, and always summed: several collectors may
count one project, each from the moment it started.
"""

from __future__ import annotations

import json
from typing import Final

from journeytrace.conventions import Metric

__all__ = [
    "equal",
    "held",
    "named",
    "per_hour",
    "quantile",
    "quoted",
    "ratio",
    "risen",
    "select",
]

_FILTERS: Final = {"project": 'project=~"$project"'}
_COLLECTOR: Final = 'instance=~"$instance"'


def select(metric: Metric, *matchers: str) -> str:
    """Select the series of `metric` that the dashboard's filters leave.

    Raises:
        ValueError: a matcher is about a label that the metric has not.
    """
    for matcher in matchers:
        label = matcher.split("=")[0].rstrip("!")
        if label not in metric.labels:
            raise ValueError(f"{metric.name} has no label {label}")
    filters = [_FILTERS[label] for label in metric.labels if label in _FILTERS]
    if metric.name.startswith("journey_collector_"):
        filters.append(_COLLECTOR)
    return f"{metric.name}{{{','.join((*filters, *matchers))}}}"


def equal(label: str, value: str) -> str:
    """Give the matcher for a label that has this value, whatever is in it."""
    return f"{label}={quoted(value)}"


def quoted(text: str) -> str:
    """Write a text as PromQL does."""
    return json.dumps(text, ensure_ascii=False)


def held(selected: str, *by: str) -> str:
    """Give what a gauge says, summed over all but `by`.

    Collectors that share a database each show what is in all of it, so of what they say of one
    thing the greatest counts. Two collectors with stores of their own that hold sessions of one
    project would need the sum; such a set-up splits sessions and is not one of ours.
    """
    return f"sum{_by(by)}(max without (instance) ({selected}))"


def risen(selected: str, *by: str) -> str:
    """Say by how much a counter rose in the time range shown."""
    return f"sum{_by(by)}(increase({selected}[$__range]))"


def per_hour(selected: str, *by: str) -> str:
    """Say how fast a counter rises, an hour: seconds are too short for what people do."""
    return f"sum{_by(by)}(rate({selected}[$__rate_interval])) * 3600"


def ratio(part: str, whole: str, *on: str) -> str:
    """Divide; where there is nothing to divide by, there is no answer instead of NaN."""
    match = f" on ({', '.join(on)})" if on else ""
    return f"{part}\n/{match} ({whole} > 0)"


def named(expr: str, label: str, otherwise: str) -> str:
    """Give series in which `label` is empty, which is to have none, a name that can be read."""
    return f'label_replace({expr}, "{label}", "{otherwise}", "{label}", "")'


def quantile(rank: float, selected: str, *by: str, over: str = "$__rate_interval") -> str:
    """Estimate what share `rank` of a histogram's observations do not exceed."""
    name, brace, filters = selected.partition("{")
    buckets = f"{name}_bucket{brace}{filters}"
    return f"histogram_quantile({rank}, sum{_by(('le', *by))}(rate({buckets}[{over}])))"


def _by(labels: tuple[str, ...]) -> str:
    return f" by ({', '.join(labels)}) " if labels else ""
