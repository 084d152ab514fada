"""Reading an HTTP request body within a limit, before and after decompression."""

from __future__ import annotations

import asyncio
import zlib
from typing import Final, Protocol

from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.web import RequestPayloadError

from journeytrace_collector.errors import (
    MalformedRequestError,
    RequestTimeoutError,
    RequestTooLargeError,
)
from journeytrace_collector.ingest import Hold

__all__ = ["BODY_SECONDS", "MAX_STREAMS", "Chunks", "gunzip", "next_chunk", "read_limited"]

BODY_SECONDS: Final = 20
"""For a whole body: twice what exporters wait for their answer."""

MAX_STREAMS: Final = 16
"""Gzip streams in one body. Senders make one, a proxy that joins pieces perhaps a few."""

_GZIP: Final = 16 + zlib.MAX_WBITS


class Chunks(Protocol):
    """A body as it comes: aiohttp's reader."""

    async def readany(self) -> bytes:
        """Give what has come since; nothing at the end."""


async def next_chunk(chunks: Chunks) -> bytes:
    """Give what has come since; nothing at the end.

    Raises:
        RequestTimeoutError: the connection ended before the body did.
        MalformedRequestError: its framing is broken.
    """
    try:
        return await chunks.readany()
    except (ConnectionError, RuntimeError):
        # A RuntimeError is what aiohttp raises when the connection ended before it was asked.
        raise RequestTimeoutError("the connection ended before the body did") from None
    except (HttpProcessingError, RequestPayloadError) as error:
        raise MalformedRequestError(f"the body cannot be read: {error}") from None


async def read_limited(chunks: Chunks, limit: int, hold: Hold) -> bytes:
    """Join `chunks`; what has come is held against the bytes that may wait for the store.

    Raises:
        RequestTooLargeError: they are more than `limit` bytes; the rest is not read.
        RequestTimeoutError: they took longer than `BODY_SECONDS`, or the connection ended.
        MalformedRequestError: their framing is broken.
        OverloadedError: too many bytes wait already.
    """
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_SECONDS):
            while chunk := await next_chunk(chunks):
                if len(body) + len(chunk) > limit:
                    raise _too_large(limit)
                hold.grow(len(chunk))
                body += chunk
    except TimeoutError:
        raise RequestTimeoutError(f"the body did not come within {BODY_SECONDS} s") from None
    return bytes(body)


def gunzip(body: bytes, limit: int) -> bytes:
    """Decompress `body`, never holding more than `limit` bytes of the result.

    Raises:
        RequestTooLargeError: the result is more than `limit` bytes, or of too many streams.
        MalformedRequestError: `body` is no whole gzip stream.
    """
    plain = bytearray()
    if not body:
        # Nothing at all is what an empty request is, whatever it says of itself.
        return b""
    for _ in range(MAX_STREAMS):
        stream = zlib.decompressobj(_GZIP)
        try:
            # One byte more than allowed tells "too large" from "just fits".
            plain += stream.decompress(body, limit + 1 - len(plain))
        except zlib.error as error:
            raise MalformedRequestError(f"the body is no gzip: {error}") from error
        if len(plain) > limit:
            raise _too_large(limit)
        if not stream.eof:
            raise MalformedRequestError("the body's gzip stream ends too early")
        # A copy of all the rest: of many small streams that would be a copy for each.
        body = stream.unused_data
        if not body:
            return bytes(plain)
    raise RequestTooLargeError(
        f"the body is more than {MAX_STREAMS} gzip streams, one behind the other; send one"
    )


def _too_large(limit: int) -> RequestTooLargeError:
    return RequestTooLargeError(f"the body is over {limit} bytes; send smaller batches")
