"""Sessions of which a screen's beacons got lost, and one whose screen's clock is off."""

from __future__ import annotations

from collections.abc import Iterator

from tests.support.events import MINUTE, SECOND, event

from journeytrace.conventions import TIME_SCREEN
from journeytrace_collector.core.model import Event
from journeytrace_collector.core.record import written

__all__ = ["AHEAD", "APART", "ENDED", "WENT_ON", "lossy"]

WENT_ON = 60
"""Sessions that came to STEP1; a quarter of their first beacons is lost."""
ENDED = 30
"""Sessions that ended in ENTRY; of a third the beacon is lost, of a tenth what the server says."""
APART = "a clock of its own"
"""Id of the session whose screen is `AHEAD`."""
AHEAD = 123 * MINUTE


def lossy(now: int) -> list[Event]:
    """Make events of sessions that have come to rest, the newest a day before `now` (ns)."""
    found: list[Event] = []
    for number in range(WENT_ON + ENDED):
        found += _session(number, now - 1440 * MINUTE - number * MINUTE)
    return [*found, *_apart(now - 1440 * MINUTE)]


def _session(number: int, at: int) -> Iterator[Event]:
    own = {"session_id": f"s-{number}"}
    went_on = number < WENT_ON
    browser = ("Edge", "Safari")[number % 2]
    if went_on or number % 10:
        yield event("SESSION_CREATED", at, project_id="acme", **own)
    if number % (4 if went_on else 3):
        yield event("FRONT_SESSION_START", at + SECOND, **own)
    told = f'{{"browser":"{browser}","country":"KR"}}'
    yield event("LIVEFORM_HASH_CREATED", at + SECOND // 2, metadata=told, **own)
    if went_on:
        yield event("STEP1_ENTERED", at + MINUTE, **own)


def _apart(at: int) -> Iterator[Event]:
    """A session with two calls, of which the screen tells that they were two hours later."""
    own = {"session_id": APART, "project_id": "globex"}
    calls = (("CREATE_FLOW", "FLOW_ID_ISSUED"), ("CHECK_IP_RISK", "IP_RISK_CHECK"))
    for number, (screen, server) in enumerate(calls):
        begun = at + number * MINUTE
        told = f'{{"{TIME_SCREEN}":"{written(begun + AHEAD)}"}}'
        yield event(screen, begun + SECOND // 10, duration=SECOND, metadata=told, **own)
        yield event(server, begun + SECOND // 2, **own)
