"""Whether what a user typed and what was read off a document say the same.

They do where their letters and digits are the same, whatever the case, the accents, the width and
the form of the characters, the spaces and the punctuation; or where both can be read as one day.
One rule for all who mark differences, on the screen and on paper.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from typing import Final
from unicodedata import normalize

__all__ = ["same"]

_ACCENT: Final = re.compile("[\\u0300-\\u036f]")
"""Beside Latin, Greek and Cyrillic letters; passports leave them out."""
_APART: Final = re.compile(r"[\W_]+")
_CLOCK: Final = re.compile(r"[T ]\d{2}:\d{2}.*$", re.DOTALL)
_YEAR_FIRST: Final = re.compile(r"(\d{4})[-/. ](\d{1,2})[-/. ](\d{1,2})\.?|(\d{4})(\d{2})(\d{2})")
_YEAR_LAST: Final = re.compile(r"(\d{1,2})[-/. ](\d{1,2})[-/. ](\d{4})\.?")


def same(a: str, b: str) -> bool:
    """Whether two values say the same."""
    return _letters(a) == _letters(b) or not _days(a).isdisjoint(_days(b))


def _letters(text: str) -> str:
    plain = normalize("NFKC", _ACCENT.sub("", normalize("NFKD", text)).casefold())
    # Of what has neither letters nor digits, the signs themselves count.
    return _APART.sub("", plain) or plain.strip()


def _days(text: str) -> set[date]:
    """Give the days that a text can mean: ``03/04/1990`` is one in March and one in April."""
    # A time behind the day says nothing of it.
    plain = _CLOCK.sub("", normalize("NFKC", text).strip())
    if found := _YEAR_FIRST.fullmatch(plain):
        year, month, day = (int(part) for part in found.groups() if part)
        return set(_day(year, month, day))
    if found := _YEAR_LAST.fullmatch(plain):
        first, second, year = map(int, found.groups())
        return {*_day(year, second, first), *_day(year, first, second)}
    return set()


def _day(year: int, month: int, day: int) -> Iterator[date]:
    try:
        yield date(year, month, day)
    except ValueError:
        return
