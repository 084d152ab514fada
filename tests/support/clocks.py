"""Sessions whose screens have clocks of their own, as a collector gets them."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from tests.support.events import MINUTE, NOON, SECOND, event

from journeytrace.catalogue import Pair, builtin_catalogue
from journeytrace.conventions import TIME_SCREEN, TIME_SENT
from journeytrace_collector.core.model import Event
from journeytrace_collector.core.record import believable, written
from journeytrace_collector.public.times import corrected

__all__ = ["DAY", "Session", "draw"]

DAY = 1440 * MINUTE
MILLISECOND = 1_000_000
_MOST_AGAIN = 20
CALLS = [pair for pair in builtin_catalogue().pairs if pair.screen != "FRONT_SESSION_RESUMED"]


@dataclass(frozen=True)
class Session:
    """What came in, and what really was."""

    events: list[Event]
    """In their order."""
    ahead: int
    """What the screen's clock is ahead, in ns."""
    truth: dict[bytes, int]
    """By event id, when it really happened."""


@dataclass
class _Sent:
    name: str
    screen: bool
    at: int
    took: int


def draw(rng: Random, *, public: bool, lost: float = 0.06, again: float = 0.1) -> Session:
    """Draw a session: some calls, some of them tried again, some events lost.

    `public`: a page sends in batches, and the collector takes the times of those for its own.
    """
    ahead = rng.randint(-DAY, DAY)
    sent: list[_Sent] = []
    now = NOON + rng.randrange(SECOND)
    for pair in rng.sample(CALLS, rng.randint(2, len(CALLS))):
        now += round(rng.expovariate(1 / 3) * SECOND)
        now = _call(rng, pair, now, sent)
        for _ in range(_MOST_AGAIN):
            if rng.random() >= again:
                break
            now += round(rng.uniform(0.3, 20) * SECOND)
            now = _call(rng, pair, now, sent)
        for name, screen in (("STEP_VIEW", True), ("AML_CHECK", False)):
            if rng.random() < 0.3:
                sent.append(_Sent(name, screen, now + rng.randrange(SECOND), 0))
    kept = [one for one in sent if rng.random() >= lost]
    truth = {n.to_bytes(8, "big"): one.at for n, one in enumerate(kept)}
    mine = [(n, one) for n, one in enumerate(kept) if one.screen]
    stamps = dict(zip((n for n, _ in mine), _stamps([one for _, one in mine], ahead), strict=True))
    found = [_event(n, one) for n, one in enumerate(kept) if not one.screen]
    taken = _public(rng, mine, stamps, ahead) if public else _direct(rng, mine, stamps)
    return Session(sorted([*found, *taken], key=lambda e: (e.at, e.event_id)), ahead, truth)


def _call(rng: Random, pair: Pair, begun: int, sent: list[_Sent]) -> int:
    """Let the screen ask and the server answer; gives when that was over."""
    there, work, back = (round(rng.expovariate(10) * SECOND) + MILLISECOND for _ in range(3))
    if pair.screen == "FRONT_SESSION_START":
        # The page tells that it has begun; nobody knows before what.
        sent.append(_Sent(pair.server, False, begun + there, 0))
        sent.append(_Sent(pair.screen, True, begun + rng.randrange(SECOND), 0))
        return begun + SECOND
    late = work if pair.screen.startswith("SUBMIT") else 0
    over = begun + there + work + back
    sent.append(_Sent(pair.screen, True, begun, over - begun))
    # What is submitted is looked at when the answer has long been given.
    sent.append(_Sent(pair.server, False, begun + there + rng.randrange(work) + 40 * late, 0))
    return over


def _stamps(sent: list[_Sent], ahead: int) -> list[tuple[int, int]]:
    """Give begin and end by the page's clock: whole milliseconds, and a count behind them."""
    order = sorted(range(len(sent)), key=lambda n: sent[n].at)
    count = {n: place for place, n in enumerate(order)}

    def stamp(at: int, n: int) -> int:
        return (at + ahead) // MILLISECOND * MILLISECOND + count[n]

    return [
        (stamp(one.at, n), max(stamp(one.at + one.took, n), stamp(one.at, n)))
        for n, one in enumerate(sent)
    ]


def _event(number: int, one: _Sent) -> Event:
    own = number.to_bytes(8, "big")
    return event(one.name, one.at, event_id=own, duration=one.took, received=one.at + MILLISECOND)


def _direct(
    rng: Random, mine: list[tuple[int, _Sent]], stamps: dict[int, tuple[int, int]]
) -> list[Event]:
    """Take the screen's events as any service's."""
    found = []
    for number, one in mine:
        begun, over = stamps[number]
        received = one.at + one.took + rng.randrange(5 * SECOND) + MILLISECOND
        at, duration = believable(begun, over - begun, received)
        told = "{}" if at == begun else f'{{"{TIME_SENT}":"{written(begun)}"}}'
        own = number.to_bytes(8, "big")
        found.append(
            event(one.name, at, event_id=own, duration=duration, received=received, metadata=told)
        )
    return found


def _public(
    rng: Random, mine: list[tuple[int, _Sent]], stamps: dict[int, tuple[int, int]], ahead: int
) -> list[Event]:
    """Take the screen's events as the public listener does."""
    found = []
    mine = sorted(mine, key=lambda item: item[1].at + item[1].took)
    while mine:
        size = rng.randint(1, 6)
        batch, mine = mine[:size], mine[size:]
        left = max(one.at + one.took for _, one in batch) + rng.randrange(2 * SECOND)
        received = left + MILLISECOND + round(rng.expovariate(5) * SECOND)
        told = (left + ahead) // MILLISECOND * MILLISECOND
        times = corrected([stamps[n][0] for n, _ in batch], told, received, NOON // SECOND * SECOND)
        for (number, one), at in zip(batch, times, strict=True):
            begun, over = stamps[number]
            found.append(
                event(
                    one.name,
                    at,
                    event_id=number.to_bytes(8, "big"),
                    duration=min(over - begun, received - at),
                    received=received,
                    metadata=f'{{"{TIME_SCREEN}":"{written(begun)}"}}',
                )
            )
    return found
