"""Tasks, as pages show them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from msgspec.structs import replace

from journeytrace_collector.core.derive import rfc3339
from journeytrace_collector.core.tasks import RESULTS, Task
from journeytrace_collector.store.base import TaskRow
from journeytrace_desk.access.masking import HIDDEN
from journeytrace_desk.views.asked import link

__all__ = ["RESULT", "Item", "hidden", "item", "listed"]

_ASKED: Final = {
    "hold": "A person has to look: the decision is on hold",
    "late_evidence": "A check failed after the approval: look again",
    "screening_failed": "The screening could not search everything: run it again",
    "assigned": "Look after this session",
}
"""What rules ask for."""
RESULT: Final = dict(zip(RESULTS, ("done", "not needed"), strict=True))
"""What can come of a task, in words."""


@dataclass(frozen=True, slots=True)
class Item:
    """One task."""

    id: str
    title: str
    at: str
    by: str
    """Who opened it; empty: a rule did."""
    rule: str | None
    assignee: str
    due: str
    overdue: bool
    closed: str | None
    """When; None: it is open."""
    closed_by: str
    result: str
    text: str
    session: str
    project: str | None
    address: str


def item(task: Task, session_id: str, today: str, project: str | None = None) -> Item:
    """Describe a task of a session; `today` as ``2026-06-01``."""
    closed = task.closed
    return Item(
        id=task.id,
        title=task.title or _ASKED.get(task.rule or "", "Something is to be done"),
        at=rfc3339(task.at),
        by=task.by or "",
        rule=task.rule,
        assignee=task.assignee,
        due=task.due,
        overdue=bool(task.due) and task.due < today and closed is None,
        closed=rfc3339(closed.at) if closed else None,
        closed_by=closed.by if closed else "",
        result=RESULT.get(closed.result, closed.result) if closed else "",
        text=closed.text if closed else "",
        session=session_id,
        project=project,
        address=link("/session/tasks", {"id": session_id}),
    )


def hidden(task: Task) -> Task:
    """Give a task without what somebody wrote."""
    closed = task.closed
    if closed is not None and closed.text:
        closed = replace(closed, text=HIDDEN)
    return replace(task, title=HIDDEN if task.title else "", closed=closed)


def listed(row: TaskRow, session_id: str, today: str, *, masked: bool) -> Item:
    """Describe a task in the list of all; `masked`: without what somebody wrote."""
    task = hidden(row.task) if masked else row.task
    return item(task, session_id, today, row.project)
