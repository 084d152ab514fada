"""What HTTP answers mean to those who deliver over it."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

from aiohttp import ClientResponse

from journeytrace_collector.core.fields import printable

__all__ = ["MAX_WAIT_SECONDS", "excerpt", "read_some", "retry_after"]

MAX_WAIT_SECONDS: Final = 3_600
"""Who asks for more is asked again after an hour: a slip must not stop delivery for years."""

_MAX_ANSWER: Final = 64 * 1024
_MAX_EXCERPT: Final = 200


def retry_after(answer: ClientResponse, now: int) -> float | None:
    """Give the seconds that ``Retry-After`` asks for at `now` (ns); None: it does not, or in no
    known form."""
    value = answer.headers.get("Retry-After", "").strip()
    if value.isascii() and value.isdigit():
        return float(min(int(value[:9]), MAX_WAIT_SECONDS))
    try:
        moment = parsedate_to_datetime(value)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    wait = (moment - datetime.fromtimestamp(now / 1e9, UTC)).total_seconds()
    return min(max(wait, 0.0), MAX_WAIT_SECONDS)


async def read_some(answer: ClientResponse) -> bytes:
    """Read the body, but never more of it than an honest answer has."""
    body = b""
    async for chunk in answer.content.iter_any():
        body += chunk
        if len(body) >= _MAX_ANSWER:
            break
    return body[:_MAX_ANSWER]


def excerpt(text: str) -> str:
    """Give the beginning of somebody else's message, fit for one line of a log or a table."""
    return printable(" ".join(text.split())[:_MAX_EXCERPT])
