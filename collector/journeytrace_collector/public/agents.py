"""Which browser and what kind of device a request comes from, by what the browser says. Pure.

A page cannot be asked, for it would have to carry the list; and of what a browser says no more is
kept than these two words. They are guesses: whoever wants to says something else.
"""

from __future__ import annotations

from typing import Final

__all__ = ["BEGINNINGS", "agent_of"]

BEGINNINGS: Final = frozenset(("FRONT_SESSION_START", "FRONT_SESSION_RESUMED"))
"""The events that keep them: those by which a screen opens."""

_MOST: Final = 1_000
"""Characters that are looked at."""
# In this order, for most browsers call themselves by the names of others, too.
_BROWSERS: Final = (
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("FxiOS/", "Firefox"),
    ("Firefox/", "Firefox"),
    ("; wv)", "Android WebView"),
    ("CriOS/", "Chrome"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
    ("AppleWebKit/", "iOS WebView"),
)
_DEVICES: Final = (
    ("iPad", "tablet"),
    ("Tablet", "tablet"),
    ("iPhone", "phone"),
    ("Mobile", "phone"),
    ("Android", "tablet"),
    ("Windows NT", "computer"),
    ("Macintosh", "computer"),
    ("CrOS", "computer"),
    ("X11", "computer"),
)


def agent_of(header: str) -> dict[str, str]:
    """Give ``browser`` and ``device``, as far as the header ``User-Agent`` tells them."""
    text = header[:_MOST]
    if not text.startswith("Mozilla/"):
        return {}
    found = {
        "browser": next((name for sign, name in _BROWSERS if sign in text), None),
        "device": next((kind for sign, kind in _DEVICES if sign in text), None),
    }
    return {key: value for key, value in found.items() if value is not None}
