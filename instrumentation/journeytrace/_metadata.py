"""Metadata: whatever the host wants to keep with an event, held to what OpenTelemetry can carry."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, TypeGuard

from journeytrace import conventions
from journeytrace._described import Described, Details
from journeytrace._diagnostics import Problem, report
from journeytrace._values import Value, usable

__all__ = ["MAX_METADATA", "clean", "is_usual"]

MAX_METADATA: Final = 100
"""Entries per event. A span holds 128 attributes, and past that the SDK drops the oldest ones."""

_SESSION_FIELDS: Final = frozenset(
    {
        conventions.EVENT_ID,
        conventions.FLOW_ID,
        conventions.PROJECT_ID,
        conventions.SUBMISSION_ID,
        conventions.USER_EMAIL,
        conventions.USER_ID,
    }
)
"""Journey attributes that a caller may set by name, with a string that is not empty."""

_NAMES: Final = frozenset(conventions.ATTRIBUTES)

MAX_USUAL: Final = 1_000
"""Keys that are remembered: a service writes few, unless it makes them up of what it is sent."""

_usual: Final[set[str]] = set()
"""Keys that metadata had before. No event has one among its own when it begins."""

_NEVER_USUAL: Final = _NAMES | {*Details._fields, "attributes"}
"""What is more than metadata, by its attribute or by its parameter."""

_ALWAYS_SENDABLE: Final = frozenset({float, bool})

_NOTHING: Final[Mapping[str, Value]] = {}


def clean(
    described: Described,
    attributes: object,
    metadata: dict[str, object],
    kept: Mapping[str, Value] = _NOTHING,
) -> dict[str, Value]:
    """Give `kept` and what of `attributes` and `metadata` an event can take; the last wins.

    It may be the very `metadata`.

    None stands for nothing and is skipped. What is reserved, already among the event's `own`
    attributes, of a wrong type or too much is left out and reported.
    """
    if attributes is not None:
        metadata = {**_mapping(described.name, attributes), **metadata}
    if not kept and is_usual(metadata):
        return metadata
    event, _, own = described
    result = dict(kept)
    for key, value in metadata.items():
        if value is None:
            continue
        sent = usable(value)
        if sent is None or type(key) is not str or not key or not key.isprintable():
            message = f"of {event} cannot be sent as {type(value).__name__} and was left out"
            report(Problem.BAD_METADATA, key, message)
        elif key in own or (key in _NAMES and not _may_set(key, sent)):
            message = f"belongs to the journey; {event} goes without it"
            report(Problem.RESERVED_METADATA, key, message)
        elif len(result) >= MAX_METADATA and key not in result:
            message = f"has more than {MAX_METADATA} metadata entries; the rest was left out"
            report(Problem.TOO_MUCH_METADATA, event, message)
            break
        else:
            result[key] = sent
            if key not in _NEVER_USUAL and len(_usual) < MAX_USUAL:
                _usual.add(key)
    return result


def is_usual(metadata: dict[str, object]) -> TypeGuard[dict[str, Value]]:
    """Tell, by less than a look at each rule, whether all can be sent as it is; False: perhaps not.

    True also means that no key is a parameter of the methods that take metadata.
    """
    for key, value in metadata.items():
        if key in _usual:
            if type(value) is str:
                if value.isascii():
                    continue
            elif type(value) is int:
                if -(2**63) <= value < 2**63:
                    continue
            elif type(value) in _ALWAYS_SENDABLE:
                continue
        return False
    return len(metadata) <= MAX_METADATA


def _mapping(event: str, attributes: object) -> Mapping[str, object]:
    if isinstance(attributes, Mapping):
        return attributes
    report(Problem.BAD_ARGUMENT, "attributes", f"of {event} is no mapping and was left out")
    return {}


def _may_set(name: str, value: Value) -> bool:
    return name in _SESSION_FIELDS and isinstance(value, str) and value != ""
