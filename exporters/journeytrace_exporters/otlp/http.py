"""OTLP over HTTP, as protobuf."""

from __future__ import annotations

import asyncio
import gzip
from contextlib import suppress
from typing import Final

import aiohttp
from google.protobuf.message import DecodeError
from google.rpc.status_pb2 import Status
from yarl import URL

from journeytrace_collector.clock import Clock
from journeytrace_collector.errors import PermanentExportError, RetryableExportError
from journeytrace_exporters._http import excerpt, read_some, retry_after
from journeytrace_exporters.otlp.settings import OtlpSettings

__all__ = ["HttpTransport"]

_PROTOBUF: Final = "application/x-protobuf"
_RETRYABLE: Final = frozenset({429, 502, 503, 504})
"""As the OTLP specification has it: 500 is no passing fault."""


class HttpTransport:
    """One session, opened with the first parcel."""

    def __init__(self, endpoint: URL, settings: OtlpSettings, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self._url = endpoint.with_path(endpoint.path.rstrip("/") + "/v1/traces")
        self._session: aiohttp.ClientSession | None = None

    async def send(self, payload: bytes, headers: dict[str, str]) -> bytes:
        """Send; see `Transport.send`."""
        if self._session is None:
            self._session = self._open()
        headers = {**headers, "Content-Type": _PROTOBUF}
        if self._settings.compression == "gzip":
            headers["Content-Encoding"] = "gzip"
            payload = await asyncio.to_thread(gzip.compress, payload, 1)
        try:
            # A receiver that moved is a setting to mend: spans go nowhere else by themselves.
            async with self._session.post(
                self._url, data=payload, headers=headers, allow_redirects=False
            ) as answer:
                body = await read_some(answer)
                return self._judged(answer, body)
        except TimeoutError as error:
            limit = self._settings.timeout.total_seconds()
            raise RetryableExportError(f"no answer within {limit:g} s") from error
        except aiohttp.ClientError as error:
            raise RetryableExportError(excerpt(str(error)) or type(error).__name__) from error

    async def close(self) -> None:
        """Close the session, if it was opened."""
        if self._session is not None:
            await self._session.close()

    def _open(self) -> aiohttp.ClientSession:
        settings = self._settings
        return aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                ssl=settings.tls.context() if self._url.scheme == "https" else True
            ),
            timeout=aiohttp.ClientTimeout(total=settings.timeout.total_seconds()),
            cookie_jar=aiohttp.DummyCookieJar(),
        )

    def _judged(self, answer: aiohttp.ClientResponse, body: bytes) -> bytes:
        if 200 <= answer.status < 300:
            return body if answer.content_type == _PROTOBUF else b""
        message = f"{answer.status}: {_message(answer, body)}"
        if answer.status in _RETRYABLE:
            raise RetryableExportError(message, retry_after(answer, self._clock()))
        raise PermanentExportError(message)


def _message(answer: aiohttp.ClientResponse, body: bytes) -> str:
    text = ""
    if answer.content_type == _PROTOBUF:
        with suppress(DecodeError):
            text = Status.FromString(body).message
    elif answer.content_type.startswith(("text/", "application/json")):
        text = body.decode("utf-8", "replace")
    return excerpt(text) or (answer.reason or "no message")
