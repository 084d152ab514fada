"""A day's traffic against a fake clock: every session settles once, with the right status."""

from __future__ import annotations

from collections import Counter
from functools import partial
from pathlib import Path
from random import Random

import pytest
from tests.support.events import IDLE_TIMEOUT, MINUTE, NOON, SECOND, event
from tests.support.waiting import exhaust

from journeytrace.catalogue import builtin_catalogue
from journeytrace.conventions import Status
from journeytrace_collector.core import derive
from journeytrace_collector.core.change import Change, Followup, SessionChange, Tally
from journeytrace_collector.core.model import Event
from journeytrace_collector.core.sessionize import fold
from journeytrace_collector.demo.journeys import make_journeys
from journeytrace_collector.store import SqliteStore

SESSIONS = 300
HOUR = 60 * MINUTE
DAY = 24 * HOUR


def traffic(rng: Random, late: float) -> list[Event]:
    """Give the events of a day as they arrive; a part of them comes up to two hours late."""
    events = []
    for journey in make_journeys(SESSIONS, seed=rng.randrange(1_000)):
        start = NOON + rng.randrange(DAY)
        for step in journey.steps:
            if builtin_catalogue().events[step.event].passive:
                # It settles nothing anew.
                continue
            at = start + round(step.at * SECOND)
            took = round(step.took * SECOND)
            lateness = rng.randrange(2 * HOUR) if rng.random() < late else SECOND
            result = None if step.passed is None else "PASS" if step.passed else "FAIL"
            events.append(
                event(
                    str(step.event),
                    at,
                    session_id=journey.person.session_id,
                    event_id=rng.randbytes(8),
                    duration=took,
                    received=at + took + lateness,
                    result=result,
                    reason=step.reason.value if step.reason else None,
                )
            )
    return sorted(events, key=lambda item: item.received)


class Day:
    """A store that lives through a day, minute by minute."""

    def __init__(self, folder: Path) -> None:
        self.store = SqliteStore(folder, builtin_catalogue(), IDLE_TIMEOUT)
        self.store.follow(self._follow)
        self.settled: list[SessionChange] = []

    def _follow(self, change: Change) -> Followup:
        self.settled += [session for session in change.sessions if session.settlement]
        return Followup(Tally())

    def live(self, events: list[Event]) -> None:
        """Let events arrive and time pass, until everything has settled."""
        waiting = list(reversed(events))
        now = NOON
        while waiting or now <= NOON + DAY + 4 * HOUR:
            now += MINUTE
            batch = []
            while waiting and waiting[-1].received <= now:
                batch.append(waiting.pop())
            self.store.write(batch)
            exhaust("settling", partial(self.store.settle, now, 10))


@pytest.mark.parametrize("seed", [1, 2])
def test_a_punctual_day_settles_every_session_once(tmp_path: Path, seed: int) -> None:
    """Without late events each session settles exactly once, as what it is in the end."""
    events = traffic(Random(seed), late=0)
    day = Day(tmp_path)
    day.live(events)
    first = [s for s in day.settled if s.settlement and s.settlement.revision == 0]
    times = Counter(session.after.session_id for session in first)
    expected = fold(events, builtin_catalogue())
    assert times == dict.fromkeys(expected, 1)
    end = NOON + 2 * DAY
    last = {session.after.session_id: session for session in day.settled}
    for session_id, state in expected.items():
        assert last[session_id].status is derive.status(state, end, IDLE_TIMEOUT)
        assert last[session_id].after == state
    assert {session.status for session in first} == set(Status) - {Status.IN_PROGRESS}
    day.store.close()


def test_late_events_are_revisions(tmp_path: Path) -> None:
    """With late events the first settlement stays the only one, and revisions lead to the end."""
    events = traffic(Random(3), late=0.1)
    day = Day(tmp_path)
    day.live(events)
    expected = fold(events, builtin_catalogue())
    revisions: dict[str, list[SessionChange]] = {}
    for session in day.settled:
        revisions.setdefault(session.after.session_id, []).append(session)
    assert set(revisions) == set(expected)
    assert max(map(len, revisions.values())) > 1
    for session_id, changes in revisions.items():
        numbers = [change.settlement.revision for change in changes if change.settlement]
        assert numbers == list(range(len(changes)))
        befores = [change.settlement.before for change in changes if change.settlement]
        assert befores == [None, *(change.status for change in changes[:-1])]
        assert changes[-1].after == expected[session_id]
        known = day.store.session(session_id)
        assert known is not None
        assert known.revision == numbers[-1]
    day.store.close()
