"""What a user typed, beside what was read off the documents, and whether the two are the same.

Of each field the newest value counts, by (time, event id). What was read is of the server alone,
and stands for each document on its own. Two values are the same where their letters and digits are,
whatever the case, the width and the form of the characters, the spaces and the punctuation; or
where both can be read as one day.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby
from typing import Final
from unicodedata import normalize

from journeytrace.conventions import DOCUMENT, EXTRACTED, FORM, Source
from journeytrace_collector.core.derive import rfc3339
from journeytrace_collector.core.model import Event
from journeytrace_desk.access.masking import HIDDEN
from journeytrace_desk.views.documents import fields

__all__ = ["Field", "Read", "form", "read_off", "same"]


@dataclass(frozen=True, slots=True)
class Read:
    """What was read off one document."""

    document: str
    """Empty: it is not said which."""
    value: str
    at: str
    differs: bool
    """From what was typed, if anything was."""


@dataclass(frozen=True, slots=True)
class Field:
    """One field."""

    name: str
    """Without what says where it is from."""
    typed: str | None
    """None: nothing was."""
    typed_at: str | None
    read: list[Read]

    @property
    def differs(self) -> bool:
        """Whether one of those who read it found something else."""
        return any(one.differs for one in self.read)

    @property
    def agrees(self) -> bool:
        """Whether there are both, and they are the same."""
        shown = self.typed is not None and self.typed != HIDDEN
        return shown and bool(self.read) and not self.differs


def form(events: Sequence[Event]) -> list[Field]:
    """Give all fields of a session that were typed or read off, in the order of their names."""
    return list(_fields(events, events))


def read_off(events: Sequence[Event], document: Sequence[Event]) -> list[Field]:
    """Give the fields that were read off one document, beside what was typed anywhere."""
    return [one for one in _fields(events, document) if one.read]


def _fields(typed_in: Sequence[Event], read_in: Sequence[Event]) -> Iterator[Field]:
    typed = {name: (value, at) for name, _, value, at in _newest(typed_in, FORM)}
    read = sorted(_newest(read_in, EXTRACTED))
    by_name = {name: list(group) for name, group in groupby(read, key=lambda one: one[0])}
    for name in sorted({**typed, **by_name}):
        value, at = typed.get(name, (None, None))
        found = [
            Read(document, text, when, value is not None and not same(value, text))
            for _, document, text, when in by_name.get(name, ())
        ]
        yield Field(name, value, at, found)


def _newest(events: Iterable[Event], prefix: str) -> Iterator[tuple[str, str, str, str]]:
    """Give (field, document, value, when) of what begins with `prefix`; `events` in their order."""
    found: dict[tuple[str, str], tuple[str, str]] = {}
    for event in events:
        if f'"{prefix}' not in event.metadata:
            continue
        if prefix == EXTRACTED and event.source != Source.BE:
            continue
        said = fields(event)
        name = said.get(DOCUMENT) if prefix == EXTRACTED else None
        document = name.strip() if isinstance(name, str) else ""
        for key, value in said.items():
            if key.startswith(prefix) and value is not None:
                found[key.removeprefix(prefix), document] = _text(value), rfc3339(event.at)
    for (key, document), (text, at) in found.items():
        yield key, document, text, at


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


_APART: Final = re.compile(r"[\W_]+")
_DAY: Final = re.compile(r"(\d{4})[-/. ](\d{1,2})[-/. ](\d{1,2})\.?")
_DAY_LAST: Final = re.compile(r"(\d{1,2})[-/. ](\d{1,2})[-/. ](\d{4})\.?")
_DAY_PACKED: Final = re.compile(r"(\d{4})(\d{2})(\d{2})")


def same(a: str, b: str) -> bool:
    """Whether two values say the same."""
    one, other = _letters(a), _letters(b)
    return one == other or not _days(a).isdisjoint(_days(b))


def _letters(text: str) -> str:
    plain = normalize("NFKC", text).casefold()
    # Of what has neither letters nor digits, the signs themselves count.
    return _APART.sub("", plain) or plain.strip()


def _days(text: str) -> set[date]:
    """Give the days that a text can mean: ``03/04/1990`` is one in March and one in April."""
    plain = normalize("NFKC", text).strip()
    # A time behind the day says nothing of it.
    plain = re.sub(r"[T ]\d{2}:\d{2}.*$", "", plain)
    if found := _DAY.fullmatch(plain) or _DAY_PACKED.fullmatch(plain):
        year, month, day = map(int, found.groups())
        return set(_day(year, month, day))
    if found := _DAY_LAST.fullmatch(plain):
        first, second, year = map(int, found.groups())
        return {*_day(year, second, first), *_day(year, first, second)}
    return set()


def _day(year: int, month: int, day: int) -> Iterator[date]:
    try:
        yield date(year, month, day)
    except ValueError:
        return
