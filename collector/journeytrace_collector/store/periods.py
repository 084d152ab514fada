"""How long projects have their sessions kept, in rows, and which projects there are.

The rows are a history: they are added and never changed, so their number tells whether others have
added some. Whoever adds one also counts anew when the sessions expire that it holds for: those
whose clock was ahead of ours.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

from journeytrace.conventions import DEFAULT_RETENTION_DAYS
from journeytrace_collector.core.acts import RETENTION
from journeytrace_collector.core.retention import Period, Retention
from journeytrace_collector.core.sessionize import NEVER
from journeytrace_collector.store.base import Act
from journeytrace_collector.store.sql import Dialect, Sql
from journeytrace_collector.store.writing import Writing

__all__ = ["ADD", "EXPIRES", "READ", "begun_in", "chosen", "expiring", "period_of"]

_COLUMNS: Final = ", ".join(Period._fields)
READ: Final = f"SELECT {_COLUMNS} FROM retention_periods"
ADD: Final = f"INSERT INTO retention_periods ({_COLUMNS}) VALUES ({{0}}, {{0}}, {{0}}, {{0}})"
EXPIRES: Final = "UPDATE sessions SET expires_at = {0} WHERE no = {0}"


def period_of(row: Sequence[Any]) -> Period:
    """Read a row of `READ`."""
    project_id, since, days, was_chosen = row
    return Period(project_id, since, days, bool(was_chosen))


def chosen(
    known: Retention, project: str, days: int, actor: str, now: int
) -> tuple[Period, Act] | None:
    """Give what choosing a period adds; None: it holds already."""
    before = known.latest().get(project, DEFAULT_RETENTION_DAYS)
    if before == days:
        return None
    said = {"before": before, "after": days}
    return known.next(project, now, days, chosen=True), Act(
        now, actor, RETENTION, project or None, detail=said
    )


def begun_in(period: Period, dialect: Dialect) -> Sql:
    """Give the query for the sessions that a new period holds for."""
    value = dialect.placeholder
    return Sql(
        f"SELECT no, state FROM sessions WHERE created_at >= {value} AND created_at < {NEVER}"
        f" AND coalesce(project_id, '') = {value}",
        (period.since, period.project_id),
    )


def expiring(
    writing: Writing, retention: Retention, rows: Iterable[Sequence[Any]]
) -> list[tuple[int, int]]:
    """Give (expires_at, no) of rows of `begun_in`."""
    return [(retention.expires_at(writing.state(state)), no) for no, state in rows]
