"""PromQL from the metrics of the conventions, so that no query spells a name of its own.

Counters are always read through `increase` or `rate`, and always summed: several collectors may
count one project, each from the moment it started.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Final

from journeytrace.conventions import (
    SESSIONS_SETTLED_TOTAL,
    SESSIONS_STARTED_TOTAL,
    SETTLED_CORRECTIONS_TOTAL,
    Metric,
)

__all__ = [
    "a_week_ago",
    "at_end",
    "at_rest",
    "equal",
    "held",
    "named",
    "per_hour",
    "quantile",
    "quoted",
    "ratio",
    "risen",
    "risen_from_birth",
    "select",
    "slowest",
]

_RANGE: Final = re.compile(r"\[\$__\w+\]")
_SELECTED: Final = re.compile(r"\{[^{}]*\}(\[[^]]*\])?( offset \w+)?")
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


def risen_from_birth(selected: str, *by: str) -> str:
    """Say by how much counters rose whose series begin with the first thing they count.

    Prometheus sees no rise in a first sample. A series that was not there when the time range
    began, while its project was, has counted all of its value in it.
    """
    started = select(SESSIONS_STARTED_TOTAL)
    born = f"({selected} unless {selected} offset $__range)"
    born += f" and on (project, instance) {started} offset $__range"
    return f"sum{_by(by)}(({born}) or increase({selected}[$__range]))"


def a_week_ago(expr: str) -> str:
    """Ask the same of the same hours of last week; `expr` is made of what rose."""
    return _RANGE.sub(r"\g<0> offset 7d", expr)


def at_end(expr: str) -> str:
    """Ask for what `expr` is at the end of the time range, at each of its moments."""
    return _SELECTED.sub(r"\g<0> @ end()", expr)


def at_rest(read: Callable[..., str], *matchers: str, by: tuple[str, ...] = ()) -> str:
    """Count sessions by how they came to rest, each as it rests now; `read` is how counters are.

    A session that settles again is taken from where it had been counted. That can have been before
    the time range, so what is left is never shown below 0.
    """
    first = read(select(SESSIONS_SETTLED_TOTAL, *matchers), *by)
    added, removed = (
        read(select(SETTLED_CORRECTIONS_TOTAL, *matchers, f'correction="{correction}"'), *by)
        for correction in ("added", "removed")
    )
    return f"clamp_min({first}\n+ {added}\n- {removed}, 0)"


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


def slowest(count: int, selected: str, by: str) -> str:
    """Estimate the 95th percentile of the `count` series that were slowest in the whole time range.

    Which these are is asked at its end, or other series would be drawn at each moment.
    """
    whole = at_end(quantile(0.95, selected, by, over="$__range"))
    return f"{quantile(0.95, selected, by)}\nand on ({by}) topk({count}, {whole} > 0)"


def _by(labels: tuple[str, ...]) -> str:
    return f" by ({', '.join(labels)}) " if labels else ""
