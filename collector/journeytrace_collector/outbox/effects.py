"""A change → what is committed with it: counters, and what each exporter lets leave."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable, Mapping
from typing import Final

from journeytrace.conventions import COLLECTOR_EXPORT_FAILURES_TOTAL
from journeytrace_collector.background import Once
from journeytrace_collector.core.change import Change, Followup, Parcel, halves
from journeytrace_collector.core.measure import Measure
from journeytrace_collector.core.unknown import UnknownNames
from journeytrace_collector.health import Health
from journeytrace_collector.outbox.exporter import Exporter

__all__ = ["effects"]

_log = logging.getLogger(__name__)

MOST_FAULTS: Final = 100
"""Looked for in one change: where a fault is everywhere, that would only hold up ingest."""

_Faults = list[tuple[Change, Exception]]


def effects(
    measure: Measure,
    exporters: Mapping[str, Exporter],
    health: Health,
    unknown: UnknownNames | None = None,
) -> Callable[[Change], Followup]:
    """Give what is committed with a change: counters, and each exporter's parcels.

    Once it is, `unknown` takes note of its names; None: nobody does.

    A fault of one exporter costs neither the events nor the other exporters, and of its own parcels
    only those of which it cannot say alone what has to leave.
    """
    said = Once()

    def follow(change: Change) -> Followup:
        tally = measure.tally(change)
        parcels = list(change.parcels)
        for name, exporter in exporters.items():
            faults: _Faults = []
            parcels += _parcels(exporter, change, faults)
            if faults:
                health.add(COLLECTOR_EXPORT_FAILURES_TOTAL, (name, "internal"), len(faults))
                _tell(name, faults, said)

        def committed() -> None:
            measure.learn(tally)
            if unknown is not None:
                _warn(unknown, change)

        return Followup(tally, parcels, committed)

    return follow


def _warn(unknown: UnknownNames, change: Change) -> None:
    """Log each name outside the catalogue once, while there are not too many."""
    was_complete = unknown.complete
    for name in unknown.note(change):
        slip = f'; or is it a slip for "{name.similar}"' if name.similar else ""
        _log.warning(
            'the %s "%s" is not in the catalogue: it is kept as it came, but nobody knows what it'
            " means; `journeytrace catalogue unknown` writes the lines for the file that"
            " --catalogue names%s",
            name.kind,
            name.name,
            slip,
        )
    if was_complete and not unknown.complete:
        _log.warning("further names that are not in the catalogue are not told")


def _parcels(exporter: Exporter, change: Change, faults: _Faults) -> list[Parcel]:
    try:
        return list(exporter.parcels(change))
    except Exception as error:
        parts = halves(change) if len(faults) < MOST_FAULTS else None
        if parts is None:
            faults.append((change, error))
            return []
    first, second = parts
    return [*_parcels(exporter, first, faults), *_parcels(exporter, second, faults)]


def _tell(exporter: str, faults: _Faults, said: Once) -> None:
    """Log each kind of fault once. Not in the error's own words, which can hold anybody's data."""
    for change, error in faults:
        where = traceback.extract_tb(error.__traceback__)[-1]
        fault = f"{type(error).__name__} at {where.filename}:{where.lineno} in {where.name}"
        if said.first(f"{exporter}: {fault}"):
            _log.error(
                "the exporter %s could not say what has to leave of %s, so nothing of that will"
                " (further faults like this are only counted): %s",
                exporter,
                _described(change),
                fault,
            )


def _described(change: Change) -> str:
    if change.traces:
        return f"spans of {sum(request.ByteSize() for request in change.traces)} bytes"
    if change.logged:
        return f"{len(change.logged)} events that came as log records"
    return f"{len(change.sessions)} sessions that changed"
