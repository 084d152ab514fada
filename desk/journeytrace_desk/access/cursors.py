"""Where a page starts, without telling how many sessions of other projects there are.

A cursor holds the store's number of a session, which counts those of all projects: two of them
tell how many came in between. For whoever sees some projects alone it is enciphered, by a Feistel
network of four rounds. The key is forgotten with the process. A number is only there to tell
sessions apart that were created in the same nanosecond, so a cursor from before still leads to its
place.
"""

from __future__ import annotations

import hmac
from hashlib import sha256
from secrets import token_bytes
from typing import Final

from journeytrace_collector.store.base import Cursor

__all__ = ["Cursors"]

_HALF: Final = 31
_MASK: Final = 2**_HALF - 1
_ROUNDS: Final = range(4)


class Cursors:
    """Enciphers cursors and reads them again."""

    def __init__(self) -> None:
        self._key = token_bytes(32)

    def hidden(self, cursor: Cursor) -> Cursor:
        """Encipher one of the store's."""
        at, no = cursor
        left, right = no >> _HALF & _MASK, no & _MASK
        for turn in _ROUNDS:
            left, right = right, left ^ self._mixed(turn, right, at)
        return at, left << _HALF | right

    def read(self, cursor: Cursor) -> Cursor:
        """Give the store's again. Whatever somebody made up is one, too, of no session."""
        at, no = cursor
        left, right = no >> _HALF & _MASK, no & _MASK
        for turn in reversed(_ROUNDS):
            left, right = right ^ self._mixed(turn, left, at), left
        return at, left << _HALF | right

    def _mixed(self, turn: int, half: int, at: int) -> int:
        said = hmac.digest(self._key, f"{turn} {half} {at}".encode(), sha256)
        return int.from_bytes(said[:4]) & _MASK
