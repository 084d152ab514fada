"""Two cohorts of the store, compared."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Final

from journeytrace.catalogue import Catalogue
from journeytrace_collector.admin.cohorts import Pair, Wanted
from journeytrace_collector.insight.diff import Diff, Side, diff
from journeytrace_collector.insight.groups import Groups, groups_told
from journeytrace_collector.insight.tally import Tally
from journeytrace_collector.store.base import SessionQuery, Store

__all__ = ["MOST_READ", "Comparer", "compared"]

MOST_READ: Final = 40_000
"""Sessions that are read for one comparison, with their events."""

_NOBODY: Final = Groups()


class Comparer:
    """Compares cohorts, one pair after the other: so that no crowd of them takes all threads."""

    def __init__(self, store: Store, catalogue: Catalogue, idle_timeout: int) -> None:
        """Compare those of `store`; `idle_timeout` in ns."""
        self._store = store
        self._catalogue = catalogue
        self._idle_timeout = idle_timeout
        self._turn = asyncio.Lock()

    async def compare(self, pair: Pair, now: int, projects: frozenset[str] | None = None) -> Diff:
        """Compare two cohorts as they are at `now` (ns); `projects`: only sessions of these."""
        # What is younger is left out, else those alone would count who were quick.
        until = now - self._idle_timeout
        bound = Pair(*(_bound(one, until, projects) for one in (pair.a, pair.b)))
        async with self._turn:
            return await asyncio.to_thread(compared, self._store, bound, now, self._catalogue)


def _bound(wanted: Wanted, until: int, projects: frozenset[str] | None) -> Wanted:
    query = wanted.query
    last = until if query.until is None else min(query.until, until)
    return replace(wanted, query=replace(query, until=last, projects=projects))


def compared(store: Store, pair: Pair, now: int, catalogue: Catalogue) -> Diff:
    """Compare two cohorts of `store` as they are at `now` (ns). It can take some seconds."""
    sides = (pair.a, pair.b)
    queries: list[SessionQuery] = [one.query for one in sides]
    tells = any(one.groups for one in sides)
    # Of what is read once for both, there may be twice as much.
    most = MOST_READ // len(set(queries))
    sample = store.sample(queries, now, most, tells=tells)
    tallies = [Tally(catalogue.ordered_stages) for _ in sides]
    read, mine, both = [0, 0], [0, 0], 0
    for seen in sample.sessions:
        groups = groups_told(seen.told) if tells else _NOBODY
        chosen = [met and drawn for met, drawn in zip(seen.meets, seen.chosen, strict=True)]
        read = [count + one for count, one in zip(read, chosen, strict=True)]
        in_a, in_b = (met and one.fits(groups) for met, one in zip(seen.meets, sides, strict=True))
        both += in_a and in_b
        # What is in both is no part of b, also where it is in b's sample alone.
        side = 0 if in_a else 1
        if (in_a or in_b) and chosen[side]:
            mine[side] += 1
            tallies[side].add(seen.course)
    told = [
        Side(
            name=one.text,
            sessions=tally.sessions,
            going_on=tally.going_on,
            of=round(of * count / every) if every else 0,
            sampled=sampled,
        )
        for one, tally, of, count, every, sampled in zip(
            sides, tallies, sample.of, mine, read, sample.sampled, strict=True
        )
    ]
    return diff(tallies[0], tallies[1], told[0], told[1], both if pair.b.text else 0)
