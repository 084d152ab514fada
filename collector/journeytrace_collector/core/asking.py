"""What rules ask people to do about a session: told by its state, and recorded nowhere.

* ``hold``: it waits for a person to look, as its decision says (`HELD`).
* ``late_evidence``: it is approved, and a check has failed that nobody can have known of: it
  happened after the automatic decision, or came in after the person's.
* ``screening_failed``: the newest screening could not search all that it should have.
* ``assigned``: somebody was given the session to look after, and no person has decided since.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from journeytrace.conventions import Decision
from journeytrace_collector.core.sessionize import SessionState
from journeytrace_collector.core.tasks import Task, Wanted, tasks_of

__all__ = ["HELD", "alike", "tasks", "wanted"]

_NOBODY: Final = (0, b"", None)

HELD: Final = frozenset({"FACE_AGENT_REVIEW"})
"""The reasons of a PENDING decision that a person has to resolve."""


def tasks(state: SessionState) -> list[Task]:
    """Give all tasks of a session, the open ones first; of one that has not begun: none."""
    if not state.begun:
        return []
    asked, operations = list(wanted(state)), state.operations
    logs = operations.tasks if operations else {}
    return tasks_of(logs, asked) if logs or asked else []


def alike(before: SessionState, after: SessionState) -> bool:
    """Whether a session has the same tasks, as is quickly told of most."""
    return (
        before.operations is after.operations
        and before.decided is after.decided
        and before.failed is after.failed
        and (before.events > 0) is (after.events > 0)
        and before.kept.get("project_id", _NOBODY)[2] == after.kept.get("project_id", _NOBODY)[2]
    )


def wanted(state: SessionState) -> Iterator[Wanted]:
    """Give what rules ask for."""
    operations = state.operations
    if state.decision is not None:
        yield from _of_decision(state, *state.decision)
    if operations is None:
        return
    if operations.screened is not None and operations.screened[2]:
        at, event_id, _ = operations.screened
        yield Wanted("screening_failed", event_id.hex(), at)
    given, verdict = operations.assigned, operations.verdict
    if given is not None and given.to and (verdict is None or _decided_at(state) < given.at):
        yield Wanted("assigned", given.event_id.hex(), given.at, given.to)


def _of_decision(
    state: SessionState, at: int, event_id: bytes, decision: str, reason: str | None
) -> Iterator[Wanted]:
    if decision == Decision.PENDING and reason in HELD:
        yield Wanted("hold", event_id.hex(), at)
    if decision == Decision.APPROVED and state.failed is not None:
        happened, came = state.failed
        by_person = state.operations is not None and state.operations.verdict is not None
        if (came if by_person else happened) > at:
            yield Wanted("late_evidence", event_id.hex(), came)


def _decided_at(state: SessionState) -> int:
    return state.decision[0] if state.decision else 0
