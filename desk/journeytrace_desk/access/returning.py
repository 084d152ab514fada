"""Where somebody goes after signing in: a page of this desk, whatever an address said."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import unquote

__all__ = ["HOME", "own_path"]

HOME: Final = "/"
_MOST: Final = 2_000
_PLAIN: Final = re.compile(r"/[!-~]*")
_OF_SIGNING_IN: Final = ("/sign-in", "/sign-out", "/signed-out")


def own_path(text: str) -> str:
    """Give `text` if every browser takes it for a path of the site that it is on, else `HOME`.

    Browsers take ``//host`` and ``/\\host`` for another site, and skip tabs and line ends in
    between; proxies decode percent signs. What could become such a thing is refused.
    """
    if len(text) > _MOST or _PLAIN.fullmatch(text) is None:
        return HOME
    path = re.split(r"[?#]", text, maxsplit=1)[0]
    # Whatever is decoded how often: three times is more than any chain of proxies does.
    for _ in range(4):
        if "//" in path or "\\" in path or not path.isprintable():
            return HOME
        path = unquote(path)
    return HOME if path.startswith(_OF_SIGNING_IN) else text
