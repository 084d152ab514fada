"""A list that is bound to some projects: one of each, put together.

So no row of another project is passed over on the way: neither how far a list has looked, nor where
its next page starts, nor how many there can be tells anything of what it may not show.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from journeytrace_collector.store.cohorts import cohort_of
from journeytrace_collector.store.listing import Ask, Listed, Listing

__all__ = ["answer"]


def answer(listing: Listing, ask: Ask) -> Listed:
    """Find one page, of all projects or of those that the query is bound to."""
    query = listing.query
    if query.projects is None:
        return listing.answer(ask)
    # What has no project is in none of them.
    names = [name for name in sorted(query.projects) if name and query.project in {None, name}]
    # Who is in several projects is one person all the same.
    bound = replace(listing, among=cohort_of(query))
    parts = [replace(bound, query=replace(query, project=name)).answer(ask) for name in names]
    return parts[0] if len(parts) == 1 else _together(parts, query.limit)


def _together(parts: Sequence[Listed], limit: int) -> Listed:
    # Of what is older than this, one of the parts tells nothing.
    end = max((part.next for part in parts if part.next is not None), default=None)
    rows = sorted((row for part in parts for row in part.rows), key=lambda row: row[:2])[::-1]
    known = [row for row in rows if end is None or row[:2] >= end]
    if len(known) > limit or (len(known) == limit and end is not None):
        at, no = known[limit - 1][:2]
        return Listed(known[:limit], (at, no))
    return Listed(known, end, None if end is None else end[0])
