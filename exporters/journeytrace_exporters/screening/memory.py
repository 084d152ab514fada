"""What is known of hits, from all sessions of a person."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import msgspec

from journeytrace_collector.core.derive import kept
from journeytrace_collector.core.model import Event
from journeytrace_collector.core.screening import Hit, Mark, marks
from journeytrace_collector.store.base import SessionQuery, Store

__all__ = ["recognised", "remembered"]

MOST_SESSIONS: Final = 50
"""Of a person that are looked at, the newest."""


def remembered(store: Store, events: Sequence[Event], now: int) -> dict[str, Mark]:
    """Give what people made of hits, here or in other sessions of the same user, by their ids.

    `events` are those of this session. Only sessions of its project are looked at: what analysts
    of another one write is not theirs to read. What this session was told before of one that has
    been erased since is among it.
    """
    found = marks(events)
    session_id = events[0].session_id
    known = store.session(session_id)
    user = None if known is None else kept(known.state, "user_id")
    if known is None or not user:
        return found
    query = SessionQuery(user=user, project=known.state.project or "", limit=MOST_SESSIONS)
    for other in store.sessions(query, now).sessions:
        if other.state.session_id == session_id:
            continue
        for one, mark in marks(store.events(other.state.session_id, source="OP")).items():
            before = found.get(one)
            if before is None or (mark.at, mark.event_id) > (before.at, before.event_id):
                found[one] = mark
    return found


def recognised(hits: Iterable[Hit], known: Mapping[str, Mark]) -> list[Hit]:
    """Put to each hit what is known of it, also under a former id of its own.

    Of several the one that confirmed it counts, else the newest.
    """
    found = []
    for hit in hits:
        said = [known[one] for one in hit.ids if one in known]
        mark = max(said, key=lambda one: (one.confirmed, one.at, one.event_id), default=None)
        found.append(msgspec.structs.replace(hit, known=mark) if mark else hit)
    return found
