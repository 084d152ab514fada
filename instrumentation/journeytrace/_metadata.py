"""Metadata: whatever the host wants to keep with an event, held to what OpenTelemetry can carry."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, TypeAlias, cast

from journeytrace import conventions
from journeytrace._diagnostics import Problem, report

__all__ = ["MAX_METADATA", "Scalar", "Value", "clean", "is_sendable"]

Scalar: TypeAlias = str | bool | int | float
Value: TypeAlias = Scalar | tuple[Scalar, ...]

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
"""Keys that were found to be free for metadata. No event has one among its own when it begins."""

_ALWAYS_SENDABLE: Final = frozenset({float, bool})

_NOTHING: Final[Mapping[str, Value]] = {}


def clean(
    described: Described,
    attributes: object,
    metadata: dict[str, object],
    kept: Mapping[str, Value] = _NOTHING,
) -> dict[str, Value]:
    """Give `kept` and what of `attributes` and `metadata` an event can take; the last wins.

    If that is the very `metadata`, it may be it itself.

    None stands for nothing and is skipped. What is reserved, already among the event's `own`
    attributes, of a wrong type or too much is left out and reported.
    """
    if attributes is not None:
        metadata = {**_mapping(described.name, attributes), **metadata}
    if not kept and len(metadata) <= MAX_METADATA:
        # The usual, told by less than a look at each rule.
        for key, value in metadata.items():
            if key in _usual:
                if type(value) is str:
                    if value.isascii():
                        continue
                elif type(value) in _ALWAYS_SENDABLE:
                    continue
            break
        else:
            return cast("dict[str, Value]", metadata)
    event, _, own = described
    result = dict(kept)
    for key, value in metadata.items():
        if value is None:
            continue
        # Strings and floats are told first for speed: this loop is most of what recording costs.
        usable = (
            value
            if type(value) is float or (type(value) is str and value.isascii())
            else _usable(value)
        )
        if usable is None or type(key) is not str or not key or not key.isprintable():
            message = f"of {event} cannot be sent as {type(value).__name__} and was left out"
            report(Problem.BAD_METADATA, key, message)
        elif key in own or (key in _NAMES and not _may_set(key, usable)):
            message = f"belongs to the journey; {event} goes without it"
            report(Problem.RESERVED_METADATA, key, message)
        elif len(result) >= MAX_METADATA and key not in result:
            message = f"has more than {MAX_METADATA} metadata entries; the rest was left out"
            report(Problem.TOO_MUCH_METADATA, event, message)
            break
        else:
            result[key] = usable
            if key not in _NAMES and len(_usual) < MAX_USUAL:
                _usual.add(key)
    return result


def _mapping(event: str, attributes: object) -> Mapping[str, object]:
    if isinstance(attributes, Mapping):
        return attributes
    report(Problem.BAD_ARGUMENT, "attributes", f"of {event} is no mapping and was left out")
    return {}


def is_sendable(text: str) -> bool:
    """Whether a string can go out as UTF-8; one with half a surrogate pair cannot."""
    return text.isascii() or not any("\ud800" <= letter <= "\udfff" for letter in text)


def _may_set(name: str, value: Value) -> bool:
    return name in _SESSION_FIELDS and isinstance(value, str) and value != ""


def _usable(value: object) -> Value | None:
    if isinstance(value, list | tuple):
        items = [_scalar(item) for item in value]
        same = len({type(item) for item in items}) <= 1
        return tuple(i for i in items if i is not None) if same and None not in items else None
    return _scalar(value)


def _scalar(value: object) -> Scalar | None:
    """Give the plain form of a scalar (of an enum member, say, its value); None: it is none."""
    if isinstance(value, bool):
        return value
    if isinstance(value, str):
        return str.__str__(value) if is_sendable(value) else None
    if isinstance(value, int):
        # OTLP integers have 64 bits; a larger one would cost the whole attribute at export.
        return int.__int__(value) if -(2**63) <= value < 2**63 else None
    if isinstance(value, float):
        return float.__float__(value)
    return None
