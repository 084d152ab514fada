"""Sessions that came to rest, held against the rules inside the transaction that says so.

Most verdicts follow from the state, which is at hand. Events are read where a rule needs them, and
of those alone by the names that it looks for. That a session has violated a rule is remembered for
good, so that it is counted once however often it is checked.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final, NamedTuple, Protocol

from journeytrace.conventions import Status
from journeytrace_collector.core.model import Event
from journeytrace_collector.core.sessionize import SessionState
from journeytrace_collector.insight.conformance import Rules, wanted

__all__ = ["Resting", "check", "marks_of"]


EVENTS_AT_ONCE: Final = 20_000
"""Events of sessions that are read together: a session alone can have as many."""


class Resting(NamedTuple):
    """A session that has come to rest."""

    no: int
    state: SessionState
    status: Status


class _Tables(Protocol):
    def seen(self, wanted: Mapping[int, tuple[str, ...]]) -> dict[int, list[Event]]:
        """See `Tables.seen`."""

    def note_violations(self, found: Mapping[int, Sequence[str]]) -> dict[int, list[str]]:
        """See `Tables.note_violations`."""


def check(
    tables: _Tables, rules: Rules, resting: Sequence[Resting], now: int
) -> tuple[dict[int, str | None], dict[int, list[str]]]:
    """Give of each session the column ``violates``, and which rules it violates for the first time.

    By the store's number; `now` in ns.
    """
    judged = {one.no: rules.judge(one.state, one.status, now) for one in resting}
    unclear = [one for one in resting if judged[one.no].open]
    for part in _parts(unclear):
        events = tables.seen({one.no: wanted(judged[one.no].open) for one in part})
        for one in part:
            mine = events.get(one.no, [])
            judged[one.no] = rules.judge(one.state, one.status, now, mine)
    violating = {no: found.violated for no, found in judged.items() if found.violated}
    new = tables.note_violations(violating) if violating else {}
    return {no: marks_of(found.violated) for no, found in judged.items()}, new


def _parts(resting: Sequence[Resting]) -> Iterator[list[Resting]]:
    """Divide sessions into those whose events can be held in memory together."""
    part: list[Resting] = []
    held = 0
    for one in resting:
        done = one.state.operations.events if one.state.operations else 0
        events = one.state.events + done
        if part and held + events > EVENTS_AT_ONCE:
            yield part
            part, held = [], 0
        part.append(one)
        held += events
    if part:
        yield part


def marks_of(violated: Sequence[str]) -> str | None:
    """Write the column ``violates``: each rule between two spaces; None: there is none."""
    return f" {' '.join(violated)} " if violated else None
