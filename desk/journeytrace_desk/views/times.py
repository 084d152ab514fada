"""Times and spans for people to read. Pages say UTC; a script turns it into the viewer's zone."""

from __future__ import annotations

from datetime import datetime
from typing import Final

__all__ = ["briefly", "clock", "day", "moment", "since", "span", "took", "utc"]

_MS: Final = 1_000_000
_SECOND: Final = 1_000 * _MS
_UNITS: Final = ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s"))


def utc(at: str) -> str:
    """Write an RFC 3339 time in full."""
    return f"{at[:10]} {at[11:-1]} UTC"


def moment(at: str) -> str:
    """Write an RFC 3339 time as lists show it: ``21 Nov 08:34:11``."""
    return f"{datetime.fromisoformat(at):%d %b %H:%M:%S}"


def day(at: str) -> str:
    """Write the day of an RFC 3339 time: ``21 Nov 2026``."""
    return f"{datetime.fromisoformat(at):%d %b %Y}"


def clock(at: str) -> str:
    """Write the time of day of an RFC 3339 time, down to the millisecond."""
    return at[11:23]


def since(ns: int) -> str:
    """Write a time from the start on: ``+1:06.166``, from an hour ``+1:02:03.000``."""
    milliseconds = round(abs(ns) / _MS)
    seconds, milliseconds = divmod(milliseconds, 1000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    head = f"{hours}:{minutes:02}" if hours else f"{minutes}"
    return f"{'-' if ns < 0 else '+'}{head}:{seconds:02}.{milliseconds:03}"


def span(ns: int) -> str:
    """Write how long something took, in its two largest units: ``1 min 8 s``."""
    rest = round(ns / _SECOND)
    parts = []
    for size, unit in _UNITS:
        count, rest = divmod(rest, size)
        if count:
            parts.append(f"{count} {unit}")
        elif parts:
            break
    return " ".join(parts[:2]) or "less than 1 s"


def briefly(ns: int) -> str:
    """Write a span in its largest unit alone: ``11 min``."""
    return span(ns) if ns < _SECOND else " ".join(span(ns).split()[:2])


def took(ns: int, *, is_check: bool) -> str:
    """Write the duration of an event; empty: it has none that means something."""
    milliseconds = ns / _MS
    if round(milliseconds) == 0:
        # Of anything but a check so short a span is the time that it took to make the span.
        return "< 1 ms" if ns and is_check else ""
    if milliseconds < 1000:
        return f"{milliseconds:.0f} ms"
    return f"{milliseconds / 1000:.2f} s" if milliseconds < 60_000 else span(ns)
