"""How far the screen's clock is from the server's, and whose order is certain (DESIGN section 15).

A request begins before what it causes, and its answer comes after. So whoever knows when a call
began and ended by the screen's clock, and when the server began what it asked for by the server's,
knows two numbers between which the difference of the clocks lies. Of several calls it lies in what
all have in common. Times are taken as they were sent, whatever the collector has made of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from itertools import pairwise
from typing import Final, NamedTuple

import msgspec

from journeytrace.catalogue import Catalogue
from journeytrace.conventions import TIME_SCREEN, TIME_SENT, Source
from journeytrace_collector.core.model import Event

__all__ = ["Bounds", "Clock", "bounds", "certain", "clock"]

_SECOND: Final = 1_000_000_000
_MINUTE: Final = 60 * _SECOND
_COARSE: Final = 1_000_000
"""A page's clock tells whole milliseconds, in ns: so far each of its times can be off."""
_CALL: Final = "API_CALL"
"""The stage of what the screen asks and waits for. Elsewhere the server may begin before the screen
tells of it, or go on when it has answered."""
FEWEST: Final = 2
"""Calls that have to agree: one alone may be an attempt of which the other half is lost, beside
another one."""
_TOLD: Final = (f'"{TIME_SCREEN}":', f'"{TIME_SENT}":')


class Bounds(NamedTuple):
    """What the screen's clock is ahead of the server's, in ns; negative: it is behind."""

    low: int
    """At least."""
    high: int
    """At most."""
    calls: int
    """By how many calls."""


class Clock(msgspec.Struct, frozen=True):
    """How far the screen's clock is from the server's."""

    ahead_low: float
    """What it is ahead at least, in seconds; negative: it is behind."""
    ahead_high: float
    """What it is ahead at most, in seconds."""
    calls: int
    """Calls of which both sides told, and that agree."""
    text: str
    """In words."""


class _Times(msgspec.Struct):
    screen: str | None = msgspec.field(name=TIME_SCREEN, default=None)
    sent: str | None = msgspec.field(name=TIME_SENT, default=None)


_times: Final = msgspec.json.Decoder(_Times, strict=False).decode


def _sent(event: Event) -> int:
    """Give when an event happened by its sender's clock, in ns."""
    if not any(key in event.metadata for key in _TOLD):
        return event.at
    try:
        told = _times(event.metadata)
        text = told.screen or told.sent or ""
        moment = datetime.fromisoformat(text[:19]).replace(tzinfo=UTC)
        return round(moment.timestamp()) * _SECOND + int(f"{text[20:-1]:0<9}"[:9])
    except (ValueError, msgspec.ValidationError):
        # A server may say anything under that name.
        return event.at


def bounds(events: Iterable[Event], catalogue: Catalogue) -> Bounds | None:
    """Give by how much the screen's clock is ahead; None: too little tells it, or it was set.

    Only what each side told exactly once is compared: of several attempts nobody knows which
    belong together, for some can be lost.
    """
    once: dict[tuple[str, str], Event | None] = {}
    for event in events:
        key = event.name, event.source
        once[key] = None if key in once else event
    low, high, calls = -(2**63), 2**63, 0
    for pair in catalogue.pairs:
        screen = once.get((pair.screen, Source.FE.value))
        server = once.get((pair.server, Source.BE.value))
        # What has no extent does not say whether it was told before the call or after it.
        if screen is None or server is None or screen.stage != _CALL or not screen.duration:
            continue
        if TIME_SENT in server.metadata:
            # A server whose clock is off is nothing to go by.
            continue
        begun = _sent(screen)
        low = max(low, begun - server.at - _COARSE)
        high = min(high, begun + screen.duration - server.at + _COARSE)
        calls += 1
    return Bounds(low, high, calls) if calls >= FEWEST and low <= high else None


def certain(events: Sequence[Event], found: Bounds | None) -> list[bool]:
    """Tell of each event but the first whether it certainly happened after the one before it.

    `events` are in the order in which they are shown, `found` the bounds of their whole session.
    What the server and people did has one clock.
    """
    moments = list(_moments(events, found))
    return [
        (a.sent < b.sent) if a.screen == b.screen else a.latest < b.earliest
        for a, b in pairwise(moments)
    ]


class _Moment(NamedTuple):
    screen: bool
    sent: int
    earliest: float
    """By the server's clock, as is `latest`."""
    latest: float


def _moments(events: Iterable[Event], found: Bounds | None) -> Iterator[_Moment]:
    for event in events:
        if event.source != Source.FE.value:
            yield _Moment(False, event.at, event.at, event.at)
        elif found is None:
            yield _Moment(True, _sent(event), float("-inf"), float("inf"))
        else:
            sent = _sent(event)
            # To the very millisecond, as it was told.
            earliest, latest = sent - found.high - _COARSE, sent - found.low + _COARSE
            yield _Moment(True, sent, earliest, latest)


def clock(found: Bounds | None) -> Clock | None:
    """Describe bounds for people."""
    if found is None:
        return None
    return Clock(found.low / _SECOND, found.high / _SECOND, found.calls, _in_words(found))


def _in_words(found: Bounds) -> str:
    middle, half = (found.low + found.high) // 2, (found.high - found.low + 1) // 2
    reach = f"(±{_span(half)})"
    if found.low <= 0 <= found.high:
        return f"Screen's clock agrees with the server's {reach}"
    return f"Screen's clock {_span(abs(middle))} {'ahead' if middle > 0 else 'behind'} {reach}"


def _span(ns: int) -> str:
    """Write a span in the two largest units."""
    if ns < _SECOND:
        return f"{ns / 1_000_000:.0f} ms"
    if ns < 10 * _SECOND:
        return f"{ns / _SECOND:.1f} s"
    seconds = round(ns / _SECOND)
    if seconds < 60:
        return f"{seconds} s"
    if seconds < 3600:
        return f"{seconds // 60} min {seconds % 60} s"
    minutes = round(ns / _MINUTE)
    if minutes < 1440:
        return f"{minutes // 60} h {minutes % 60} min"
    return f"{minutes // 1440} d {minutes % 1440 // 60} h {minutes % 60} min"
