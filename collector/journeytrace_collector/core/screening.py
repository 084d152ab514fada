"""What screening has left to be looked at: a fold of what it recorded (DESIGN section 13)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from journeytrace_collector.core.model import Event
from journeytrace_collector.core.operations import is_passive

__all__ = ["open_hits"]

_ENDED: Final = "SCREENING_ENDED"
_CLEARED: Final = "SCREENING_HIT_CLEARED"


class _Said(msgspec.Struct):
    hits: Any = msgspec.field(name="journey.screening.hits", default=0)
    hit: Any = msgspec.field(name="journey.screening.hit", default=None)


_said = msgspec.json.Decoder(_Said).decode


def open_hits(events: Sequence[Event]) -> int:
    """Give how many hits of the newest screening nobody has cleared: one that was confirmed counts.

    `events` are those of one session, in their order.
    """
    found = 0
    cleared: set[object] = set()
    for one in events:
        if not is_passive(one):
            continue
        if one.name == _ENDED:
            hits = _said(one.metadata).hits
            found, cleared = hits if isinstance(hits, int) else 0, set()
        elif one.name == _CLEARED:
            cleared.add(_said(one.metadata).hit)
    return max(0, found - len(cleared))
