from __future__ import annotations

import re

import pytest

from journeytrace import conventions
from journeytrace.conventions import METRICS, Metric

each = pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.name)


@each
def test_a_metric_s_constant_is_its_name(metric: Metric) -> None:
    """Whoever knows one knows the other."""
    constant = metric.name.removeprefix("journey_").upper()
    assert getattr(conventions, constant) is metric
    assert constant in conventions.__all__


@each
def test_the_name_tells_kind_and_unit(metric: Metric) -> None:
    """Counters end in _total, histograms in their unit."""
    assert re.fullmatch(r"journey_[a-z_]+[a-z]", metric.name)
    assert metric.name.endswith("_total") == (metric.kind == "counter")
    assert metric.name.endswith("_seconds") or metric.kind != "histogram"


@each
def test_buckets_are_the_histograms_alone(metric: Metric) -> None:
    """Ascending, from zero on, and finite: a stage can begin and end with one event."""
    assert bool(metric.buckets) == (metric.kind == "histogram")
    assert list(metric.buckets) == sorted(set(metric.buckets))
    assert all(0 <= bound < float("inf") for bound in metric.buckets)


@each
def test_no_id_is_a_label(metric: Metric) -> None:
    """A label for each user or session would be a series for each."""
    assert not {"id", "session", "user", "email", "trace_id", "le"} & set(metric.labels)
    assert not any(label.endswith("_id") for label in metric.labels)
    assert len(set(metric.labels)) == len(metric.labels)


@each
def test_the_help_is_one_sentence_or_more(metric: Metric) -> None:
    """On one line, for Prometheus shows it so."""
    assert metric.help.endswith(".")
    assert "\n" not in metric.help


def test_all_metrics_are_listed_in_order() -> None:
    """None is forgotten, and none stands twice."""
    defined = [value for value in vars(conventions).values() if isinstance(value, Metric)]
    assert sorted(METRICS, key=lambda metric: metric.name) == list(METRICS)
    assert {metric.name for metric in defined} == {metric.name for metric in METRICS}
    assert len({metric.name for metric in METRICS}) == len(METRICS)
