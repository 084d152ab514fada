"""What the rules add to settling a session, as processor time in one process.

Stores of whole journeys settle by turns with the built-in rules and without. Half of the sessions
are approved, so that their events have to be read; one in ten was decided by a person who looked.
"""

from __future__ import annotations

import argparse
import statistics
import time
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from journeytrace import conventions as names
from journeytrace.catalogue import builtin_catalogue
from journeytrace_collector.core.change import Change, Followup
from journeytrace_collector.core.measure import Measure
from journeytrace_collector.core.model import Event
from journeytrace_collector.insight.conformance import NO_RULES, Rules
from journeytrace_collector.insight.rule_file import rules_of
from journeytrace_collector.store import SqliteStore

CATALOGUE: Final = builtin_catalogue()
RULES: Final = rules_of(None, "", CATALOGUE)
SECOND: Final = 1_000_000_000
START: Final = 1_780_315_200 * SECOND
IDLE: Final = 1200 * SECOND
AT_ONCE: Final = 500
_MIDDLE: Final = ("STEP_VIEW", "API_CALL", "CAMERA_ACTIVATED", "EXPIRED_ID_CHECK")


def journey(number: int, events: int) -> list[Event]:
    """Make the events of one session."""
    session_id = f"session-{number:08}"
    approved = number % 2 == 0
    steps = [("SESSION_CREATED", None), ("ID_RECOGNITION", "PASS")]
    steps += [(_MIDDLE[one % 4], None) for one in range(events - 5)]
    steps += [("FACE_COMPARE", "PASS" if approved else "FAIL")]
    steps += [("APPROVED", None), ("FINAL_PAGE_VIEW", None)] if approved else [("STEP_VIEW", None)]
    made = [_event(session_id, name, place, result) for place, (name, result) in enumerate(steps)]
    if number % 10 == 0:
        said = f'{{"{names.ACTOR_ID}": "ann"}}'
        made.append(_event(session_id, "SESSION_VIEWED", len(made), None, said))
        made.append(_event(session_id, "VERDICT_APPROVED", len(made), None, said))
    return made


def _event(session_id: str, name: str, place: int, result: str | None, said: str = "{}") -> Event:
    spec, at = CATALOGUE.events[name], START + place * SECOND
    return Event(
        session_id=session_id,
        event_id=sha256(f"{session_id}{place}".encode()).digest()[:8],
        name=name,
        source=spec.source.value,
        stage=spec.stage,
        impact=spec.impact_of(result).value,
        result=result,
        reason=None,
        error_code=None,
        at=at,
        duration=0,
        received=at,
        service="bench",
        project_id="acme",
        submission_id=None,
        flow_id=None,
        user_id=None,
        email=None,
        retention_days=None,
        metadata=said,
    )


def settled(rules: Rules, sessions: int, events: int) -> float:
    """Give the processor time in µs that settling one of so many sessions takes."""
    with TemporaryDirectory() as folder:
        store = SqliteStore(Path(folder), CATALOGUE, IDLE, rules=rules)
        measure = Measure(CATALOGUE, rules=rules.names)

        def follow(change: Change) -> Followup:
            tally = measure.tally(change)
            return Followup(tally, committed=lambda: measure.learn(tally))

        store.follow(follow)
        for first in range(0, sessions, AT_ONCE):
            numbers = range(first, min(first + AT_ONCE, sessions))
            store.write([one for number in numbers for one in journey(number, events)])
        while store.catch_up():
            pass
        begun, count = time.process_time(), 0
        while done := store.settle(START + 10_000 * SECOND, AT_ONCE):
            count += done
        took = time.process_time() - begun
        store.close()
        return took / count * 1e6


def main() -> None:
    """Print what a session takes either way, and what follows for 100,000 of them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sessions", type=int, default=10_000)
    parser.add_argument("--events", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    took: dict[bool, list[float]] = {False: [], True: []}
    for _ in range(given.rounds):
        for checked in (False, True):
            rules = RULES if checked else NO_RULES
            took[checked].append(settled(rules, given.sessions, given.events))
    without, checked_too = (statistics.median(took[checked]) for checked in (False, True))
    print(f"without rules {without:6.1f} µs a session, 100,000 in {without / 10:.1f} s")
    print(f"with rules    {checked_too:6.1f} µs a session, 100,000 in {checked_too / 10:.1f} s")
    ratios = sorted(b / a for a, b in zip(took[False], took[True], strict=True))
    print(f"ratio {statistics.median(ratios):.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f})")


if __name__ == "__main__":
    main()
