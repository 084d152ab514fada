"""Texts that no database could store, made storable. The decoder lets none of them in as a rule.

A lone surrogate has no place in UTF-8, and PostgreSQL has none for U+0000: each becomes U+FFFD, as
control characters in ids do (see `fields.printable`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

import msgspec

from journeytrace_collector.core.model import Event

__all__ = ["storable", "storable_json", "storable_text"]

_NOT_STORABLE: Final = re.compile("[\x00\ud800-\udfff]")
# In JSON they hide behind an escape. A backslash before it is no escape if it is itself escaped.
_ESCAPED: Final = re.compile(
    r"(\\\\)|\\u0000|\\ud[89ab][0-9a-f]{2}\\ud[c-f][0-9a-f]{2}|\\ud[89a-f][0-9a-f]{2}",
    re.IGNORECASE,
)
_REPLACEMENT: Final = "\N{REPLACEMENT CHARACTER}"


def storable(events: Iterable[Event]) -> list[Event]:
    """Give the events with every text storable."""
    return [_storable(event) for event in events]


def _storable(event: Event) -> Event:
    values = msgspec.structs.asdict(event)
    texts = {name: storable_text(text) for name, text in values.items() if isinstance(text, str)}
    return Event(**values | texts)


def storable_text(text: str) -> str:
    """Replace what cannot be stored."""
    return _NOT_STORABLE.sub(_REPLACEMENT, text)


def storable_json(text: str) -> str:
    """Replace what cannot be read out of a JSON text once it is stored."""
    return _ESCAPED.sub(_unescaped, text)


def _unescaped(found: re.Match[str]) -> str:
    # A backslash or a pair of surrogates is as it should be.
    return found[0] if found[1] or len(found[0]) == 12 else _REPLACEMENT
