"""Texts of strangers, so that paper shows all of them and none steers what stands around it."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

__all__ = ["printable", "short", "whole"]

_JOINERS: Final = "\u200c\u200d"
"""Arabic, Persian and Indic names are written with them."""
_RUN: Final = re.compile(r"[^\s\u200b]{30}(?=\S)")
_BREAK: Final = "\u200b"
"""Where a line may end, though nothing is seen there."""
_APART: Final = "\u2068"
"""Begins a text: from right to left or not, what stands beside it keeps its place."""
_END: Final = "\u2069"
_LEFTWARD: Final = frozenset(("R", "AL", "AN"))
_VARIANTS: Final = range(0xFE00, 0xFE10)
_PICTURES: Final = range(0x2190, 0x2C00)
_LONG: Final = 2_000


def printable(text: str, most: int = _LONG) -> str:
    r"""Give a text as it is printed.

    Control characters, half characters, what turns the direction of writing, private and unassigned
    characters and small pictures become visible, as ``\u202e``; the attached events have them as
    they came. Very long words can be broken, and of what is longer than `most` characters the mark
    at its end tells how much is left out.
    """
    shown = _RUN.sub(rf"\g<0>{_BREAK}", _visible(text[:most]))
    return _apart(shown if len(text) <= most else f"{shown} […{len(text) - most:,} more]")


def short(text: str) -> str:
    """Give a text for a narrow column."""
    return printable(text, 160)


def whole(text: str) -> str:
    """Give an id, which whoever copies it wants without breaks."""
    return _apart(_visible(text)) if len(text) <= 64 else printable(text)


def _visible(text: str) -> str:
    return "".join(char if _is_plain(char) else _seen(char) for char in text)


def _apart(text: str) -> str:
    if text.isascii() or not any(unicodedata.bidirectional(char) in _LEFTWARD for char in text):
        return text
    return f"{_APART}{text}{_END}"


def _is_plain(char: str) -> bool:
    if " " <= char <= "~":
        return True
    code, kind = ord(char), unicodedata.category(char)
    if kind == "Zs" or char in _JOINERS:
        return True
    if kind[0] in "CZ" or code in _VARIANTS or code >= 0xE0000:
        return False
    # Arrows, dingbats and emoji, which fonts for names do not have.
    return not (kind in {"So", "Sk"} and (code in _PICTURES or code > 0xFFFF))


def _seen(char: str) -> str:
    if char in "\n\r\t":
        return " "
    code = ord(char)
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"
