"""What each side saw of sessions: written when one comes to rest, and counted by the database."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from operator import itemgetter
from types import MappingProxyType
from typing import Any, Final

from journeytrace.catalogue import PASSIVE_OF_SERVICES, Catalogue
from journeytrace_collector.core.operations import PASSIVE
from journeytrace_collector.core.sighting import Numbers, Sighted
from journeytrace_collector.insight.groups import groups_told
from journeytrace_collector.insight.loss import Sightings, choose, mask
from journeytrace_collector.store.base import Cohort
from journeytrace_collector.store.cohorts import within
from journeytrace_collector.store.sql import Dialect, Sql
from journeytrace_collector.store.texts import storable_text

__all__ = ["BY", "COLUMNS", "IN_ORDER", "READ", "counted", "numbered", "values"]

COLUMNS: Final = ("seen", "of_release", "of_browser", "of_country")
"""Of a session, in the order of `values`."""

BY: Final[Mapping[str, str]] = MappingProxyType(
    {
        "browser": "of_browser",
        "release": "of_release",
        "country": "of_country",
        "project": "project_id",
    }
)
"""The column that holds each that sessions can be told apart by."""

READ: Final = "SELECT session_no, name, source, stage, metadata FROM events WHERE session_no {}"
"""What `values` reads of the events of sessions; behind it comes which sessions."""
IN_ORDER: Final = " ORDER BY session_no, at, event_id"

SAMPLE: Final = 10_000
"""Sessions, the newest, by which is seen what most of them do at each stage."""


def numbered(execute: Callable[[str, Any], Any], placeholder: str, catalogue: Catalogue) -> Numbers:
    """Give the numbers that hold in this store, and keep those that are new."""
    known = [name for (name,) in execute("SELECT name FROM sighted ORDER BY no", ()).fetchall()]
    numbers = Numbers(catalogue, known)
    for no, name in enumerate(numbers.names[len(known) :], len(known)):
        execute(f"INSERT INTO sighted VALUES ({placeholder}, {placeholder})", (no, name))
    return numbers


def values(
    numbers: Numbers, sessions: Iterable[int], rows: Iterable[tuple[Any, ...]]
) -> Iterator[tuple[object, ...]]:
    """Give the values of `COLUMNS` and the number of each session.

    `rows` are what `READ` gives of them, `IN_ORDER`.
    """
    events = {no: list(mine) for no, mine in groupby(rows, itemgetter(0))}
    for no in sessions:
        mine = [
            event
            for event in events.get(no, ())
            if event[2] != PASSIVE and event[1] not in PASSIVE_OF_SERVICES
        ]
        seen = numbers.of((name, source, stage) for _, name, source, stage, _ in mine)
        of = groups_told(metadata for *_, metadata in mine)
        groups = (of.release, of.browser, of.country)
        yield (seen, *(one and storable_text(one) for one in groups), no)


def counted(
    cohort: Cohort,
    numbers: Numbers,
    how: Dialect,
    ask: Callable[[Sql], Sequence[tuple[Any, ...]]],
    *,
    by: str | None,
    newest: int | None,
) -> Sightings:
    """Count the sessions of a cohort that have come to rest; `newest`: of these, so many.

    First a few are looked at, for what most of them do. By that alone all are told apart, so that
    there are few kinds of them.
    """
    sample = ask(_grouped(("NULL", "NULL", "seen"), cohort, how, min(newest or SAMPLE, SAMPLE)))
    chosen = choose((Sighted(*row) for row in sample), numbers)
    column = "NULL" if by is None else BY[by]
    bits = f"seen & {mask(chosen, numbers)}"
    rows = ask(_grouped((column, "stage", bits), cohort, how, newest))
    return Sightings([Sighted(*row) for row in rows], chosen, numbers)


def _grouped(
    columns: tuple[str, str, str], cohort: Cohort, how: Dialect, newest: int | None
) -> Sql:
    group, stage, seen = columns
    inside = within(cohort, how)
    index = how.indexed_by.format("sessions_seen")
    source = f"sessions{index} WHERE seen IS NOT NULL AND {inside.text}"
    bound: tuple[object, ...] = inside.values
    if newest is not None:
        some = f"SELECT * FROM {source} ORDER BY created_at DESC LIMIT {how.placeholder}"
        source, bound = f"({some}) AS sessions", (*bound, newest)
    text = f"SELECT {group} AS grouped, {stage} AS highest, {seen} AS bits, count(*) FROM {source}"
    return Sql(f"{text} GROUP BY 1, 2, 3", bound)
