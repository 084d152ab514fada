"""Reading what a browser posts: the token comes first, and nothing is read on before it is good."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Final

from journeytrace.browser import MAX_TOKEN
from journeytrace_collector.errors import RequestTimeoutError
from journeytrace_collector.ingest import Hold
from journeytrace_collector.public.refusal import Outcome, RefusedError
from journeytrace_collector.public.token import Claims
from journeytrace_collector.receiver.body import BODY_SECONDS, Chunks, next_chunk

__all__ = ["MAX_BODY", "read_envelope", "read_plain"]

MAX_BODY: Final = 64 * 1024
"""Bytes of one request, as sent and once decompressed."""

_MILLISECONDS: Final = re.compile(rb"[0-9]{1,15}")


class _Body:
    """A body, as far as it is read."""

    def __init__(self, chunks: Chunks, hold: Hold) -> None:
        self._chunks = chunks
        self._hold = hold
        self.read = bytearray()

    async def more(self) -> bool:
        """Read on; False: there is nothing left."""
        chunk = await next_chunk(self._chunks)
        self._hold.grow(len(chunk))
        self.read += chunk
        return bool(chunk)

    async def rest(self) -> None:
        """Read on to the end, or to where it is too large."""
        going_on = True
        while going_on:
            # Counted as it comes, for what a request says of its own length may be a lie.
            if len(self.read) > MAX_BODY:
                message = f"a request may have {MAX_BODY} bytes: send less"
                raise RefusedError(Outcome.TOO_LARGE, message)
            going_on = await self.more()


async def read_plain(chunks: Chunks, hold: Hold) -> bytes:
    """Read a body whose token is known to be good.

    Raises:
        RefusedError: it is too large.
        RequestTimeoutError: it did not come in time, or the connection ended.
        MalformedRequestError: its framing is broken.
        OverloadedError: too many bytes wait already.
    """
    body = _Body(chunks, hold)
    async with _in_time():
        await body.rest()
    return bytes(body.read)


async def read_envelope(
    chunks: Chunks, hold: Hold, check: Callable[[bytes], Claims]
) -> tuple[Claims, int, bytes]:
    """Read a token, a line feed, ``sent_at`` in ms, a line feed, and OTLP/JSON.

    Gives what the token allows, ``sent_at`` in ns, and the last. `check` is asked before more than
    the token is read, and raises `RefusedError`. Raises what `read_plain` raises, too.
    """
    body = _Body(chunks, hold)
    async with _in_time():
        while b"\n" not in body.read and len(body.read) <= MAX_TOKEN and await body.more():
            pass
        token, line_feed, _ = body.read[: MAX_TOKEN + 1].partition(b"\n")
        if not line_feed:
            message = "the body must begin with a token and a line feed"
            raise RefusedError(Outcome.TOKEN, message)
        claims = check(bytes(token))
        await body.rest()
    sent_at, _, rest = bytes(body.read[len(token) + 1 :]).partition(b"\n")
    return claims, _sent_at(sent_at), rest


def _sent_at(text: bytes) -> int:
    """Read the page's clock, in ms, as ns.

    Raises:
        RefusedError: it is no number.
    """
    if not _MILLISECONDS.fullmatch(text):
        message = "behind the token must come the page's time in ms, as digits, and a line feed"
        raise RefusedError(Outcome.MALFORMED, message)
    return int(text) * 1_000_000


@asynccontextmanager
async def _in_time() -> AsyncIterator[None]:
    try:
        async with asyncio.timeout(BODY_SECONDS):
            yield
    except TimeoutError:
        message = f"the body did not come within {BODY_SECONDS} s"
        raise RequestTimeoutError(message) from None
