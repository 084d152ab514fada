"""Spans of time as people write them: ``20m``, ``90s``, ``1h30m``, ``7d``."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Final

__all__ = ["format_duration", "parse_duration"]

_SPAN: Final = re.compile(r"(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?", re.ASCII)
_UNITS: Final = (("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1))


def parse_duration(text: str) -> timedelta:
    """Read days, hours, minutes and seconds, the largest first, each at most once.

    A number without a unit is refused, for nobody can tell seconds from minutes in it.

    Raises:
        ValueError: `text` is something else or longer than timedelta can hold; the message shows
            the form.
    """
    found = _SPAN.fullmatch(text)
    if not text or found is None:
        raise ValueError(f"must be a span of time such as 20m, 90s, 1h30m or 7d, not {text!r}")
    days, hours, minutes, seconds = (int(number or 0) for number in found.groups())
    try:
        return timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)
    except OverflowError:
        raise ValueError(f"is too long a span of time: {text!r}") from None


def format_duration(span: timedelta) -> str:
    """Write a span the way `parse_duration` reads it. Fractions of a second are left out."""
    rest = int(span.total_seconds())
    parts = []
    for unit, length in _UNITS:
        count, rest = divmod(rest, length)
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts) or "0s"
