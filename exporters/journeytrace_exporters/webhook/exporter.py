"""The webhook exporter: what is told to whom, and whether it arrived."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import aiohttp

from journeytrace.catalogue import Catalogue
from journeytrace_collector.clock import Clock
from journeytrace_collector.core.change import Change, Parcel
from journeytrace_collector.errors import PermanentExportError, RetryableExportError
from journeytrace_collector.outbox.exporter import Exporter
from journeytrace_exporters._http import excerpt, read_some, retry_after
from journeytrace_exporters.webhook import news
from journeytrace_exporters.webhook.addresses import RefusedAddressError, public_socket
from journeytrace_exporters.webhook.settings import EndpointSettings, WebhookSettings
from journeytrace_exporters.webhook_signature import IDEMPOTENCY_KEY, signed_headers

__all__ = ["WebhookExporter"]

_PREFIX: Final = "webhook:"
_RETRYABLE: Final = frozenset({408, 425, 429})
"""Beside all of 5xx: who cannot say what is wrong may be right again later."""


class WebhookExporter(Exporter):
    """Tells each endpoint the news that it asked for."""

    def __init__(
        self, settings: WebhookSettings, catalogue: Catalogue, idle_timeout: int, clock: Clock
    ) -> None:
        """Tell by `settings`; `idle_timeout` in ns."""
        self._settings = settings
        self._catalogue = catalogue
        self._endpoints = {_PREFIX + endpoint.name: endpoint for endpoint in settings.endpoints}
        self._idle_timeout = idle_timeout
        self._clock = clock
        self._session: aiohttp.ClientSession | None = None

    def destinations(self) -> tuple[str, ...]:
        """Give one destination for each endpoint."""
        return tuple(self._endpoints)

    def parcels(self, change: Change) -> Iterator[Parcel]:
        """Give one parcel for each news and endpoint."""
        for session in change.sessions:
            for item in news.news_of(session):
                for destination, endpoint in self._endpoints.items():
                    if news.wanted(item, endpoint):
                        yield self._parcel(item, destination, endpoint, change)

    def _parcel(
        self, item: news.News, destination: str, endpoint: EndpointSettings, change: Change
    ) -> Parcel:
        key = news.idempotency_key(item, endpoint.name)
        payload = news.body(
            item,
            endpoint,
            key,
            change,
            catalogue=self._catalogue,
            idle_timeout=self._idle_timeout,
        )
        return Parcel(destination, payload, item.session.after.session_id, {IDEMPOTENCY_KEY: key})

    async def deliver(self, parcel: Parcel) -> None:
        """Post one parcel; see `Exporter.deliver`."""
        endpoint = self._endpoints.get(parcel.destination)
        if endpoint is None:
            raise PermanentExportError(f"no endpoint is configured for {parcel.destination}")
        if self._session is None:
            self._session = self._open()
        secret = endpoint.secret.get_secret_value()
        key = parcel.headers[IDEMPOTENCY_KEY]
        headers = {
            **signed_headers(secret, key, parcel.payload, self._clock() / 1e9),
            "Content-Type": "application/json",
        }
        limit = endpoint.timeout.total_seconds()
        try:
            # Followed, a redirect would take the news to where nobody has put the secret.
            async with self._session.post(
                endpoint.url,
                data=parcel.payload,
                headers=headers,
                allow_redirects=False,
                timeout=aiohttp.ClientTimeout(total=limit),
            ) as answer:
                await self._judge(answer)
        except TimeoutError as error:
            raise RetryableExportError(f"no answer within {limit:g} s") from error
        except aiohttp.InvalidURL as error:
            raise PermanentExportError(excerpt(str(error))) from error
        except aiohttp.ClientConnectorError as error:
            raise _unreachable(error) from error
        except aiohttp.ClientError as error:
            raise RetryableExportError(excerpt(str(error)) or type(error).__name__) from error

    async def _judge(self, answer: aiohttp.ClientResponse) -> None:
        if 200 <= answer.status < 300:
            return
        text = excerpt((await read_some(answer)).decode("utf-8", "replace"))
        message = f"{answer.status}: {text or answer.reason or 'no message'}"
        if answer.status in _RETRYABLE or answer.status >= 500:
            raise RetryableExportError(message, retry_after(answer, self._clock()))
        if 300 <= answer.status < 400:
            message = f"{answer.status}: redirects are not followed; set url to where it leads"
        raise PermanentExportError(message)

    async def close(self) -> None:
        """Close the session, if it was opened."""
        if self._session is not None:
            await self._session.close()

    def _open(self) -> aiohttp.ClientSession:
        allowed = self._settings.allow_private_networks
        connector = aiohttp.TCPConnector(socket_factory=None if allowed else public_socket)
        # Neither cookies nor proxies of the environment: nothing but the settings says where we go.
        return aiohttp.ClientSession(
            connector=connector, cookie_jar=aiohttp.DummyCookieJar(), trust_env=False
        )


def _unreachable(
    error: aiohttp.ClientConnectorError,
) -> RetryableExportError | PermanentExportError:
    """A refused address is for people to mend, in the settings or in the name: time will not."""
    if isinstance(error.os_error, RefusedAddressError):
        return PermanentExportError(str(error.os_error))
    return RetryableExportError(excerpt(str(error)))
