"""Whether PromQL speaks of metrics and labels that exist: the conventions know them all."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any, Final

import promql_parser

from journeytrace.conventions import METRICS, Metric

__all__ = ["NOT_SHOWN", "faults", "metrics_in"]

NOT_SHOWN: Final[Mapping[str, str]] = {
    "journey_verdicts_total": "It rises by a few a day, and whoever asks wants to see whom it was.",
}
"""Metrics that are on no dashboard and in no alert, each with the reason."""

_SCRAPED: Final = frozenset({"instance", "job"})
"""Labels that Prometheus adds."""
_FOREIGN: Final = frozenset({"up"})
"""Metrics of Prometheus's own that we ask for."""
_PARTS: Final = ("lhs", "rhs", "expr", "param", "args", "vector_selector")


def _series() -> Iterator[tuple[str, Metric, frozenset[str]]]:
    for metric in METRICS:
        labels = _SCRAPED.union(metric.labels)
        if metric.kind == "histogram":
            yield f"{metric.name}_bucket", metric, labels | {"le"}
            yield f"{metric.name}_sum", metric, labels
            yield f"{metric.name}_count", metric, labels
        else:
            yield metric.name, metric, labels


_SERIES: Final = {name: (metric, labels) for name, metric, labels in _series()}


def metrics_in(expr: str) -> set[str]:
    """Name the metrics of the conventions that an expression asks for.

    Raises:
        ValueError: it is no PromQL.
    """
    names = {node.name for node in _walk(promql_parser.parse(expr)) if _is_selector(node)}
    return {_SERIES[name][0].name for name in names & _SERIES.keys()}


def faults(expr: str, recorded: Collection[str] = ()) -> list[str]:
    """Say what in `expr` does not exist; nothing: all of it does.

    `recorded` are names of recording rules, which may have any label.
    """
    try:
        tree = promql_parser.parse(expr)
    except ValueError as error:
        return [f"is no PromQL: {error}"]
    return [fault for node in _walk(tree) for fault in _faults_of(node, recorded)]


def _faults_of(node: Any, recorded: Collection[str]) -> Iterator[str]:
    if _is_selector(node) and node.name not in {*recorded, *_FOREIGN}:
        if node.name not in _SERIES:
            yield f"asks for {node.name}, which is no metric"
            return
        missing = {matcher.name for matcher in node.matchers.matchers} - _SERIES[node.name][1]
        yield from (f"{node.name} has no label {label}" for label in sorted(missing))
    elif used := _labels_used(node):
        there = _labels_there(node, recorded)
        if there is not None:
            missing = used - there
            yield from (f"nothing in {node} has a label {label}" for label in sorted(missing))


def _labels_used(node: Any) -> set[str]:
    """Give the labels that an operator groups or matches by."""
    modifier = getattr(node, "modifier", None)
    if modifier is None:
        return set()
    grouped = getattr(modifier, "labels", None) or getattr(modifier, "group_labels", None)
    matching = getattr(modifier, "matching", None)
    labels = [*(grouped or ()), *(matching.labels if matching else ())]
    return set(labels)


def _labels_there(node: Any, recorded: Collection[str]) -> set[str] | None:
    """Give the labels that anything below can have; None: any, for a recording is among it."""
    labels: set[str] = set()
    for below in _walk(node):
        if _is_selector(below):
            if below.name in recorded or below.name in _FOREIGN:
                return None
            labels |= _SERIES[below.name][1] if below.name in _SERIES else frozenset()
        elif isinstance(below, promql_parser.Call) and below.func.name == "label_replace":
            labels.add(below.args[1].val)
    return labels


def _is_selector(node: Any) -> bool:
    return isinstance(node, promql_parser.VectorSelector)


def _walk(node: Any) -> Iterator[Any]:
    yield node
    for part in _PARTS:
        below = getattr(node, part, None)
        for one in below if isinstance(below, list) else [below]:
            if isinstance(one, promql_parser.Expr):
                yield from _walk(one)
