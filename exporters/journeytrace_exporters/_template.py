"""Texts with places in braces: only what is known is put there, and nothing is ever evaluated."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

__all__ = ["PLACES", "check", "check_all", "fill", "fill_all"]

PLACES: Final = ("expires", "journey", "key", "link", "to")
"""What can be said of a message that carries a link."""

_PLACE: Final = re.compile(r"\{([^{}]*)\}")


def check(text: str, *more: str) -> str:
    """Check the places of a text: `PLACES`, and `more`.

    Raises:
        ValueError: one of them is unknown.
    """
    known = sorted({*PLACES, *more})
    for place in _PLACE.findall(text):
        if place not in known:
            allowed = ", ".join(f"{{{name}}}" for name in known)
            raise ValueError(f"{{{place}}} is unknown; known are {allowed}")
    return text


def check_all(value: Any, *more: str) -> Any:
    """Check the places of all texts in what JSON can say."""
    fill_all(value, lambda text: check(text, *more))
    return value


def fill(text: str, values: Mapping[str, str]) -> str:
    """Put the values into their places."""
    return _PLACE.sub(lambda found: values[found[1]], text)


def fill_all(value: Any, filled: Callable[[str], str]) -> Any:
    """Fill all texts in what JSON can say; the keys stay what they are."""
    match value:
        case str():
            return filled(value)
        case dict():
            return {key: fill_all(one, filled) for key, one in value.items()}
        case list():
            return [fill_all(one, filled) for one in value]
    return value
