"""Sessions that came to rest, held against the rules inside the transaction that says so.

Most verdicts follow from the state, which is at hand. Events are read where a rule needs them, and
of those alone by the names that it looks for. That a session has violated a rule is remembered for
good, so that it is counted once however often it is checked.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

from journeytrace.conventions import Status
from journeytrace_collector.core.model import Event
from journeytrace_collector.core.sessionize import SessionState
from journeytrace_collector.insight.conformance import Rules, wanted

__all__ = ["Resting", "check", "marks_of"]


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
    asks = {no: wanted(found.open) for no, found in judged.items() if found.open}
    if asks:
        events = tables.seen(asks)
        for one in resting:
            if one.no in asks:
                mine = events.get(one.no, [])
                judged[one.no] = rules.judge(one.state, one.status, now, mine)
    violating = {no: found.violated for no, found in judged.items() if found.violated}
    new = tables.note_violations(violating) if violating else {}
    return {no: marks_of(found.violated) for no, found in judged.items()}, new


def marks_of(violated: Sequence[str]) -> str | None:
    """Write the column ``violates``: each rule between two spaces; None: there is none."""
    return f" {' '.join(violated)} " if violated else None
