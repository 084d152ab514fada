"""State and time → status and summary: pure, computed whenever somebody asks (DESIGN section 5)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Final

import msgspec

from journeytrace.catalogue import ErrorCodeSpec
from journeytrace.conventions import Decision, Impact, Status
from journeytrace.identity import support_code, trace_id
from journeytrace_collector.core.model import Proposal, Rfc3339, Why
from journeytrace_collector.core.retention import NO_PERIODS, Retention
from journeytrace_collector.core.sessionize import SessionState

__all__ = [
    "AUTOMATIC",
    "NO_CODES",
    "QUIET",
    "Pending",
    "Phase",
    "Summary",
    "decided_by",
    "highest_of",
    "highest_stage",
    "kept",
    "pending",
    "phase",
    "rfc3339",
    "status",
    "summary",
    "tellable",
]

NS_PER_SECOND: Final = 1_000_000_000

NO_CODES: Final[Mapping[str, ErrorCodeSpec]] = MappingProxyType({})
"""No error code has a known meaning."""
AUTOMATIC: Final = "AUTOMATIC"
"""Who decided, when it was no person."""

QUIET: Final = 60 * NS_PER_SECOND
"""A session settles once nothing has arrived for longer than this (DESIGN section 6)."""


class Phase(StrEnum):
    """The part of the status that time alone cannot change."""

    OPEN = "OPEN"
    """IN_PROGRESS or DROPPED: the clock tells."""
    COMPLETED = "COMPLETED"
    ERROR = "ERROR"


_CLOSED: Final = {Phase.COMPLETED: Status.COMPLETED, Phase.ERROR: Status.ERROR}


class Pending(StrEnum):
    """What a session that has not settled waits for, beside a minute without arrivals.

    It is of arrivals that are not passive.
    """

    IDLE = "IDLE"
    """The idle timeout."""
    QUIET = "QUIET"
    """Nothing else: it is complete and decided."""
    VERDICT = "VERDICT"
    """Nothing at all: it had settled, and a person's verdict is all that is new."""


class Summary(msgspec.Struct, frozen=True):
    """What one session looks like from outside (DESIGN section 9). Times are RFC 3339, UTC."""

    session_id: str
    """Names it everywhere; a UUID is in lower case, with hyphens."""
    trace_id: str
    """Of its one trace, as hexadecimal digits; of a UUID the same ones."""
    support_code: str
    """What a user reads to support, who finds the session by it."""
    project_id: str | None
    """The newest that was told, as are the next four; None: none was."""
    submission_id: str | None
    """Of what was submitted in it."""
    flow_id: str | None
    """Of the flow that it went through."""
    user_id: str | None
    """The user, in the sender's own words."""
    email: str | None
    """The user's address."""
    created_at: Rfc3339
    """When its first event happened."""
    last_event: str
    """Name of the last event."""
    last_event_at: Rfc3339
    """When that happened."""
    status: Status
    """How far it got; COMPLETED is not approved. It can change with time alone."""
    decision: Decision | None
    """What came of it; None: nothing is decided."""
    reason: str | None
    """Of the decision; None: none was given, or nothing is decided."""
    decided_at: Rfc3339 | None
    """None: nothing is decided."""
    decided_by: str | None
    """`AUTOMATIC`, or the person whose verdict it is; None: nothing is decided."""
    decision_confirmed: bool
    """Whether that person agreed with what had been decided automatically."""
    reason_text: str | None
    """Why that person decided so, in their own words; None: no person decided, or gave no words."""
    automatic_decision: Decision | None
    """What was decided last without a person; None: nothing."""
    proposal: Proposal | None
    """What somebody has proposed and nobody has decided since; None: nothing."""
    stage: str | None
    """The highest that was reached, of those that have an order; None: none was."""
    last_error_code: str | None
    """The last code that was shown; None: none was."""
    last_error_meaning: str | None
    """What the code means; None: the catalogue does not know it."""
    last_error_page: str | None
    """Address of what is written about it; None: the catalogue names none."""
    events: int
    """How many there are, without what people did afterwards."""
    impacts: dict[str, int]
    """Number of events by impact; every impact is there, 0 where none was felt."""
    retention_days: int
    """How long it is kept, from its beginning."""
    expires_at: Rfc3339
    """When it is erased."""
    settled_at: Rfc3339 | None
    """When it came to its end for the first time; None: not settled."""
    revision: int
    """How often the session changed after it had settled."""
    why: Why | None
    """The cause of what it has come to; None: it goes on, and nothing is in its way."""
    violates: tuple[str, ...] = ()
    """The rules that it violated when it was checked last: on coming to rest, or since."""


def phase(state: SessionState) -> Phase:
    """Apply the rules 1 and 2 of DESIGN section 5, which need no clock."""
    if state.completed:
        return Phase.COMPLETED
    if state.error is not None and (state.resumed is None or state.resumed < state.error):
        return Phase.ERROR
    return Phase.OPEN


def status(state: SessionState, now: int, idle_timeout: int) -> Status:
    """Tell how far the session got, at `now`; both times in ns."""
    current = phase(state)
    if current is not Phase.OPEN:
        return _CLOSED[current]
    return Status.DROPPED if now >= state.idle + idle_timeout else Status.IN_PROGRESS


def pending(state: SessionState) -> Pending:
    """Tell what the session waits for before it settles.

    It settles by arrivals and not by the events' own times, so that a backlog that comes in late
    settles once and with the right status. The idle timeout is the one in force at that moment.
    A verdict settles nothing.
    """
    return Pending.QUIET if state.completed and state.decided is not None else Pending.IDLE


def tellable(state: SessionState, now: int, idle_timeout: int, told: Status | None) -> Status:
    """Give the status that can be told outside when events have come in.

    DROPPED is what time makes of a session, so it is told on settling; until then the session is
    what was `told` last (None: nothing yet).
    """
    current = status(state, now, idle_timeout)
    return (told or Status.IN_PROGRESS) if current is Status.DROPPED else current


def kept(state: SessionState, field: str) -> str | None:
    """Give the newest value of a kept field; None: no event had one."""
    stamped = state.kept.get(field)
    return stamped[2] if stamped else None


def decided_by(state: SessionState) -> str | None:
    """Give the person whose verdict the decision is, else `AUTOMATIC`; None: nothing is decided."""
    if state.verdict is not None:
        return state.verdict.person
    return AUTOMATIC if state.decided else None


def _proposed(state: SessionState) -> Proposal | None:
    found = state.open_proposal
    if found is None:
        return None
    decision = Decision(found.decision)
    return Proposal(decision, found.reason, found.text, found.person, rfc3339(found.at))


def highest_stage(state: SessionState) -> str | None:
    """Give the highest ordered stage seen; None: none was."""
    return highest_of(state, state.stages)


def highest_of(state: SessionState, stages: Iterable[str]) -> str | None:
    """Give the highest of those of `stages` that the session has seen; None: of none."""
    seen = state.stages
    ranked = [(seen[stage][0], stage) for stage in stages if stage in seen]
    return max(ranked)[1] if ranked else None


def summary(
    state: SessionState,
    now: int,
    idle_timeout: int,
    settled_at: int | None = None,
    revision: int = 0,
    *,
    retention: Retention = NO_PERIODS,
    why: Why | None = None,
    error_codes: Mapping[str, ErrorCodeSpec] = NO_CODES,
    violates: tuple[str, ...] = (),
) -> Summary:
    """Describe the session as it is at `now`; all times in ns.

    `why`: see `insight.why`; `violates`: see `insight.conformance`; `error_codes`: the catalogue's.
    """
    at, _, last_event = state.last
    trace = trace_id(state.session_id)
    decided_at, _, decision, reason = state.decision or (None, b"", None, None)
    error_code = kept(state, "error_code")
    error = error_codes.get(error_code) if error_code else None
    return Summary(
        session_id=state.session_id,
        trace_id=trace.hex(),
        support_code=support_code(trace),
        project_id=kept(state, "project_id"),
        submission_id=kept(state, "submission_id"),
        flow_id=kept(state, "flow_id"),
        user_id=kept(state, "user_id"),
        email=kept(state, "email"),
        created_at=rfc3339(state.created_at),
        last_event=last_event,
        last_event_at=rfc3339(at),
        status=status(state, now, idle_timeout),
        decision=Decision(decision) if decision else None,
        reason=reason,
        decided_at=None if decided_at is None else rfc3339(decided_at),
        decided_by=decided_by(state),
        decision_confirmed=state.verdict is not None and state.verdict.confirms,
        reason_text=state.verdict.text if state.verdict else None,
        automatic_decision=Decision(state.decided[2]) if state.decided else None,
        proposal=_proposed(state),
        stage=highest_stage(state),
        last_error_code=error_code,
        last_error_meaning=error.meaning if error else None,
        last_error_page=error.page if error else None,
        events=state.events,
        impacts={impact.value: state.impacts.get(impact.value, 0) for impact in Impact},
        retention_days=retention.days(state),
        expires_at=rfc3339(retention.expires_at(state)),
        settled_at=None if settled_at is None else rfc3339(settled_at),
        revision=revision,
        why=why,
        violates=violates,
    )


def rfc3339(ns: int) -> str:
    """Write a time in ns since the epoch, down to the microsecond: most readers know no more."""
    seconds, rest = divmod(ns, NS_PER_SECOND)
    moment = datetime.fromtimestamp(seconds, UTC).replace(microsecond=rest // 1000)
    return moment.isoformat(timespec="microseconds").replace("+00:00", "Z")
