"""The mail exporter: one mail for each parcel, at least once."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import formatdate, parseaddr
from typing import Final

import aiosmtplib

from journeytrace_collector.clock import Clock
from journeytrace_collector.core.change import Parcel
from journeytrace_collector.core.invitations import Channel
from journeytrace_collector.errors import RetryableExportError, UnavailableError
from journeytrace_collector.invitations.messages import Failure, Outcomes, Outgoing, read_parcel
from journeytrace_collector.outbox.exporter import Exporter
from journeytrace_exporters._http import excerpt
from journeytrace_exporters._template import fill
from journeytrace_exporters.mail.settings import MailSettings

__all__ = ["MailExporter"]

_LONGEST_LINE: Final = 998
"""Characters of a line that SMTP allows."""
_PERMANENT: Final = 500
"""The code of SMTP from which on an answer is for good."""


class MailExporter(Exporter):
    """Sends links by mail. What comes of it is told by events; nothing is ever parked."""

    def __init__(
        self,
        settings: MailSettings | None,
        password: str | None,
        outcomes: Outcomes,
        clock: Clock,
    ) -> None:
        """Send by `settings`; None: nothing is sent any more, and what waits is told to fail."""
        self._settings = settings
        self._password = password
        self._outcomes = outcomes
        self._clock = clock
        self._tls = _context(settings) if settings else None

    def destinations(self) -> tuple[str, ...]:
        """Give the one destination."""
        return (Channel.MAIL.value,)

    async def deliver(self, parcel: Parcel) -> None:
        """Send one mail; see `Exporter.deliver`. What a server refuses for good is delivered, too:
        there is nothing left to be done."""
        outgoing = read_parcel(parcel)
        try:
            values = self._outcomes.values(outgoing)
            known = await self._outcomes.look(outgoing)
            if known.done:
                return
            if self._settings is None or values is None:
                await self._outcomes.failed(outgoing, Failure.OFF)
            elif known.hopeless:
                await self._outcomes.failed(outgoing, known.hopeless)
            elif refusal := await self._send(self._settings, outgoing, values):
                await self._outcomes.failed(outgoing, Failure.REFUSED, refusal)
            else:
                await self._outcomes.sent(outgoing)
        except UnavailableError as error:
            raise RetryableExportError(str(error)) from error

    async def _send(
        self, settings: MailSettings, outgoing: Outgoing, values: Mapping[str, str]
    ) -> str:
        """Send it; gives why it was refused for good, empty: it was taken.

        Raises:
            RetryableExportError: it was not taken now. No message of it quotes the server, which
                may quote the recipient.
        """
        message = _message(settings, outgoing, values, self._clock())
        try:
            await aiosmtplib.send(
                message,
                sender=parseaddr(settings.sender)[1],
                recipients=[outgoing.recipient],
                hostname=settings.host,
                port=settings.real_port,
                username=settings.user,
                password=self._password,
                timeout=settings.timeout.total_seconds(),
                use_tls=settings.tls == "implicit",
                start_tls=settings.tls == "starttls",
                tls_context=self._tls,
            )
        except aiosmtplib.SMTPRecipientsRefused as error:
            return _judge(error.recipients[0])
        except (aiosmtplib.SMTPSenderRefused, aiosmtplib.SMTPDataError) as error:
            return _judge(error)
        except aiosmtplib.SMTPResponseException as error:
            raise RetryableExportError(f"the server says {error.code}") from None
        except (aiosmtplib.SMTPException, OSError) as error:
            kind = type(error).__name__
            raise RetryableExportError(f"the server cannot be reached: {kind}") from None
        return ""


def _judge(error: aiosmtplib.SMTPResponseException) -> str:
    if error.code < _PERMANENT:
        raise RetryableExportError(f"the server says {error.code}") from None
    return excerpt(f"{error.code} {error.message}")


def _message(
    settings: MailSettings, outgoing: Outgoing, values: Mapping[str, str], now: int
) -> EmailMessage:
    message = EmailMessage(policy=SMTP)
    message["From"] = settings.sender
    message["To"] = outgoing.recipient
    message["Subject"] = fill(settings.subject, values)
    message["Date"] = formatdate(now / 1e9)
    # The same whenever it is sent, so that a mailbox can tell that it has it already.
    domain = parseaddr(settings.sender)[1].rpartition("@")[2]
    message["Message-ID"] = f"<{outgoing.key}.journeytrace@{domain}>"
    message["Auto-Submitted"] = "auto-generated"
    text = fill(settings.text, values)
    # A link that is broken in two by an encoding can be read by mail programs, and by nobody else.
    plain = text.isascii() and all(len(line) <= _LONGEST_LINE for line in text.splitlines())
    message.set_content(text, cte="7bit" if plain else None)
    return message


def _context(settings: MailSettings) -> ssl.SSLContext | None:
    if settings.tls == "none":
        return None
    return ssl.create_default_context(cafile=settings.ca_file)
