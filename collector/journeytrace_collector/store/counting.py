"""Sessions counted by the database: none of them is read by us."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from journeytrace.conventions import Decision, Impact, Status
from journeytrace_collector.core.attempts import Per
from journeytrace_collector.core.derive import Phase
from journeytrace_collector.core.marks import OneEvent
from journeytrace_collector.core.overview import Outcome
from journeytrace_collector.store.base import Cohort
from journeytrace_collector.store.cohorts import stands, superseded, within
from journeytrace_collector.store.conditions import of_event
from journeytrace_collector.store.sql import Dialect, Sql

__all__ = ["blocks", "outcomes", "projects", "read_outcomes"]

_ALIKE = "stage, decision, reason"


def outcomes(
    cohort: Cohort, now: int, idle_timeout: int, how: Dialect, stages: Sequence[str]
) -> Sql:
    """Give the query for what `read_outcomes` adds up; times in ns.

    First all, by what time alone cannot change and in the order of an index. From these are taken
    the sessions that do not stand for their persons, where people are counted. Last come those in
    progress: they are few, and no index that is read as a whole has to know when each was idle.
    """
    inside = within(cohort, how)
    by_outcome, by_idle = map(how.indexed_by.format, ("sessions_outcome", "sessions_idle"))
    every = Sql(f"sessions{by_outcome} WHERE {inside.text}", inside.values)
    idle = how.idle(">", now - idle_timeout) & inside
    if cohort.per is Per.PERSON:
        idle &= stands(cohort, how, stages)
    parts = [
        _counted("phase", "count(*)", every),
        _counted(
            f"'{Status.IN_PROGRESS.value}'",
            "count(*)",
            Sql(f"sessions{by_idle} WHERE phase = 'OPEN' AND {idle.text}", idle.values),
        ),
    ]
    if cohort.per is Per.PERSON:
        parts.append(_counted("phase", "-count(*)", superseded(cohort, how, stages)))
    return Sql(
        " UNION ALL ".join(part.text for part in parts), sum((part.values for part in parts), ())
    )


def _counted(status: str, count: str, source: Sql) -> Sql:
    text = (
        f"SELECT {status} AS status, {_ALIKE}, {count} FROM {source.text} GROUP BY phase, {_ALIKE}"
    )
    return Sql(text, source.values)


def read_outcomes(rows: Iterable[tuple[Any, ...]]) -> list[Outcome]:
    """Add up what the query of `outcomes` gives: open sessions are in progress or dropped."""
    found: Counter[tuple[Any, ...]] = Counter()
    for status, *alike, count in rows:
        found[status, *alike] += count
        if status == Status.IN_PROGRESS:
            found[Phase.OPEN.value, *alike] -= count
    return [
        Outcome(
            Status.DROPPED if status == Phase.OPEN else Status(status),
            stage,
            Decision(decision) if decision else None,
            reason,
            count,
        )
        for (status, stage, decision, reason), count in found.items()
        if count
    ]


def blocks(cohort: Cohort, how: Dialect, stages: Sequence[str]) -> Sql:
    """Give the query for the sessions of `cohort` by the names of events that blocked them."""
    inside, blocked = within(cohort, how), of_event(OneEvent(impact=Impact.BLOCKED), how)
    by_hurdle, by_outcome = map(how.indexed_by.format, ("events_hurdles", "sessions_outcome"))
    numbers = f"SELECT no FROM sessions{by_outcome} WHERE {inside.text}"
    where = blocked & Sql(f"session_no IN ({numbers})", inside.values)
    if cohort.per is Per.PERSON:
        apart = superseded(cohort, how, stages)
        where &= Sql(f"session_no NOT IN (SELECT no FROM {apart.text})", apart.values)
    text = (
        f"SELECT name, count(DISTINCT session_no) FROM events{by_hurdle}"
        f" WHERE {where.text} GROUP BY name"
    )
    return Sql(text, where.values)


def projects(limit: int, how: Dialect) -> Sql:
    """Give the query for the projects that there are: from each to the next one in their index."""
    table = f"sessions{how.indexed_by.format('sessions_project_id')}"
    folded = how.folded.format("project_id")
    next_one = (
        f"(SELECT project_id FROM {table} WHERE project_id IS NOT NULL{{}}"
        f" ORDER BY {folded} LIMIT 1)"
    )
    after = f" AND {folded} > {how.folded.format('found.name')}"
    text = (
        f"WITH RECURSIVE found(name) AS (SELECT {next_one.format('')}"
        f" UNION ALL SELECT {next_one.format(after)} FROM found WHERE name IS NOT NULL)"
        f" SELECT name FROM found WHERE name IS NOT NULL LIMIT {how.placeholder}"
    )
    return Sql(text, (limit,))
