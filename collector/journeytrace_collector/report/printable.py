"""Texts of strangers, so that paper shows all of them and none steers what stands around it."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

__all__ = ["printable", "short"]

_JOINERS: Final = "\u200c\u200d"
"""Arabic, Persian and Indic names are written with them."""
_RUN: Final = re.compile(r"[^\s\u200b]{30}(?=\S)")
_BREAK: Final = "\u200b"
"""Where a line may end, though nothing is seen there."""
_CUT: Final = 2_000
"""Characters of one value that are printed."""
_VARIANTS: Final = range(0xFE00, 0xFE10)


def printable(text: str, most: int = _CUT) -> str:
    r"""Give a text as it is printed.

    Control characters, half characters, what turns the direction of writing, private and unassigned
    characters and small pictures become visible, as ``\u202e``; all of it stands in the attached
    events as it came. Very long words can be broken, and what is longer than `most` is cut, with a
    mark that says how much.
    """
    kept = text[:most]
    shown = "".join(char if _is_plain(char) else _seen(char) for char in kept)
    shown = _RUN.sub(rf"\g<0>{_BREAK}", shown)
    return shown if len(text) <= most else f"{shown} […{len(text) - most:,} more]"


def short(text: str) -> str:
    """Give a text for a narrow column."""
    return printable(text, 160)


def _is_plain(char: str) -> bool:
    if " " <= char <= "~":
        return True
    code, kind = ord(char), unicodedata.category(char)
    if kind == "Zs" or char in _JOINERS:
        return True
    if kind[0] in "CZ" or code in _VARIANTS or code >= 0xE0000:
        return False
    # Arrows, dingbats and emoji, which fonts for names do not have.
    return not (kind in {"So", "Sk"} and (0x2190 <= code <= 0x2BFF or code > 0xFFFF))


def _seen(char: str) -> str:
    if char in "\n\r\t":
        return " "
    code = ord(char)
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"
