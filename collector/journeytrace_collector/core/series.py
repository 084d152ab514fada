"""The series behind the metrics: how histograms are kept as such, and which series start at 0.

A histogram has one series ``NAME_bucket`` for each bucket, with the upper bound as a last label,
and ``NAME_sum`` and ``NAME_count``. Buckets are kept apart, not cumulated, so that one observation
raises one bucket; whoever shows them adds them up.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from itertools import product
from typing import Final

from journeytrace import conventions as names
from journeytrace.catalogue import Catalogue
from journeytrace.conventions import OTHER, Decision, Impact, Metric, Source, Status
from journeytrace.identity import trace_id
from journeytrace_collector.core.change import Exemplar, Series, Tally

__all__ = [
    "ADDED",
    "MAX_ERROR_CODE",
    "RECORDS",
    "REMOVED",
    "UNBOUNDED",
    "born",
    "bounds",
    "observe",
    "observe_all",
    "own_codes",
]

ADDED: Final = "added"
"""The label of a correction that belongs to what was counted."""

REMOVED: Final = "removed"
"""The label of a correction that takes away from it."""

MAX_ERROR_CODE: Final = 64
"""Characters of an error code that a label may have; a longer one counts as "other"."""

UNBOUNDED: Final = "+Inf"
"""The label of the bucket without upper bound."""

RECORDS: Final = {
    "new": (names.COLLECTOR_EVENTS_TOTAL, ("accepted",)),
    "duplicate": (names.COLLECTOR_EVENTS_TOTAL, ("duplicate",)),
    "refused": (names.COLLECTOR_EVENTS_TOTAL, ("refused",)),
    "forgotten": (names.COLLECTOR_EVENTS_TOTAL, ("forgotten",)),
    "rejected": (names.COLLECTOR_RECORDS_TOTAL, ("rejected",)),
    "ignored": (names.COLLECTOR_RECORDS_TOTAL, ("ignored",)),
    "erased": (names.COLLECTOR_SESSIONS_ERASED_TOTAL, ()),
}
"""Metric and labels of each key of `Change.records`."""

_NS_PER_SECOND: Final = 1_000_000_000

_SETTLED: Final = tuple(status for status in Status if status is not Status.IN_PROGRESS)


def bounds(metric: Metric) -> list[str]:
    """Give the labels of a histogram's buckets, lowest first."""
    return [*(repr(float(bound)) for bound in metric.buckets), UNBOUNDED]


_BOUNDS: Final = {metric.name: bounds(metric) for metric in names.METRICS if metric.buckets}


def observe(tally: Tally, metric: Metric, labels: tuple[str, ...], value: float) -> None:
    """Put `value` into its bucket."""
    tally.add(*_bucket(metric, labels, value))
    tally.add(f"{metric.name}_sum", labels, value)
    tally.add(f"{metric.name}_count", labels)


def _bucket(metric: Metric, labels: tuple[str, ...], value: float) -> Series:
    bound = _BOUNDS[metric.name][bisect_left(metric.buckets, value)]
    return f"{metric.name}_bucket", (*labels, bound)


def observe_all(
    tally: Tally,
    metric: Metric,
    labels: tuple[str, ...],
    observed: Sequence[tuple[int, str]],
    at: int,
) -> None:
    """Put (duration in ns, session id) into their buckets at the collector's time `at` (ns).

    A bucket's exemplar is the newest; of one moment, that with the greatest duration.
    """
    longest: dict[Series, tuple[int, str]] = {}
    for one in observed:
        bucket = _bucket(metric, labels, one[0] / _NS_PER_SECOND)
        tally.add(*bucket)
        longest[bucket] = max(one, longest.get(bucket, one))
    total = sum([duration for duration, _ in observed])
    tally.add(f"{metric.name}_sum", labels, total / _NS_PER_SECOND)
    tally.add(f"{metric.name}_count", labels, len(observed))
    for bucket, (duration, session_id) in longest.items():
        # The collector's time, not the sender's: Prometheus takes exemplars in order only.
        seen = Exemplar(trace_id(session_id).hex(), duration / _NS_PER_SECOND, at)
        if _order(seen) > _order(tally.exemplars.get(bucket)):
            tally.exemplars[bucket] = seen


def _order(exemplar: Exemplar | None) -> tuple[int, float, str]:
    return (exemplar.at, exemplar.value, exemplar.trace_id) if exemplar else (-1, 0, "")


def own_codes(catalogue: Catalogue) -> frozenset[str]:
    """Give the labels of error codes that the catalogue foresees, and of those beyond its cap."""
    return frozenset(code for code in catalogue.error_codes if len(code) <= MAX_ERROR_CODE) | {
        OTHER
    }


def born(catalogue: Catalogue, project: str, rules: Sequence[str] = ()) -> Tally:
    """Give all series of a project that the catalogue foresees, at 0, and those of the names that
    it does not know.

    What is left out is an event whose source, stage or impact its sender chose otherwise than the
    catalogue: there can be thousands. Those that belong to no project come with the empty one.
    `rules` are the names of those that sessions are held against.
    """
    tally = Tally()
    if not project:
        _start_collector(tally, catalogue)
    tally.add(names.SESSIONS_STARTED_TOTAL.name, (project,), 0)
    tally.add(names.COLLECTOR_TIME_CORRECTED_TOTAL.name, (project,), 0)
    for code in own_codes(catalogue):
        tally.add(names.ERROR_CODES_TOTAL.name, (project, code), 0)
    for rule in rules:
        tally.add(names.CONFORMANCE_VIOLATIONS_TOTAL.name, (project, rule), 0)
    _start_events(tally, catalogue, project)
    _start_decisions(tally, catalogue, project)
    _start_stages(tally, catalogue, project)
    _start_endings(tally, catalogue, project)
    return tally


def _start_histogram(tally: Tally, metric: Metric, labels: tuple[str, ...]) -> None:
    # The buckets need no series of their own: those that are missing are shown as 0.
    tally.add(f"{metric.name}_sum", labels, 0)
    tally.add(f"{metric.name}_count", labels, 0)


def _start_collector(tally: Tally, catalogue: Catalogue) -> None:
    for metric, labels in RECORDS.values():
        tally.add(metric.name, labels, 0)
    for spec in catalogue.events.values():
        if spec.is_check:
            _start_histogram(tally, names.CHECK_DURATION_SECONDS, (spec.name,))


def _start_events(tally: Tally, catalogue: Catalogue, project: str) -> None:
    for spec in catalogue.events.values():
        for impact in {spec.impact, spec.impact_of(None)}:
            labels = (project, spec.name, spec.source.value, spec.stage or "", impact.value)
            tally.add(names.EVENTS_TOTAL.name, labels, 0)
    # What people do has no impact on anybody.
    for source, impact in (*product((Source.FE, Source.BE), Impact), (Source.OP, Impact.NONE)):
        labels = (project, OTHER, source.value, "", impact.value)
        tally.add(names.EVENTS_TOTAL.name, labels, 0)


def _start_decisions(tally: Tally, catalogue: Catalogue, project: str) -> None:
    without_reason = ((decision, "") for decision in Decision)
    unforeseen = ((decision, OTHER) for decision in (Decision.REJECTED, Decision.PENDING))
    for decision, reason in (*without_reason, *catalogue.reasons, *unforeseen):
        tally.add(names.DECISIONS_TOTAL.name, (project, decision.value, reason), 0)
    # People put nobody on hold; they can agree that somebody is.
    changed = product(("", *Decision), (Decision.APPROVED, Decision.REJECTED))
    for before, after in (*changed, (Decision.PENDING, Decision.PENDING)):
        tally.add(names.VERDICTS_TOTAL.name, (project, str(before), after.value), 0)


def _start_stages(tally: Tally, catalogue: Catalogue, project: str) -> None:
    for stage in catalogue.ordered_stages:
        tally.add(names.STAGE_REACHED_TOTAL.name, (project, stage), 0)
        _start_histogram(tally, names.STAGE_DURATION_SECONDS, (project, stage))


def _start_endings(tally: Tally, catalogue: Catalogue, project: str) -> None:
    for status in _SETTLED:
        _start_histogram(tally, names.SESSION_DURATION_SECONDS, (project, status.value))
        for stage in ("", *catalogue.ordered_stages):
            labels = (project, status.value, stage)
            tally.add(names.SESSIONS_SETTLED_TOTAL.name, labels, 0)
            for correction in (ADDED, REMOVED):
                tally.add(names.SETTLED_CORRECTIONS_TOTAL.name, (*labels, correction), 0)
        for to in _SETTLED:
            moved = (project, status.value, to.value)
            tally.add(names.SESSION_REVISIONS_TOTAL.name, moved, 0)
