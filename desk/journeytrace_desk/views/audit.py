"""Everything that was done with a session: who, when, from where, what, and what it changed.

These are the events of people themselves, one line each, so that none can be missing; among them
stand the decisions and analyses that came without a person.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from journeytrace.catalogue import PASSIVE_OF_SERVICES, Catalogue, Role
from journeytrace.conventions import (
    ACTOR_ADDRESS,
    ACTOR_ID,
    DECISION,
    PRIVATE_TEXT,
    PRIVATE_TITLE,
    REASON,
    SESSION_ASSIGNEE,
    TASK_ASSIGNEE,
    TASK_DUE,
    TASK_ID,
    TASK_RESULT,
    Source,
)
from journeytrace_collector.core.derive import AUTOMATIC, rfc3339
from journeytrace_collector.core.model import Event
from journeytrace_collector.core.operations import VERDICTS
from journeytrace_collector.core.tasks import ASSIGNED, CLOSED, OPENED
from journeytrace_desk.views import as_known
from journeytrace_desk.views.acts import PURPOSE
from journeytrace_desk.views.asked import link
from journeytrace_desk.views.documents import fields
from journeytrace_desk.views.events import place

__all__ = ["COLUMNS", "Line", "cells", "chosen", "trail"]

COLUMNS: Final = (
    "at",
    "event id",
    "who",
    "from",
    "what",
    "meaning",
    "before",
    "after",
    "more",
)
_SHOWN: Final = 300
"""Characters of what else is told that a page shows."""
_WORDS: Final = {
    PURPOSE: "purpose",
    PRIVATE_TEXT: "text",
    PRIVATE_TITLE: "title",
    REASON: "reason",
    TASK_ID: "task",
}
"""What attributes are called here; the others have their own names."""
_VERDICTS: Final = VERDICTS | {Role.VERDICT_PROPOSE}
_DECIDES: Final = {Role.VERDICT_APPROVE: "APPROVED", Role.VERDICT_REJECT: "REJECTED"}
_TASKS: Final = (TASK_ASSIGNEE, TASK_DUE, TASK_RESULT)
_TOLD: Final = frozenset({ACTOR_ID, ACTOR_ADDRESS, SESSION_ASSIGNEE, *_TASKS})
"""What a line tells elsewhere."""


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that was done."""

    at: str
    day: str
    """As ``2026-06-01``, in UTC."""
    event_id: str
    who: str
    """`AUTOMATIC`: no person; empty: it is not said."""
    origin: str
    """The address that it was done from; empty: it is not recorded."""
    name: str
    meaning: str
    before: str
    """What was so until then; empty: nothing, or it changes nothing."""
    after: str
    more: str
    """What else was said."""
    address: str
    """Where the event is among all others."""
    then: str
    """The session as it was known when a person decided; empty: nobody did."""

    @property
    def brief(self) -> str:
        """What else was said, cut."""
        return self.more if len(self.more) <= _SHOWN else f"{self.more[: _SHOWN - 1]}…"


def trail(session_id: str, events: Sequence[Event], catalogue: Catalogue) -> list[Line]:
    """Give all that was done, the newest first; `events` are all of the session, in their order."""
    known = _Known()
    lines = []
    for event in events:
        spec = catalogue.events.get(event.name)
        role = spec.role if spec else None
        is_ones = event.source == Source.OP
        decides = event.source == Source.BE and spec is not None and spec.decision is not None
        if not (is_ones or decides or event.name in PASSIVE_OF_SERVICES):
            continue
        said = fields(event)
        decision = spec.decision.value if decides and spec and spec.decision else None
        before, after = known.change(event, role, said, decision)
        who = _text(said.get(ACTOR_ID)) if is_ones else AUTOMATIC
        at = rfc3339(event.at)
        lines.append(
            Line(
                at=at,
                day=at[:10],
                event_id=event.event_id.hex(),
                who=who,
                origin=_text(said.get(ACTOR_ADDRESS)) if is_ones else "",
                name=event.name,
                meaning=spec.meaning if spec else "",
                before=before,
                after=after,
                more=_more(event, said),
                address=place(session_id, events, event),
                then=link("/session", {"id": session_id, "as_of": as_known.before(event)})
                if role in _VERDICTS
                else "",
            )
        )
    return lines[::-1]


class _Known:
    """What is known of a session, one event after the other."""

    def __init__(self) -> None:
        self._automatic = self._verdict = self._assignee = ""
        self._tasks: dict[str, str] = {}

    def change(
        self, event: Event, role: Role | None, said: Mapping[str, object], decision: str | None
    ) -> tuple[str, str]:
        """Give what was so before an event, and what is after it; empty: it changes nothing."""
        if decision is not None or role in VERDICTS:
            before = self._verdict or self._automatic
            if decision is not None:
                self._automatic = _with(decision, event.reason)
            else:
                told = _DECIDES.get(role) if role else None
                self._verdict = _with(told or _text(said.get(DECISION)), event.reason)
            return before, self._verdict or self._automatic
        if event.source != Source.OP:
            return "", ""
        if event.name == ASSIGNED:
            before, self._assignee = self._assignee, _text(said.get(SESSION_ASSIGNEE))
            return before or "nobody", self._assignee or "nobody"
        if event.name in {OPENED, CLOSED}:
            task = _text(said.get(TASK_ID))
            word = "open" if event.name == OPENED else "closed"
            after = ", ".join([word, *(text for key in _TASKS if (text := _text(said.get(key))))])
            before, self._tasks[task] = self._tasks.get(task, ""), after
            return before, after
        return "", ""


def _with(decision: str, reason: str | None) -> str:
    return f"{decision} {reason}" if reason and decision != "APPROVED" else decision


def _more(event: Event, said: Mapping[str, object]) -> str:
    told = {REASON: event.reason} if event.reason else {}
    parts = {**told, **{key: value for key, value in said.items() if key not in _TOLD}}
    return ", ".join(f"{_WORDS.get(key, key)}: {_text(value)}" for key, value in parts.items())


def _text(value: object) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def chosen(lines: Sequence[Line], given: Mapping[str, str]) -> Iterator[Line]:
    """Choose by who, by what, and by the days from ``since`` on and before ``until``."""
    for line in lines:
        if given.get("who") not in {None, line.who} or given.get("what") not in {None, line.name}:
            continue
        if given.get("since", "") <= line.day and line.day < given.get("until", "9999-12-31"):
            yield line


def cells(line: Line) -> Sequence[str | None]:
    """Give the row of one line in a file, in the order of `COLUMNS`."""
    return (
        *(line.at, line.event_id, line.who, line.origin, line.name, line.meaning),
        *(line.before, line.after, line.more),
    )
