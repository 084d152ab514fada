"""What somebody reads who opens a link: pure."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import Final

__all__ = ["Said", "page"]

_PAGE: Final = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="robots" content="noindex, nofollow">
<title>{title}</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/i/page.css">
</head>
<body>
<main>
<h1>{title}</h1>
{rest}</main>
</body>
</html>
"""
_BUTTON: Final = '<form method="post"><button>{}</button></form>\n'


@dataclass(frozen=True, slots=True)
class Said:
    """One page."""

    status: int
    title: str
    texts: tuple[str, ...]
    button: str = ""
    """Empty: there is nothing to be done."""
    note: str = ""


def page(said: Said) -> bytes:
    """Write it as HTML; everything is escaped."""
    rest = "".join(f"<p>{escape(text)}</p>\n" for text in said.texts)
    if said.button:
        rest += _BUTTON.format(escape(said.button))
    if said.note:
        rest += f'<p class="mut">{escape(said.note)}</p>\n'
    return _PAGE.format(title=escape(said.title), rest=rest).encode()
