"""The SMS exporter: one request for each parcel; repeated only where the gateway can tell.

That a request is about to be made is on disk before it is made. Whoever finds that after a crash
knows that the SMS may have arrived: without an idempotency key it is not sent again, but told as a
failure of which nobody knows.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from urllib.parse import quote

import aiohttp

from journeytrace_collector.clock import Clock
from journeytrace_collector.core.change import Parcel
from journeytrace_collector.core.invitations import Channel
from journeytrace_collector.errors import RetryableExportError, UnavailableError
from journeytrace_collector.invitations.messages import Failure, Outcomes, Outgoing, read_parcel
from journeytrace_collector.outbox.exporter import Exporter
from journeytrace_exporters._http import excerpt, read_some, retry_after
from journeytrace_exporters._template import fill, fill_all
from journeytrace_exporters.sms.settings import TEXT, SmsSettings
from journeytrace_exporters.webhook.addresses import RefusedAddressError, public_socket

__all__ = ["SmsExporter"]


class _UnknownError(Exception):
    """The request was made, and nobody knows what became of it."""

    def __init__(self, message: str, after: float | None = None) -> None:
        super().__init__(message)
        self.after = after


class SmsExporter(Exporter):
    """Sends links by SMS. What comes of it is told by events; nothing is ever parked."""

    def __init__(
        self,
        settings: SmsSettings | None,
        password: str | None,
        outcomes: Outcomes,
        clock: Clock,
    ) -> None:
        """Send by `settings`; None: nothing is sent any more, and what waits is told to fail."""
        self._settings = settings
        self._outcomes = outcomes
        self._clock = clock
        user = settings.user if settings else None
        pair = b64encode(f"{user}:{password}".encode()).decode()
        self._auth = {} if user is None else {"Authorization": f"Basic {pair}"}
        self._session: aiohttp.ClientSession | None = None
        self._untaken: set[str] = set()
        """Of those that were attempted: which certainly did not arrive."""

    def destinations(self) -> tuple[str, ...]:
        """Give the one destination."""
        return (Channel.SMS.value,)

    async def deliver(self, parcel: Parcel) -> None:
        """Send one SMS; see `Exporter.deliver`. What fails for good is delivered, too: there is
        nothing left to be done."""
        outgoing = read_parcel(parcel)
        try:
            await self._deliver(outgoing)
        except UnavailableError as error:
            raise RetryableExportError(str(error)) from error
        self._untaken.discard(outgoing.key)

    async def _deliver(self, outgoing: Outgoing) -> None:
        settings, values = self._settings, self._outcomes.values(outgoing)
        known = await self._outcomes.look(outgoing)
        if known.done:
            return
        repeats = settings is not None and settings.idempotency_header is not None
        unknown = known.attempted and outgoing.key not in self._untaken
        if unknown and (not repeats or known.hopeless):
            await self._outcomes.failed(outgoing, Failure.UNKNOWN)
        elif known.hopeless:
            await self._outcomes.failed(outgoing, known.hopeless)
        elif settings is None or values is None:
            await self._outcomes.failed(outgoing, Failure.OFF)
        else:
            if not known.attempted:
                await self._outcomes.attempted(outgoing)
            await self._send(settings, outgoing, values, repeats=repeats)

    async def _send(
        self,
        settings: SmsSettings,
        outgoing: Outgoing,
        values: Mapping[str, str],
        *,
        repeats: bool,
    ) -> None:
        self._untaken.discard(outgoing.key)
        try:
            refusal = await self._post(settings, outgoing, values)
        except _UnknownError as error:
            if repeats:
                raise RetryableExportError(str(error), error.after) from None
            await self._outcomes.failed(outgoing, Failure.UNKNOWN, str(error))
        else:
            if refusal:
                await self._outcomes.failed(outgoing, Failure.REFUSED, refusal)
            else:
                await self._outcomes.sent(outgoing)

    async def _post(
        self, settings: SmsSettings, outgoing: Outgoing, known: Mapping[str, str]
    ) -> str:
        """Make the request; gives why it was refused for good, empty: it was taken.

        Raises:
            RetryableExportError: it was certainly not taken, and can be later.
            _UnknownError: it may have been.
        """
        values = {**known, TEXT: fill(settings.text, known)}
        quoted = {name: quote(value, safe="") for name, value in values.items()}
        headers = {
            name: fill(value.get_secret_value(), values) for name, value in settings.headers.items()
        }
        if settings.idempotency_header is not None:
            headers[settings.idempotency_header] = outgoing.key
        if self._session is None:
            self._session = self._open(settings)
        limit = settings.timeout.total_seconds()
        try:
            # Followed, a redirect would take the link to where nobody has said.
            async with self._session.post(
                fill(settings.url, quoted),
                json=fill_all(settings.json_body, lambda text: fill(text, values)),
                data=fill_all(settings.form_body, lambda text: fill(text, values)),
                headers=headers,
                allow_redirects=False,
                timeout=aiohttp.ClientTimeout(total=limit),
            ) as answer:
                return await self._judge(answer, outgoing)
        except aiohttp.ClientConnectorError as error:
            if isinstance(error.os_error, RefusedAddressError):
                return str(error.os_error)
            self._untaken.add(outgoing.key)
            kind = type(error.os_error).__name__
            raise RetryableExportError(f"the gateway cannot be reached: {kind}") from None
        except (TimeoutError, aiohttp.ClientError, OSError) as error:
            raise _UnknownError(f"no answer: {type(error).__name__}") from None

    async def _judge(self, answer: aiohttp.ClientResponse, outgoing: Outgoing) -> str:
        status = answer.status
        if 200 <= status < 300:
            return ""
        if status == 429:
            self._untaken.add(outgoing.key)
            after = retry_after(answer, self._clock())
            raise RetryableExportError("the gateway says 429", after)
        if status == 408 or status >= 500:
            raise _UnknownError(f"the gateway says {status}", retry_after(answer, self._clock()))
        if 300 <= status < 400:
            return f"{status}: redirects are not followed; set url to where it leads"
        return excerpt(f"{status} {(await read_some(answer)).decode('utf-8', 'replace')}")

    async def close(self) -> None:
        """Close the session, if it was opened."""
        if self._session is not None:
            await self._session.close()

    def _open(self, settings: SmsSettings) -> aiohttp.ClientSession:
        allowed = settings.allow_private_networks
        # A connection for each request: on one that was kept open nobody could tell what arrived.
        connector = aiohttp.TCPConnector(
            socket_factory=None if allowed else public_socket, force_close=True
        )
        # Neither cookies nor proxies of the environment: nothing but the settings says where we go.
        return aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            trust_env=False,
            headers=self._auth,
        )
