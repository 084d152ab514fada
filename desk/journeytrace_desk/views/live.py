"""A list that stays open: its rows as they are now, and what has come to match since."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

import msgspec

from journeytrace.identity import SUPPORT_CODE_LENGTH, read_support_code
from journeytrace_collector.core.derive import Summary
from journeytrace_desk.views.sessions import Row, row

__all__ = ["MOST_SHOWN", "Live", "live", "support_codes"]

MOST_SHOWN: Final = 100
"""Rows of one page; what has no room waits until the page is opened anew."""


@dataclass(frozen=True, slots=True)
class Live:
    """What a page shows."""

    rows: list[Row]
    """In the order in which they stand there, whether they still match or not."""
    fresh: list[Row]
    """What matches and is not there yet, the newest first."""
    waits: str
    """How many match and are not there yet; empty: none."""
    state: str
    """A word that is another one as soon as any of this is."""


def live(
    shown: Sequence[str], matching: Sequence[Summary], others: Sequence[Summary], *, more: bool
) -> Live:
    """Describe a page that shows the rows with the keys `shown`.

    `matching`: the sessions that a list has now; `more`: not all of them. `others`: those that are
    shown and match no longer.
    """
    there = set(shown)
    known = {one.key: one for one in map(row, [*matching, *others])}
    rows = [known[key] for key in shown if key in known]
    fresh = [one for one in map(row, matching) if one.key not in there]
    waits = f"{len(fresh)}{'+' if more else ''}" if fresh else ""
    if not rows:
        # Nobody reads anything there.
        rows, fresh, waits = fresh[:MOST_SHOWN], [], ""
    elif len(shown) + len(fresh) > MOST_SHOWN:
        fresh = []
    told = [[_seen(one.session) for one in part] for part in (rows, fresh)]
    state = sha256(msgspec.json.encode([told, waits])).hexdigest()[:16]
    return Live(rows, fresh, waits, state)


def _seen(session: Summary) -> Summary:
    """Leave out what no list shows: sessions settle without looking any different."""
    return msgspec.structs.replace(session, settled_at=None, revision=0)


def support_codes(keys: Iterable[str]) -> tuple[str, ...]:
    """Give the support codes that keys of rows begin with, each once; not of what is no key."""
    codes = dict.fromkeys(read_support_code(key[:SUPPORT_CODE_LENGTH]) for key in keys)
    return tuple(code for code in codes if code)
