"""What a screener is: something that looks a person up in lists."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from journeytrace_collector.core.screening import Category, Hit, State

__all__ = [
    "MOST_HITS",
    "Answer",
    "Query",
    "Screener",
    "ScreenerError",
    "answer_of",
    "categories_of",
]

MOST_HITS: Final = 50
"""Hits that are told of one screening."""

_BEGINNINGS: Final = (
    ("role.pep", Category.PEP),
    ("role.rca", Category.PEP),
    ("sanction", Category.SANCTIONS),
    ("asset.frozen", Category.SANCTIONS),
    ("export.control", Category.SANCTIONS),
    ("crime", Category.CRIMINAL),
    ("wanted", Category.CRIMINAL),
)
"""What topics of FollowTheMoney begin with. All others are of `Category.OTHER`."""


class ScreenerError(Exception):
    """The lists could not be searched; a later attempt may go well. Its text holds no name."""


@dataclass(frozen=True, slots=True)
class Query:
    """Who is looked for."""

    names: tuple[str, ...]
    """All names that the person goes by, at least one."""
    birth_date: str | None = None
    """ISO 8601, also a year or a month alone; None: not known."""
    country: str | None = None
    """As it was given, an ISO 3166 code at best; None: not known."""
    cleared: frozenset[str] = frozenset()
    """Ids of entries that were found to be somebody else. They are told as hits all the same, but
    must not crowd others out."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the lists say."""

    states: dict[Category, State]
    """Of every category."""
    hits: tuple[Hit, ...] = ()
    """The best first."""
    lists: str | None = None
    """The version of the lists that were searched; None: not known."""
    unread: int = 0
    """Entries that could not be read, so that nobody was compared with them."""
    more: int = 0
    """Hits that there are beyond these; at least so many."""


class Screener(Protocol):
    """Looks people up."""

    name: str
    """What it is called in the record, and under ``exporters.screening``."""

    async def screen(self, query: Query) -> Answer:
        """Look for somebody.

        Raises:
            ScreenerError: it could not be done.
        """

    async def version(self) -> str | None:
        """Give the version of the lists as they are now; None: it cannot be known.

        Raises:
            ScreenerError: it could not be asked for.
        """

    async def close(self) -> None:
        """Let go of connections. Nothing is called afterwards."""


def categories_of(
    topics: Collection[str], covers: Collection[Category] = ()
) -> tuple[Category, ...]:
    """Give the categories of an entry by its topics, at least one.

    No topic stands for adverse media, so an entry without any is of that if its list `covers` it.
    """
    found = {
        next((c for begins, c in _BEGINNINGS if topic.startswith(begins)), Category.OTHER)
        for topic in topics
    }
    if not found:
        found = {Category.ADVERSE_MEDIA if Category.ADVERSE_MEDIA in covers else Category.OTHER}
    return tuple(category for category in Category if category in found)


def answer_of(
    hits: Sequence[Hit],
    covers: Collection[Category],
    *,
    lists: str | None = None,
    unread: int = 0,
    more: int = 0,
) -> Answer:
    """Put an answer together of all hits, the best first: clear is only what gave nothing."""
    found = {category for hit in hits for category in hit.categories}
    states = {
        category: State.HITS
        if category in found
        else State.CLEAR
        if category in covers
        else State.NOT_COVERED
        for category in Category
    }
    more += max(0, len(hits) - MOST_HITS)
    return Answer(states, tuple(hits[:MOST_HITS]), lists, unread, more)
