"""Rules that are held against the past: read in bounded parts, and nothing of it is kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from journeytrace_collector.admin import answers
from journeytrace_collector.admin.api import write_cursor
from journeytrace_collector.core.derive import rfc3339, status
from journeytrace_collector.insight.conformance import Judged, Rule, Rules
from journeytrace_collector.store.base import Known, SessionQuery, Store

__all__ = ["replay"]

SESSIONS: Final = 200
"""How many one part has, at most."""
EVENTS: Final = 20_000
"""How many events of these are read, at most: where sessions have more, a part has fewer."""
NEWEST: Final = 10
"""How many sessions are named of each rule."""


def replay(
    store: Store, rules: Rules, query: SessionQuery, now: int, idle_timeout: int
) -> answers.Replayed:
    """Hold one part of the sessions at rest against rules, at `now`; both times in ns."""
    size = SESSIONS
    while True:
        page = store.sessions(replace(query, limit=size), now)
        resting = [known for known in page.sessions if known.settled_at is not None]
        judged = [
            rules.judge(known.state, status(known.state, now, idle_timeout), now)
            for known in resting
        ]
        if size == 1 or _to_read(resting, judged) <= EVENTS:
            break
        size = max(1, size // 2)
    violated: dict[str, list[Known]] = {name: [] for name in rules.names}
    for known, told in zip(resting, judged, strict=True):
        found = told
        if told.open:
            events = store.events(known.state.session_id)
            at_rest = status(known.state, now, idle_timeout)
            found = rules.judge(known.state, at_rest, now, events)
        for name in found.violated:
            violated[name].append(known)
    return answers.Replayed(
        checked=len(resting),
        rules=[_told(rule, violated[rule.name]) for rule in rules],
        next_cursor=write_cursor(page.next),
    )


def _to_read(resting: Sequence[Known], judged: Sequence[Judged]) -> int:
    pairs = zip(resting, judged, strict=True)
    return sum(known.state.events for known, told in pairs if told.open)


def _told(rule: Rule, found: Sequence[Known]) -> answers.ReplayedRule:
    newest = [
        answers.Violator(known.state.session_id, rfc3339(known.state.created_at))
        for known in found[:NEWEST]
    ]
    return answers.ReplayedRule(rule.name, rule.meaning, len(found), newest)
