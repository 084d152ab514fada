"""Values of attributes, held to what OpenTelemetry can carry."""

from __future__ import annotations

from typing import TypeAlias

__all__ = ["Scalar", "Value", "is_sendable", "usable"]

Scalar: TypeAlias = str | bool | int | float
Value: TypeAlias = Scalar | tuple[Scalar, ...]


def is_sendable(text: str) -> bool:
    """Whether a string can go out as UTF-8; one with half a surrogate pair cannot."""
    return text.isascii() or not any("\ud800" <= letter <= "\udfff" for letter in text)


def usable(value: object) -> Value | None:
    """Give the plain form of a value; None: it cannot be carried."""
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
