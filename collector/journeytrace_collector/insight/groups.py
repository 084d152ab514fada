"""Of which release, browser, country and device a session is. Here alone it is defined.

Each is told by its earliest event that tells it: a session that a new release takes over in the
middle is still of the one under which it began. What people did afterwards tells nothing of this.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any, Final

import msgspec

from journeytrace_collector.core.model import Event
from journeytrace_collector.core.operations import is_passive

__all__ = ["GROUPS", "KEYS", "MAX_VALUE", "Groups", "groups_of", "groups_told"]

KEYS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "release": ("service.version", "app.version", "release"),
        "browser": ("user_agent.name", "browser"),
        "country": ("geo.country.iso_code", "country"),
        "device": ("device.model.name", "device"),
    }
)
"""By group: the attributes of an event that tell it, OpenTelemetry's own names first. The release
of the service that created the session is its resource's: see `Decoder`."""

GROUPS: Final = tuple(KEYS)
"""The names of what a session can be told to be of, beside its project."""

MAX_VALUE: Final = 64
"""Characters of a value that are told apart."""

_NEEDLES: Final = tuple((group, f'"{key}":') for group, keys in KEYS.items() for key in keys)
"""How each key stands in metadata: text of JSON without spaces."""

_decode = msgspec.json.Decoder(dict[str, Any]).decode


class Groups(msgspec.Struct, frozen=True):
    """What a session is of. None anywhere: no event told it."""

    release: str | None = None
    browser: str | None = None
    country: str | None = None
    device: str | None = None


def groups_of(events: Iterable[Event]) -> Groups:
    """Give what a session is of; `events` are all of it, in any order."""
    told = sorted((one.at, one.event_id, one.metadata) for one in events if not is_passive(one))
    return groups_told(metadata for _, _, metadata in told)


def groups_told(metadata: Iterable[str]) -> Groups:
    """Give what a session is of by the metadata of its events, in their order; none is passive."""
    texts = list(metadata)
    # Each key is looked for once in all there is: settling asks it of every session, and most
    # events tell nothing of this.
    whole = "\n".join(texts)
    told = [(group, needle) for group, needle in _NEEDLES if needle in whole]
    open_ = {group for group, _ in told}
    found: dict[str, str] = {}
    for text in texts:
        if not open_:
            break
        wanted = {group for group, needle in told if group in open_ and needle in text}
        said = _decode(text) if wanted else {}
        for group in wanted:
            values = (_value(said.get(key)) for key in KEYS[group])
            if value := next((one for one in values if one), None):
                found[group] = value
                open_.discard(group)
    return Groups(**found)


def _value(said: object) -> str | None:
    """Give what an attribute says in one short line; None: nothing of use."""
    # A version can be sent as a number: 1.4
    if isinstance(said, bool) or not isinstance(said, str | int | float):
        return None
    return " ".join(str(said).split())[:MAX_VALUE].rstrip() or None
