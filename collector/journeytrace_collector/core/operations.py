"""What people did with a session: passive events, folded apart from all others (DESIGN section 13).

They are kept and shown, and move nothing of their session but, by a verdict, the decision. So what
is remembered of them stands in a value of its own, and nothing else can read it by accident.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final, TypeAlias, TypeVar

import msgspec

from journeytrace.catalogue import PASSIVE_OF_SERVICES, Catalogue, Role
from journeytrace.conventions import ACTOR_ID, DECISION, Decision, Source
from journeytrace_collector.core.model import Event
from journeytrace_collector.core.tasks import Assigned, TaskLog, assigned, join_logs, task_logs

__all__ = [
    "PASSIVE",
    "VERDICTS",
    "Operations",
    "Verdict",
    "began",
    "chosen",
    "is_passive",
    "join",
    "operations_of",
]

_T = TypeVar("_T")

VERDICTS: Final = frozenset((Role.VERDICT_APPROVE, Role.VERDICT_REJECT, Role.VERDICT_CONFIRM))
"""The roles of what decides."""

Verdict: TypeAlias = tuple[int, bytes, str, str | None, str]
"""(time in ns, event id, decision, its reason, the person): in this order the newest counts."""

PASSIVE: Final = Source.OP.value
"""The source of events that move nothing of their session but, by a verdict, the decision. So do
`PASSIVE_OF_SERVICES`, which are of another."""

_DECISIONS: Final = frozenset(decision.value for decision in Decision)


class _Said(msgspec.Struct):
    """What the metadata of a verdict tell."""

    actor: Any = msgspec.field(name=ACTOR_ID, default=None)
    decision: Any = msgspec.field(name=DECISION, default=None)


_said = msgspec.json.Decoder(_Said).decode


class Operations(msgspec.Struct, omit_defaults=True):
    """What is remembered of the passive events of one session, at least one."""

    events: int
    first: int
    """The time of the earliest, in ns."""
    first_received: int
    """The earliest arrival, in ns."""
    invited: int | None = None
    """The time of the earliest SESSION_INVITED, in ns; None: not seen yet."""
    project: tuple[int, bytes, str] | None = None
    """The newest that was named, for as long as the session has not begun."""
    verdict: Verdict | None = None
    """The newest; None: no person has decided."""
    tasks: dict[str, TaskLog] = {}
    """By id."""
    assigned: Assigned | None = None
    """The newest; None: nobody has said who looks after the session."""
    screened: tuple[int, bytes, bool] | None = None
    """(time in ns, event id, whether something could not be searched) of the newest screening."""
    told: int = 0
    """How many of the events a service has sent, and no person was the cause of."""
    told_size: int = 0
    """Bytes of their metadata as UTF-8, in all."""

    @property
    def kept_from(self) -> int:
        """When the retention of a session begins that has not begun itself, in ns."""
        return self.first if self.invited is None else self.invited


def is_passive(event: Event) -> bool:
    """Whether an event moves nothing of its session but, by a verdict, the decision."""
    return event.source == PASSIVE or event.name in PASSIVE_OF_SERVICES


def began(events: Sequence[Event]) -> int:
    """Give the time of the first event that is not passive, else of the first; at least one, in ns.

    `events` are in their order.
    """
    return next((one.at for one in events if not is_passive(one)), events[0].at)


def operations_of(events: Sequence[Event], catalogue: Catalogue) -> Operations:
    """Give what is remembered of passive events: distinct, at least one."""
    found = Operations(
        events=len(events),
        first=min([event.at for event in events]),
        first_received=min([event.received for event in events]),
    )
    for event in events:
        if event.project_id is not None:
            named = (event.at, event.event_id, event.project_id)
            found.project = chosen(max, found.project, named)
        spec = catalogue.events.get(event.name)
        role = spec.role if spec else None
        if role is Role.INVITE:
            found.invited = chosen(min, found.invited, event.at)
        elif role in VERDICTS:
            found.verdict = chosen(max, found.verdict, _verdict(event, role))
        if event.source != PASSIVE:
            found.told, found.told_size = found.told + 1, found.told_size + event.size
        else:
            found.tasks = join_logs(found.tasks, dict(task_logs(event)))
            found.assigned = chosen(max, found.assigned, assigned(event))
            found.screened = chosen(max, found.screened, _screened(event))
    return found


def _screened(event: Event) -> tuple[int, bytes, bool] | None:
    if event.name != "SCREENING_ENDED":
        return None
    said = msgspec.json.decode(event.metadata)
    failed = any(
        value == "FAILED" for key, value in said.items() if key.startswith("journey.screening.")
    )
    return event.at, event.event_id, failed


def _verdict(event: Event, role: Role | None) -> Verdict | None:
    """Give what an event decides; None: nothing, for what it has to say is missing."""
    said = _said(event.metadata)
    if role is Role.VERDICT_CONFIRM:
        decision = said.decision
    else:
        decision = "APPROVED" if role is Role.VERDICT_APPROVE else "REJECTED"
    if not isinstance(said.actor, str) or decision not in _DECISIONS:
        return None
    reason = None if decision == "APPROVED" else event.reason
    return event.at, event.event_id, decision, reason, said.actor


def join(a: Operations | None, b: Operations | None) -> Operations | None:
    """Join what is remembered of two disjoint sets of events."""
    if a is None or b is None:
        return b if a is None else a
    return Operations(
        events=a.events + b.events,
        first=min(a.first, b.first),
        first_received=min(a.first_received, b.first_received),
        invited=chosen(min, a.invited, b.invited),
        project=chosen(max, a.project, b.project),
        verdict=chosen(max, a.verdict, b.verdict),
        tasks=join_logs(a.tasks, b.tasks),
        assigned=chosen(max, a.assigned, b.assigned),
        screened=chosen(max, a.screened, b.screened),
        told=a.told + b.told,
        told_size=a.told_size + b.told_size,
    )


def chosen(choose: Callable[[_T, _T], _T], a: _T | None, b: _T | None) -> _T | None:
    """Choose between two values of which either may not be known: then it is the other."""
    if a is None or b is None:
        return a if b is None else b
    return choose(a, b)
