"""Invitations as tests make them: settings, a mail server that keeps what it gets, and links."""

from __future__ import annotations

import asyncio
import logging
import re
from collections import deque
from types import TracebackType
from typing import Any, Self

from aiosmtpd.smtp import SMTP
from pydantic import SecretStr
from tests.support.waiting import PATIENCE

from journeytrace_collector.settings import Address
from journeytrace_collector.settings.invitations import Invitations
from journeytrace_collector.settings.public import Public, PublicKey

__all__ = ["FORM", "KEY", "SECRET", "URL", "Mailbox", "inviting", "link_in", "mail_to", "sms_to"]

URL = "http://localhost:1"
"""What links begin with. Tests go where the public listener really is."""
FORM = "http://localhost:2/start?lang=ko"
KEY = "2026a"
SECRET = "0123456789abcdef0123456789abcdef"

# The server's own log would show all that it is told.
logging.getLogger("mail.log").setLevel(logging.CRITICAL)


def inviting(**journeys: Any) -> dict[str, Any]:
    """Give settings of a collector that invites people to `onboarding` of acme, and others."""
    known = {"name": "Open an account", "project": "acme", "form": FORM}
    invitations = {"url": URL, "journeys": {"onboarding": known, **journeys}}
    key = PublicKey(key=SecretStr(SECRET))
    return {
        "public": Public(listen=Address("127.0.0.1", 0), keys={KEY: key}),
        "invitations": Invitations.model_validate(invitations),
    }


def mail_to(port: int, **more: Any) -> dict[str, Any]:
    """Give the settings of mails to a `Mailbox`."""
    return {"host": "127.0.0.1", "port": port, "tls": "none", "sender": "KYC <kyc@x.com>", **more}


def sms_to(port: int, **more: Any) -> dict[str, Any]:
    """Give the settings of a gateway on the loopback."""
    return {
        "url": f"http://127.0.0.1:{port}/send",
        "json_body": {"to": "{to}", "text": "{text}"},
        "allow_private_networks": True,
        **more,
    }


def link_in(text: str) -> str:
    """Find the token of the link that a page or a mail shows."""
    found = re.search(rf"{URL}/i/([\w-]{{43}})", text)
    assert found, text
    return found[1]


class Mailbox:
    """An SMTP server on a free port of the loopback; made in the loop that it runs in."""

    def __init__(self) -> None:
        self.port = 0
        self.mails: list[tuple[str, str]] = []
        """(recipient, message), as they came."""
        self.answers: deque[str] = deque()
        """What comes next; empty: taken."""
        self.held = False
        """Whether a mail is taken and not answered until the end."""

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        self._let_go = asyncio.Event()
        self._server = await loop.create_server(lambda: SMTP(self, loop=loop), "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._let_go.set()
        self._server.close()

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802
        """Take a mail."""
        self.mails.append((envelope.rcpt_tos[0], envelope.content.decode()))
        if self.held:
            await asyncio.wait_for(self._let_go.wait(), PATIENCE)
        return self.answers.popleft() if self.answers else "250 taken"
