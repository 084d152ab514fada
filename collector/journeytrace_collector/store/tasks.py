"""Open tasks in rows: a projection of the states of their sessions, the same in every store.

It is written in the transaction that changes a state, so that it never differs from it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from journeytrace_collector.core import asking
from journeytrace_collector.core.sessionize import SessionState
from journeytrace_collector.core.tasks import Task
from journeytrace_collector.store.base import TaskQuery, TaskRow
from journeytrace_collector.store.sql import Dialect, Sql, all_of

__all__ = ["COLUMNS", "changed_rows", "listed", "row_of", "rows"]

COLUMNS: Final = (
    "session_no",
    "id",
    "project_id",
    "since",
    "opened_by",
    "rule",
    "title",
    "assignee",
    "due",
)
"""Of what `rows` gives."""

_NO_DAY: Final = "9999-12-31"
"""Stands for none, so that it comes last."""


def rows(no: int, state: SessionState) -> list[tuple[object, ...]]:
    """Give the columns of all open tasks of a session, which has this number."""
    project = state.project
    return [
        (
            *(no, one.id, project, one.at, one.by, one.rule, one.title, one.assignee),
            one.due or _NO_DAY,
        )
        for one in asking.tasks(state)
        if one.closed is None
    ]


def changed_rows(
    no: int, before: SessionState | None, after: SessionState
) -> list[tuple[object, ...]] | None:
    """Give the rows that stand for a session from now on; None: the same as before."""
    if before is not None and asking.alike(before, after):
        return None
    found = rows(no, after)
    return None if found == (rows(no, before) if before else []) else found


def row_of(row: Sequence[Any]) -> TaskRow:
    """Read a row of `listed`."""
    session_id, no, name, project, since, by, rule, title, assignee, due = row
    day = "" if due == _NO_DAY else due
    task = Task(name, since, by, rule, title, assignee, day, None)
    return TaskRow(session_id, project, task, (due, since, no, name))


def listed(query: TaskQuery, dialect: Dialect) -> Sql:
    """Give the query for a page of tasks."""
    value = dialect.placeholder
    met = []
    if query.assignee is not None:
        met.append(Sql(f"tasks.assignee = {value}", (query.assignee,)))
    if query.before is not None:
        met.append(Sql(f"tasks.due < {value}", (min(query.before, _NO_DAY),)))
    if query.projects is not None:
        among = ", ".join([value] * len(query.projects)) or "NULL"
        met.append(Sql(f"tasks.project_id IN ({among})", tuple(sorted(query.projects))))
    order = "tasks.due, tasks.since, tasks.session_no, tasks.id"
    if query.after is not None:
        met.append(Sql(f"({order}) > ({value}, {value}, {value}, {value})", query.after))
    where = all_of(met)
    columns = ", ".join(f"tasks.{column}" for column in COLUMNS)
    text = (
        f"SELECT session_id, {columns} FROM tasks JOIN sessions ON no = session_no"
        f" WHERE {where.text} ORDER BY {order} LIMIT {value}"
    )
    return Sql(text, (*where.values, query.limit))
