"""What is said of screenings, as events."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import msgspec
from tests.support.events import NOON, event

from journeytrace import conventions as names
from journeytrace_collector.core.model import Event
from journeytrace_collector.core.screening import Category, Hit, State

__all__ = ["ended", "hit", "ids", "marked"]

CLEAR = dict.fromkeys(Category, State.CLEAR)


def hit(name: str = "Q1", *categories: Category, **fields: Any) -> Hit:
    """Make a hit, of sanctions unless said otherwise."""
    given = categories or (Category.SANCTIONS,)
    return Hit(id=name, name=f"Ann {name}", score=0.9, categories=given, **fields)


def ended(at: int, *hits: Hit, states: dict[Category, State] | None = None, **fields: Any) -> Event:
    """Make the end of a screening; `states`: where they are not what the hits make of them."""
    found = {category for one in hits for category in one.categories}
    told = CLEAR | dict.fromkeys(found, State.HITS) | (states or {})
    attributes: dict[str, Any] = {
        names.SCREENING_STATES + category: state for category, state in told.items()
    }
    attributes[names.SCREENING_SCREENER] = "local"
    attributes[names.SCREENING_HITS] = len(hits)
    attributes[names.PRIVATE_HITS] = msgspec.json.encode(hits).decode()
    return event("SCREENING_ENDED", NOON + at, metadata=json.dumps(attributes), **fields)


def marked(
    at: int, one: str, *, confirmed: bool = False, text: str = "why", **fields: Any
) -> Event:
    """Make what Ann said of a hit."""
    attributes = {
        names.ACTOR_ID: "ann",
        names.PRIVATE_HIT: one,
        names.PRIVATE_TEXT: text,
    }
    name = "SCREENING_HIT_CONFIRMED" if confirmed else "SCREENING_HIT_CLEARED"
    return event(name, NOON + at, metadata=json.dumps(attributes), **fields)


def ids(found: Sequence[Any]) -> list[str]:
    """Give the ids of hits that were found."""
    return [one.hit.id for one in found]
