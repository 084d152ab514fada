"""The list of sessions, and those of one person."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from journeytrace.conventions import Decision
from journeytrace_collector.core.derive import Summary
from journeytrace_desk.access.masking import HIDDEN
from journeytrace_desk.views.asked import link
from journeytrace_desk.views.times import span

__all__ = ["Attempt", "Person", "Row", "person", "person_link", "row"]

_SHORT = 8


@dataclass(frozen=True, slots=True)
class Row:
    """One session in a list."""

    session: Summary
    key: str
    """What its row goes by: short, for an address names a hundred, and no other row's."""
    address: str
    short_id: str
    """A UUID is known by its beginning; any other id is shown whole."""
    person: str | None
    """Address of all sessions of its user; None: nobody is known."""


def row(session: Summary) -> Row:
    """Describe a session in one line."""
    found = session.session_id
    is_uuid = session.trace_id == found.replace("-", "")
    return Row(
        session=session,
        key=session.support_code + ("" if session.trace_id == HIDDEN else session.trace_id[-4:]),
        address=link("/session", {"id": found}),
        short_id=f"{found[:_SHORT]}…" if is_uuid else found,
        person=person_link(session),
    )


def person_link(session: Summary) -> str | None:
    """Give the address of all sessions of a session's user; None: nobody is known.

    Where the user id is masked the address does not tell it either.
    """
    if session.user_id == HIDDEN:
        return link("/person", {"session": session.session_id})
    return link("/person", {"id": session.user_id}) if session.user_id else None


@dataclass(frozen=True, slots=True)
class Attempt:
    """One of several sessions of a person."""

    number: int
    row: Row
    took: str
    stopped: str | None
    """What stood in the way, as `Why` tells it; None: nothing did, or the user was approved."""


@dataclass(frozen=True, slots=True)
class Person:
    """All that one user id has tried."""

    user_id: str
    emails: list[str]
    attempts: list[Attempt]
    """In the order of their creation."""
    outcome: Row | None
    """The newest session with a decision; None: nothing was decided."""
    lasted: str | None
    """From the first attempt to the last event; None: there is one attempt."""


def person(user_id: str, newest_first: Sequence[Summary]) -> Person:
    """Describe the sessions of one user id, of which there is one at least."""
    in_order = list(reversed(newest_first))
    decided = [one for one in in_order if one.decision is not None]
    last = max(decided, key=lambda one: one.decided_at or "", default=None)
    emails = dict.fromkeys(one.email for one in newest_first if one.email)
    lasted = None
    if len(in_order) > 1:
        end = max(one.last_event_at for one in in_order)
        lasted = span(_ns(in_order[0].created_at, end))
    return Person(
        user_id=user_id,
        emails=list(emails),
        attempts=[_attempt(number, one) for number, one in enumerate(in_order, 1)],
        outcome=row(last) if last else None,
        lasted=lasted,
    )


def _attempt(number: int, session: Summary) -> Attempt:
    approved = session.decision is Decision.APPROVED
    stopped = None if approved or session.why is None else session.why.text
    return Attempt(
        number, row(session), span(_ns(session.created_at, session.last_event_at)), stopped
    )


def _ns(start: str, end: str) -> int:
    between = datetime.fromisoformat(end) - datetime.fromisoformat(start)
    return between // timedelta(microseconds=1) * 1000
