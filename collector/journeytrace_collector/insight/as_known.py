"""A session as it was known at a moment: the fold over what had arrived by then (DESIGN 15).

What somebody saw when they decided is not what is known now: evidence comes late. Events are kept
with their arrival, so what was known can be folded again at any time and nothing has to be stored
for it. What people did counts by its own arrival, too.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import Final, NamedTuple

from journeytrace.catalogue import Catalogue, Role
from journeytrace_collector.core.derive import QUIET, Pending, pending
from journeytrace_collector.core.marks import IN_THE_WAY
from journeytrace_collector.core.model import Event
from journeytrace_collector.core.operations import VERDICTS, is_passive
from journeytrace_collector.core.sessionize import SessionState, merge, state_of

__all__ = ["LATE", "MOST_ARRIVALS", "Arrival", "arrivals", "as_known", "by", "revisions"]

LATE: Final = 60 * 1_000_000_000
"""How long after its end an event has to arrive to be late, in ns."""

MOST_ARRIVALS: Final = 60
"""Moments that a person is offered to choose from."""

_AT_ONCE: Final = 1_000_000_000
"""What arrives with no longer a pause than this is one arrival, in ns."""


class Arrival(NamedTuple):
    """Events that arrived together. From `at` on they were known."""

    at: int
    """ns"""
    events: int
    """How many it brought."""
    known: int
    """How many there were by then."""
    late: int
    """How many of those that it brought came late: longer than `LATE` after their end, or after a
    person had decided that could not know of them. What people do is never late."""
    bad: int
    """How many of the late ones failed or stood in the user's way."""
    delay: int
    """By how much the latest of them was late, in ns; 0: none was."""
    after_verdict: bool
    """Whether one of the late ones happened before a person's verdict that had arrived already."""
    verdict: bool
    """Whether it brought a person's verdict."""


def by(events: Iterable[Event], at: int) -> list[Event]:
    """Give the events that had arrived by a moment (ns), in the order that they have."""
    return [event for event in events if event.received <= at]


def as_known(events: Iterable[Event], at: int, catalogue: Catalogue) -> SessionState | None:
    """Give the state of a session as it was known at a moment (ns).

    `events` are all of it that are known now. None: it had not begun, so it was in no list.
    """
    known = by(events, at)
    state = state_of(known, catalogue) if known else None
    return state if state is not None and state.begun else None


def revisions(events: Iterable[Event], at: int, catalogue: Catalogue, idle_timeout: int) -> int:
    """Tell how often a session had changed after settling by a moment, as the rule has it.

    It takes for granted that the session settled each time as soon as it could (DESIGN section 6):
    when that was is not kept. Times are in ns.
    """
    settled = 0
    state: SessionState | None = None
    waits: Pending | None = None
    for several in _unsettled(sorted(by(events, at), key=_received)):
        if state is not None and waits and _due(state, waits, idle_timeout) <= several[0].received:
            settled, waits = settled + 1, None
        part = state_of(several, catalogue)
        before, state = state, merge(state, part) if state is not None else part
        if part.begun:
            waits = pending(state)
        elif before is not None and before.begun and waits is None:
            waits = Pending.VERDICT if before.verdict != state.verdict else None
    if state is not None and waits and _due(state, waits, idle_timeout) <= at:
        settled += 1
    return max(settled - 1, 0)


def _unsettled(ordered: Iterable[Event]) -> Iterator[list[Event]]:
    """Divide events, in the order of their arrival, where their session can settle in between.

    It cannot before a minute without an arrival, unless a verdict is all that is new.
    """
    part: list[Event] = []
    for event in ordered:
        last = part[-1] if part else None
        if last is not None and event.received != last.received:
            alone = is_passive(event) or is_passive(last)
            if alone or event.received - last.received > QUIET:
                yield part
                part = []
        part.append(event)
    if part:
        yield part


def _received(event: Event) -> int:
    return event.received


def _due(state: SessionState, waits: Pending, idle_timeout: int) -> int:
    """Give the first moment at which a session settles that waits for this, in ns."""
    if waits is Pending.VERDICT:
        return 0
    quiet = state.arrived + QUIET + 1
    return max(quiet, state.idle + idle_timeout) if waits is Pending.IDLE else quiet


def arrivals(events: Sequence[Event], catalogue: Catalogue) -> list[Arrival]:
    """Give the moments at which something became known of a session, in their order.

    What comes within a second is one arrival, and so is what has the shortest pauses between it
    where there are more than `MOST_ARRIVALS`.
    """
    found: list[Arrival] = []
    verdict = known = 0
    for several in _together(sorted(events, key=_received)):
        late = [(event, d) for event in several if (d := _delay(event, verdict)) is not None]
        after = [event for event, _ in late if event.at <= verdict]
        verdicts = [event for event in several if _is_verdict(event, catalogue)]
        verdict = max([verdict, *(event.at for event in verdicts)])
        known += len(several)
        found.append(
            Arrival(
                at=several[-1].received,
                events=len(several),
                known=known,
                late=len(late),
                bad=sum(_is_bad(event) for event, _ in late),
                delay=max([delay for _, delay in late], default=0),
                after_verdict=bool(after),
                verdict=bool(verdicts),
            )
        )
    return found


def _together(ordered: Sequence[Event]) -> Iterator[list[Event]]:
    """Divide events, in the order of their arrival, at the longest pauses."""
    pauses = sorted((b.received - a.received for a, b in pairwise(ordered)), reverse=True)
    shortest = max([_AT_ONCE, *pauses[MOST_ARRIVALS - 1 : MOST_ARRIVALS]])
    part: list[Event] = []
    for event in ordered:
        if part and event.received - part[-1].received > shortest:
            yield part
            part = []
        part.append(event)
    if part:
        yield part


def _delay(event: Event, verdict: int) -> int | None:
    """Tell by how much an event came late, where the newest verdict known was at `verdict`.

    None: it did not.
    """
    if is_passive(event):
        return None
    delay = event.received - event.at - event.duration
    return max(delay, 0) if delay > LATE or event.at <= verdict else None


def _is_verdict(event: Event, catalogue: Catalogue) -> bool:
    spec = catalogue.events.get(event.name)
    role: Role | None = spec.role if spec else None
    return role in VERDICTS


def _is_bad(event: Event) -> bool:
    return event.result == "FAIL" or event.impact in IN_THE_WAY
