"""Reading an HTTP request body within a limit, before and after decompression."""

from __future__ import annotations

import zlib
from collections.abc import AsyncIterable
from typing import Final

from journeytrace_collector.errors import MalformedRequestError, RequestTooLargeError

__all__ = ["gunzip", "read_limited"]

_GZIP: Final = 16 + zlib.MAX_WBITS


async def read_limited(chunks: AsyncIterable[bytes], limit: int) -> bytes:
    """Join `chunks`.

    Raises:
        RequestTooLargeError: they are more than `limit` bytes; the rest is not read.
    """
    body = bytearray()
    async for chunk in chunks:
        body += chunk
        if len(body) > limit:
            raise _too_large(limit)
    return bytes(body)


def gunzip(body: bytes, limit: int) -> bytes:
    """Decompress `body`, never holding more than `limit` bytes of the result.

    Raises:
        RequestTooLargeError: the result is more than `limit` bytes.
        MalformedRequestError: `body` is no whole gzip stream.
    """
    plain = bytearray()
    while body:
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
        body = stream.unused_data
    return bytes(plain)


def _too_large(limit: int) -> RequestTooLargeError:
    return RequestTooLargeError(f"the body is over {limit} bytes; send smaller batches")
