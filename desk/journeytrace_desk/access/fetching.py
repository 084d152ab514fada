"""Asking a provider over HTTP: bounded in time and size, whatever it does."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, Final

import aiohttp
import msgspec

__all__ = ["AwayError", "Fetching"]

SECONDS: Final = 5.0
"""For all of an answer. Somebody is waiting in front of a page."""
MOST_BYTES: Final = 256 * 1024
"""Of an answer: key sets and tokens of large providers have a tenth of it."""


class AwayError(Exception):
    """A provider did not answer, or not with what it should. The message says which address."""


class Fetching:
    """Asks for JSON. To be closed."""

    def __init__(self) -> None:
        self._session: aiohttp.ClientSession | None = None

    async def close(self) -> None:
        """Let go of its connections."""
        if self._session is not None:
            await self._session.close()

    async def json(
        self,
        url: str,
        *,
        form: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> tuple[int, dict[str, Any]]:
        """Give status and object of an answer; `form`: sent by POST.

        Raises:
            AwayError: there is no answer, or one of another kind.
        """
        try:
            async with asyncio.timeout(SECONDS):
                status, body = await self._ask(url, form, headers or {})
        except TimeoutError:
            raise AwayError(f"{url}: no answer in {SECONDS:g} s") from None
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise AwayError(f"{url}: {error}") from error
        try:
            return status, msgspec.json.decode(body, type=dict[str, Any])
        except (msgspec.DecodeError, RecursionError):
            raise AwayError(f"{url}: answered {status} without a JSON object") from None

    async def _ask(
        self, url: str, form: Mapping[str, str] | None, headers: Mapping[str, str]
    ) -> tuple[int, bytes]:
        if self._session is None:
            # What an answer unpacks to is bounded by not letting it be packed.
            self._session = aiohttp.ClientSession(auto_decompress=False)
        sent = {"Accept": "application/json", "Accept-Encoding": "identity", **headers}
        # No answer leads elsewhere: a secret goes where the settings say, and nowhere else.
        asking = self._session.request(
            "GET" if form is None else "POST", url, data=form, headers=sent, allow_redirects=False
        )
        async with asking as response:
            body = bytearray()
            async for part in response.content.iter_any():
                body += part
                if len(body) > MOST_BYTES:
                    raise ValueError(f"more than {MOST_BYTES} bytes")
            return response.status, bytes(body)
