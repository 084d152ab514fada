"""Finding the session id in an incoming request, for both kinds of middleware."""

from __future__ import annotations

from typing import TYPE_CHECKING

from journeytrace._journey import Journey, mark_host

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Carrier"]


class Carrier:
    """The header or cookie that carries the session id; the header counts where both are there.

    Raises:
        TypeError: neither is named. This is a fault of the program,
            found when it starts.
    """

    def __init__(self, header: str | None, cookie: str | None) -> None:
        if not header and not cookie:
            raise TypeError("name the header or the cookie that carries the session id")
        self._header = header.lower() if header else None
        self._cookie = cookie

    def journey(self, header_value: Callable[[str], str | None]) -> Journey:
        """Resume the journey of a request; a false one if the request names no usable session.

        The server's own span, which began before, gets the session's id.

        Args:
            header_value: gives a header by its lower-case name; None: it was not sent.
        """
        value = header_value(self._header) if self._header else None
        if not value and self._cookie:
            value = _cookie_value(header_value("cookie") or "", self._cookie)
        if not value:
            return Journey()
        journey = Journey.resume(value)
        mark_host(journey)
        return journey


def _cookie_value(header: str, wanted: str) -> str | None:
    # The standard library's parser gives up on a header with one odd cookie of somebody else's.
    for pair in header.split(";"):
        name, _, value = pair.partition("=")
        if name.strip() == wanted:
            return value.strip().strip('"')
    return None
