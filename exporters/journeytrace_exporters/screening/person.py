"""Events of a session → who is to be looked for. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from typing import Any, Final

from journeytrace.conventions import Source
from journeytrace_collector.core.model import Event
from journeytrace_exporters.screening.screener import Query
from journeytrace_exporters.screening.settings import ScreeningSettings

__all__ = ["names_somebody", "query_of", "told"]

_BACKEND: Final = "extracted."
_LONGEST: Final = 200
_DATE: Final = re.compile(r"\d{4}(?:-\d{2}(?:-\d{2})?)?")


def names_somebody(event: Event, settings: ScreeningSettings) -> bool:
    """Whether an event can say something new of who is to be looked for."""
    if event.source == Source.OP:
        return False
    return any(f'"{key}"' in event.metadata for key in _keys(settings))


def query_of(events: Sequence[Event], settings: ScreeningSettings) -> Query | None:
    """Give who is to be looked for; None: no name is whole.

    Of each attribute the newest value counts, and what is no text or empty is not there.
    """
    values = _newest(events, frozenset(_keys(settings)))
    names = [
        " ".join(values[key] for key in parts)
        for parts in settings.names
        if all(key in values for key in parts)
    ]
    if not names:
        return None
    dates = [values[key] for key in settings.birth_date if key in values]
    found = next((match[0] for date in dates if (match := _DATE.match(date))), None)
    country = next((values[key] for key in settings.country if key in values), None)
    return Query(tuple(dict.fromkeys(names)), found, country)


def told(query: Query) -> dict[str, Any]:
    """Give what is recorded of a query: that and no more is looked for."""
    return {
        "names": list(query.names),
        "birth_date": query.birth_date,
        "country": query.country,
    }


def _keys(settings: ScreeningSettings) -> Iterable[str]:
    for parts in settings.names:
        yield from parts
    yield from settings.birth_date
    yield from settings.country


def _newest(events: Sequence[Event], keys: frozenset[str]) -> dict[str, str]:
    found: dict[str, tuple[tuple[int, bytes], str]] = {}
    for event in events:
        if event.source == Source.OP or not any(f'"{key}"' in event.metadata for key in keys):
            continue
        attributes = json.loads(event.metadata)
        for key in keys & attributes.keys():
            value = attributes[key]
            if not isinstance(value, str) or not value.strip():
                continue
            if key.startswith(_BACKEND) and event.source != Source.BE:
                continue
            stamp = (event.at, event.event_id)
            if key not in found or stamp > found[key][0]:
                found[key] = stamp, " ".join(value.split())[:_LONGEST]
    return {key: value for key, (_, value) in found.items()}
