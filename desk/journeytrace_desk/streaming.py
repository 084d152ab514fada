"""Files that are sent while they are made, so that none of them has to fit into memory."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator

from aiohttp import web

from journeytrace_collector.errors import UnavailableError

__all__ = ["send"]

_log = logging.getLogger(__name__)


async def send(
    request: web.Request, name: str, kind: str, parts: AsyncIterator[bytes]
) -> web.StreamResponse:
    """Send a file; its first part is made before the answer begins.

    A store that is away is told as such before that, and afterwards breaks the file off: nobody is
    to take the half of it for the whole.
    """
    first = await anext(parts)
    response = web.StreamResponse(headers={"Content-Disposition": f'attachment; filename="{name}"'})
    response.content_type = kind
    response.charset = "utf-8"
    await response.prepare(request)
    await response.write(first)
    try:
        async for part in parts:
            await response.write(part)
    except UnavailableError as error:
        _log.warning("the file %s was broken off: %s", name, error)
        if request.transport is not None:
            request.transport.abort()
        return response
    await response.write_eof()
    return response
