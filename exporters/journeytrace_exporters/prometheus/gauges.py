"""What is so at this moment, as series. One that falls to 0 stays: a gap looks like a fault."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from journeytrace import conventions as names
from journeytrace.conventions import OTHER
from journeytrace_collector.core.change import Tally
from journeytrace_collector.store.base import OutboxState

__all__ = ["open_sessions", "outbox", "versions"]

_NS_PER_SECOND: Final = 1_000_000_000
_NOTHING: Final = OutboxState(waiting=0, oldest_at=None, parked=0)


def open_sessions(found: Mapping[tuple[str | None, str | None], int], counters: Tally) -> Tally:
    """Count open sessions by project and stage, under the labels that `counters` have.

    A project without counters of its own was one too many when it came, so it is "other" here too.
    """
    projects = {labels[0] for labels in _labels(names.SESSIONS_STARTED_TOTAL, counters)}
    stages = {labels[1] for labels in _labels(names.STAGE_REACHED_TOTAL, counters)}
    tally = Tally()
    for project in projects:
        for stage in ("", *stages):
            tally.add(names.SESSIONS_OPEN.name, (project, stage), 0)
    for (project_id, stage_name), count in found.items():
        project = project_id or ""
        labels = (project if project in projects else OTHER, stage_name or "")
        tally.add(names.SESSIONS_OPEN.name, labels, count)
    return tally


def outbox(found: Mapping[str, OutboxState], health: Tally, now: int) -> Tally:
    """Tell how each destination is doing at `now` (ns).

    `found` lacks those to which nothing has to go; they are known by their counters in `health`.
    """
    failures = _labels(names.COLLECTOR_EXPORT_FAILURES_TOTAL, health)
    # An internal failure counts under an exporter's name, which need not be a destination's.
    known = {destination for destination, kind in failures if kind != "internal"}
    tally = Tally()
    for destination in known.union(found):
        state = found.get(destination, _NOTHING)
        rows = names.COLLECTOR_OUTBOX_ROWS.name
        tally.add(rows, (destination, "waiting"), state.waiting)
        tally.add(rows, (destination, "parked"), state.parked)
        # The clock may have been set back since the row was written.
        age = 0 if state.oldest_at is None else max(0, now - state.oldest_at)
        tally.add(names.COLLECTOR_OUTBOX_AGE_SECONDS.name, (destination,), age / _NS_PER_SECOND)
    return tally


def versions(found: Mapping[tuple[str, str], int]) -> Tally:
    """Tell when each (service, version) was seen first."""
    name = names.SERVICE_FIRST_SEEN_TIMESTAMP_SECONDS.name
    return Tally({(name, version): at / _NS_PER_SECOND for version, at in found.items()})


def _labels(metric: names.Metric, tally: Tally) -> Iterator[tuple[str, ...]]:
    return (labels for name, labels in tally.rises if name == metric.name)
