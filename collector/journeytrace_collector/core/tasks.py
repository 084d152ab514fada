"""What is to be done about a session, and by whom: a fold of what people did (DESIGN section 13).

A task is what TASK_OPENED and TASK_CLOSED say under one id; of each the newest counts, and of the
two the newer tells whether the task is open. So one that is opened again under its id is changed,
or not closed any more.

Rules ask for something to be done, too: `core.asking` tells that from the state of a session, and
nothing is recorded for it. Such a task is there for as long as what it is about; meanwhile people
can change and close it under its id like any other.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from typing import Any, Final

import msgspec

from journeytrace import conventions as names
from journeytrace_collector.core.fields import printable
from journeytrace_collector.core.model import Event

__all__ = [
    "ASSIGNED",
    "CLOSED",
    "OPENED",
    "RESULTS",
    "RULES",
    "Assigned",
    "Closing",
    "Task",
    "TaskLog",
    "Wanted",
    "assigned",
    "join_logs",
    "read_day",
    "task_logs",
    "tasks_of",
]

OPENED: Final = "TASK_OPENED"
CLOSED: Final = "TASK_CLOSED"
ASSIGNED: Final = "SESSION_ASSIGNED"
RESULTS: Final = ("DONE", "NOT_NEEDED")
"""What can come of a task."""

RULES: Final = ("hold", "late_evidence", "screening_failed", "assigned")
"""Names of what asks for something by itself. The ids of their tasks begin with them."""

MAX_TITLE: Final = 200
"""Characters of a title that are kept."""
_MAX_ID: Final = 128


class _Opening(msgspec.Struct, frozen=True, array_like=True, order=True):
    """What TASK_OPENED said, in the order in which the newest counts."""

    at: int
    """ns"""
    event_id: bytes
    by: str
    title: str
    assignee: str
    """Empty: nobody in particular."""
    due: str
    """A day, ``2026-06-01``; empty: none."""


class Closing(msgspec.Struct, frozen=True, array_like=True, order=True):
    """What TASK_CLOSED said."""

    at: int
    """ns"""
    event_id: bytes
    by: str
    result: str
    text: str
    """Empty: nothing was said."""


class TaskLog(msgspec.Struct, frozen=True, array_like=True):
    """What is remembered of one task."""

    opened: _Opening | None = None
    closed: Closing | None = None
    first: tuple[int, bytes, str] | None = None
    """(time in ns, event id, by whom) of the earliest opening."""


class Assigned(msgspec.Struct, frozen=True, array_like=True, order=True):
    """Who looks after a session."""

    at: int
    """ns"""
    event_id: bytes
    by: str
    """Who said so."""
    to: str
    """Empty: nobody does."""


class Wanted(msgspec.Struct, frozen=True):
    """What a rule asks for."""

    rule: str
    """Its name, one of `RULES`."""
    about: str
    """What it is about, in one word: what was decided, say."""
    at: int
    """Since when, in ns: what was closed before that is open again."""
    assignee: str = ""

    @property
    def id(self) -> str:
        """The same for as long as it is about the same."""
        return f"{self.rule}:{self.about}"


class Task(msgspec.Struct, frozen=True):
    """One thing to do."""

    id: str
    at: int
    """Since when, in ns."""
    by: str | None
    """Who opened it; None: a rule did."""
    rule: str | None
    """The name of the rule that asks for it; None: a person does."""
    title: str
    """What is to be done; empty: what the rule says."""
    assignee: str
    """Empty: nobody in particular."""
    due: str
    """A day, ``2026-06-01``; empty: none."""
    closed: Closing | None
    """None: it is open."""


class _Said(msgspec.Struct):
    """What the metadata of these events tell."""

    actor: Any = msgspec.field(name=names.ACTOR_ID, default=None)
    id: Any = msgspec.field(name=names.TASK_ID, default=None)
    title: Any = msgspec.field(name=names.PRIVATE_TITLE, default=None)
    assignee: Any = msgspec.field(name=names.TASK_ASSIGNEE, default=None)
    due: Any = msgspec.field(name=names.TASK_DUE, default=None)
    result: Any = msgspec.field(name=names.TASK_RESULT, default=None)
    text: Any = msgspec.field(name=names.PRIVATE_TEXT, default=None)
    to: Any = msgspec.field(name=names.SESSION_ASSIGNEE, default=None)


_said = msgspec.json.Decoder(_Said).decode


def task_logs(event: Event) -> Iterator[tuple[str, TaskLog]]:
    """Give what one event says of a task, by its id; nothing: it says nothing."""
    if event.name not in {OPENED, CLOSED}:
        return
    said = _said(event.metadata)
    name, by = _text(said.id)[:_MAX_ID], _text(said.actor)
    if not name:
        return
    if event.name == CLOSED:
        result = said.result if said.result in RESULTS else RESULTS[0]
        closing = Closing(event.at, event.event_id, by, result, _text(said.text))
        yield name, TaskLog(closed=closing)
        return
    title, assignee = _text(said.title)[:MAX_TITLE], _text(said.assignee)
    due = read_day(_text(said.due)) or ""
    opening = _Opening(event.at, event.event_id, by, title, assignee, due)
    yield name, TaskLog(opening, None, (event.at, event.event_id, by))


def assigned(event: Event) -> Assigned | None:
    """Give whom one event gives the session to; None: it does not say."""
    if event.name != ASSIGNED:
        return None
    said = _said(event.metadata)
    return Assigned(event.at, event.event_id, _text(said.actor), _text(said.to))


def join_logs(a: Mapping[str, TaskLog], b: Mapping[str, TaskLog]) -> dict[str, TaskLog]:
    """Join what is remembered of tasks by two disjoint sets of events."""
    joined = dict(a)
    for name, log in b.items():
        known = joined.get(name)
        joined[name] = log if known is None else _join(known, log)
    return joined


def _join(a: TaskLog, b: TaskLog) -> TaskLog:
    return TaskLog(
        max((one for one in (a.opened, b.opened) if one), default=None),
        max((one for one in (a.closed, b.closed) if one), default=None),
        min((one for one in (a.first, b.first) if one), default=None),
    )


def tasks_of(logs: Mapping[str, TaskLog], wanted: Iterable[Wanted]) -> list[Task]:
    """Give all tasks, those that rules ask for among them: the open ones first, by their days."""
    rules = {one.id: one for one in wanted}
    found = (_task(name, logs.get(name, TaskLog()), rules.get(name)) for name in {**logs, **rules})
    return sorted((task for task in found if task), key=_order)


def _task(name: str, log: TaskLog, wanted: Wanted | None) -> Task | None:
    """Give one task; None: there is nothing to tell of it."""
    opened, closed = log.opened, log.closed
    rule = name.partition(":")[0]
    is_rules = ":" in name and rule in RULES
    since = max(_stamp(opened), (wanted.at, b"") if wanted else (0, b""))
    if closed is not None and (closed.at, closed.event_id) < since:
        closed = None
    if wanted is None and closed is None and (is_rules or opened is None):
        return None
    if opened is None and not is_rules:
        return None
    first, _, by = log.first or (closed.at if closed else 0, b"", "")
    return Task(
        id=name,
        at=wanted.at if wanted else first,
        by=None if is_rules else by,
        rule=rule if is_rules else None,
        title=opened.title if opened else "",
        assignee=opened.assignee if opened else wanted.assignee if wanted else "",
        due=opened.due if opened else "",
        closed=closed,
    )


def _stamp(opened: _Opening | None) -> tuple[int, bytes]:
    return (opened.at, opened.event_id) if opened else (0, b"")


def _order(task: Task) -> tuple[bool, str, int, str]:
    return task.closed is not None, task.due or "9999-12-31", task.at, task.id


def read_day(text: str) -> str | None:
    """Read a day; None: it is none."""
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        return None


def _text(value: Any) -> str:
    # One line of it, which every store can hold.
    return printable(" ".join(value.split())) if isinstance(value, str) else ""
