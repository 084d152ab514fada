"""The codes that a user's own product shows, with what they mean: none is built in."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

    from journeytrace._toml_table import TomlTable

__all__ = ["ErrorCodeSpec", "read_error_codes"]

MAX_PAGE: Final = 2_000
"""Characters of a page's address."""

_PAGE: Final = re.compile(r"https?://[^\s/?#\\<>\"'`]+[^\s\\<>\"'`]*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class ErrorCodeSpec:
    """What one error code means."""

    code: str
    meaning: str
    """In a sentence that can be read out loud to the user."""
    page: str | None = None
    """Address (http or https) of what is written about it; None: nothing is."""


def read_error_codes(
    table: TomlTable, base: Mapping[str, ErrorCodeSpec]
) -> dict[str, ErrorCodeSpec]:
    """Read ``[error_codes]`` over `base`; an empty page takes one away.

    Raises:
        CatalogueError: a meaning is missing, or a page is no address of the web.
    """
    codes = dict(base)
    for code, entry in table.tables():
        entry.allow("meaning", "page")
        old = base.get(code)
        full = entry.over({"meaning": old.meaning, "page": old.page} if old else {})
        codes[code] = ErrorCodeSpec(code, full.text("meaning"), _page(full))
    return codes


def _page(entry: TomlTable) -> str | None:
    page = entry.optional_text("page", MAX_PAGE)
    if page is None:
        return None
    if not (page.isprintable() and _PAGE.fullmatch(page)):
        wrong = "is no address of the web; write one that begins with https:// or http://"
        raise entry.error("page", wrong)
    return page
