"""The screener of one's own lists."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from journeytrace_collector.core.screening import Hit
from journeytrace_exporters.screening.local.lists import (
    Entry,
    Limits,
    List,
    ListFile,
    read_list,
    stamp_of,
    version_of,
)
from journeytrace_exporters.screening.local.match import Person, likeness
from journeytrace_exporters.screening.screener import Answer, Query, answer_of

__all__ = ["LocalScreener"]


class LocalScreener:
    """Compares with everybody on some lists. A list that has changed is read again."""

    name = "local"

    def __init__(self, files: Sequence[ListFile], threshold: float, limits: Limits) -> None:
        """Search `files`; a hit has at least the score `threshold`, 0 to 1."""
        self._files = files
        self._threshold = threshold
        self._limits = limits
        self._lists: dict[str, List] = {}
        self._reading = asyncio.Lock()

    async def screen(self, query: Query) -> Answer:
        """Look for somebody: see `Screener`."""
        lists = await self._current()
        return await asyncio.to_thread(self._search, query, lists)

    async def version(self) -> str | None:
        """Give the version of the lists: see `Screener`."""
        return version_of(await self._current())

    async def close(self) -> None:
        """There is nothing to let go of."""

    async def _current(self) -> list[List]:
        # One reads, the others wait for it: a list can be large.
        async with self._reading:
            return await asyncio.to_thread(self._read)

    def _read(self) -> list[List]:
        for file in self._files:
            known = self._lists.get(file.name)
            if known is None or known.stamp != stamp_of(file.path):
                self._lists[file.name] = read_list(file, self._limits)
        return [self._lists[file.name] for file in self._files]

    def _search(self, query: Query, lists: Sequence[List]) -> Answer:
        country = (query.country or "").lower()
        asked = Person(
            query.names,
            (query.birth_date,) if query.birth_date else (),
            (country,) if len(country) == 2 else (),
        )
        hits: dict[str, Hit] = {}
        for one in lists:
            for entry in one.candidates(query.names):
                hit = self._hit(asked, entry)
                if hit is None:
                    continue
                before = hits.get(hit.id)
                if before is None or hit.score > before.score:
                    hits[hit.id] = hit
        # Who was cleared stands behind, so that they crowd nobody out.
        ranked = sorted(
            hits.values(), key=lambda hit: (bool(hit.ids & query.cleared), -hit.score, hit.id)
        )
        covers = frozenset().union(*(one.file.covers for one in lists))
        return answer_of(
            ranked,
            covers,
            lists=version_of(lists),
            unread=sum(one.unread for one in lists),
        )

    def _hit(self, asked: Person, entry: Entry) -> Hit | None:
        found = likeness(asked, entry.person)
        if found.score < self._threshold:
            return None
        return Hit(
            id=entry.id,
            name=entry.caption,
            score=found.score,
            categories=entry.categories,
            lists=entry.lists,
            birth_date=", ".join(entry.person.birth_dates) or None,
            country=", ".join(entry.person.countries) or None,
            evidence=found.evidence,
            referents=entry.referents,
        )
