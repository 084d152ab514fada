"""What a page of another site lets a browser send changes nothing here.

No form has a token: browsers say themselves where a request comes from, in a header that no script
can write, and all that are younger than 2023 do. The rule is that of Go's `CrossOriginProtection`.
"""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

from aiohttp import web

from journeytrace_collector.errors import ForeignOriginError

__all__ = ["SAFE", "check_origin"]

SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})
"""Methods that change nothing, so may come from anywhere."""


def check_origin(request: web.BaseRequest, own: str | None) -> None:
    """Let pass what changes nothing, what a page of the desk sent, and what no browser sent.

    `own`: the origin under which people reach the desk, where a proxy may say another name; None:
    the one of the request.

    Raises:
        ForeignOriginError: a page of another origin sent it.
    """
    if request.method in SAFE:
        return
    sites = request.headers.getall("Sec-Fetch-Site", [])
    if sites:
        foreign = any(site not in {"same-origin", "none"} for site in sites)
    else:
        origins = request.headers.getall("Origin", [])
        foreign = any(not _is_own(origin, request, own) for origin in origins)
    if foreign:
        raise ForeignOriginError("a page of another origin sent this, so nothing was done")


def _is_own(origin: str, request: web.BaseRequest, own: str | None) -> bool:
    if own is not None and origin.lower() == own.lower():
        return True
    try:
        host = urlsplit(origin).netloc.lower()
    except ValueError:
        return False
    return host != "" and host == request.headers.get("Host", "").lower()
