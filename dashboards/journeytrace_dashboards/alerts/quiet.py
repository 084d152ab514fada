"""Quiet hours: when warnings wait. What is critical wakes people all the same."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Self

__all__ = ["Quiet"]

_DAYS: Final = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
"""In the order in which PromQL counts them."""
_FORM: Final = re.compile(r"(?:([a-z]{3}(?:,[a-z]{3})*) )?(\d\d):(\d\d)-(\d\d):(\d\d)")


@dataclass(frozen=True, slots=True)
class Quiet:
    """A time of some days, in UTC, for that is what PromQL knows."""

    days: tuple[int, ...]
    """0 is Sunday; empty: every day. Past midnight it is the next day that counts."""
    begin: int
    """Minute of the day."""
    end: int
    """Minute of the day; before `begin`: of the next one."""

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read ``22:00-06:00`` or ``sat,sun 00:00-24:00``.

        Raises:
            ValueError: it is neither.
        """
        found = _FORM.fullmatch(text.lower())
        names = found[1].split(",") if found and found[1] else []
        if found is None or not set(names) <= set(_DAYS):
            raise ValueError("must look like 22:00-06:00 or sat,sun 00:00-24:00, in UTC")
        hour, minute, to_hour, to_minute = (int(found[number]) for number in range(2, 6))
        begin, end = hour * 60 + minute, to_hour * 60 + to_minute
        if max(begin, end) > 24 * 60 or minute > 59 or to_minute > 59 or begin == end:
            raise ValueError("must begin and end within one day, at two different times")
        return cls(tuple(_DAYS.index(name) for name in names), begin, end)

    def promql(self) -> str:
        """Give an expression that has a sample while it is quiet."""
        now = "(hour() * 60 + minute())"
        word = "and" if self.begin < self.end else "or"
        time = f"({now} >= {self.begin} {word} {now} < {self.end})"
        if not self.days:
            return time
        days = " or ".join(f"day_of_week() == {day}" for day in self.days)
        return f"({time} and ({days}))"
