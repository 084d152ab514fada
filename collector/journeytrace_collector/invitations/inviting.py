"""What the desk does with invitations: make a link, have it sent, take it back."""

from __future__ import annotations

import asyncio
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final
from uuid import uuid4

from journeytrace import conventions as names
from journeytrace.browser import Key
from journeytrace.conventions import Source
from journeytrace_collector.clock import Clock
from journeytrace_collector.core.derive import rfc3339
from journeytrace_collector.core.invitations import (
    INVITED,
    REVOKED,
    Channel,
    Invitation,
    act_id,
    digest_of,
    invitation_of,
)
from journeytrace_collector.invitations.messages import Outgoing, parcel_of
from journeytrace_collector.invitations.sealing import sealed
from journeytrace_collector.recording import Record
from journeytrace_collector.settings.invitations import Invitations
from journeytrace_collector.store.base import Store

__all__ = ["PATH", "TOKEN", "Inviting", "Link", "find", "read_recipient"]

PATH: Final = "/i/"
"""What a token stands behind in the address of a link."""
TOKEN: Final = re.compile(r"[A-Za-z0-9_-]{43}")
"""What a token looks like: 32 random bytes."""

_SECOND: Final = 1_000_000_000
_MAIL: Final = re.compile(
    r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?"
)
_NUMBER: Final = re.compile(r"\+[1-9][0-9]{6,14}")
_MOST_MAIL: Final = 254


@dataclass(frozen=True, slots=True)
class Link:
    """A link that was just made, or shown again by whoever has it."""

    invitation: Invitation
    token: str = field(repr=False)
    address: str = field(repr=False)


def read_recipient(channel: Channel, text: str) -> str:
    """Read to whom a link shall go, as somebody typed it.

    Raises:
        ValueError: nothing can be sent there; the message says what is allowed.
    """
    if channel is Channel.SMS:
        number = re.sub(r"[ ()./-]", "", text.strip())
        if not _NUMBER.fullmatch(number):
            raise ValueError("must be a number with its country, such as +33 6 12 34 56 78")
        return number
    address = text.strip()
    if len(address) > _MOST_MAIL or not _MAIL.fullmatch(address) or ".." in address:
        raise ValueError("must be one e-mail address, such as ann@example.com")
    return address


async def find(store: Store, digest: bytes) -> Invitation | None:
    """Give an invitation by the digest of its token; None: there is none."""

    def read() -> Invitation | None:
        session_id = store.invited(digest)
        if session_id is None:
            return None
        return invitation_of(store.events(session_id, Source.OP.value), digest.hex())

    return await asyncio.to_thread(read)


class Inviting:
    """Invites people, for somebody at the desk."""

    def __init__(
        self,
        settings: Invitations,
        keys: Sequence[Key],
        store: Store,
        record: Record,
        clock: Clock,
    ) -> None:
        """Invite to the journeys of `settings`; the first of `keys` seals what is sent."""
        self._settings = settings
        self._keys = keys
        self._store = store
        self._record = record
        self._clock = clock

    async def invite(self, key: str, actor: str) -> Link:
        """Make a session that nobody has begun, with the link that leads into it.

        Raises:
            KeyError: there is no such journey.
            UnavailableError: it was not kept.
        """
        journey = self._settings.journeys[key]
        token = secrets.token_urlsafe(32)
        session_id, digest = str(uuid4()), digest_of(token)
        expires_at = self._clock() // _SECOND * _SECOND + round(
            journey.valid_for.total_seconds() * 1e9
        )
        attributes = {
            names.PROJECT_ID: journey.project,
            names.INVITATION_ID: digest.hex(),
            names.INVITATION_JOURNEY: key,
            names.INVITATION_EXPIRES_AT: rfc3339(expires_at),
            names.INVITATION_CHANNEL: Channel.LINK.value,
        }
        await self._record(INVITED, session_id, actor, attributes)
        link = await self.link(token)
        if link is None:
            raise LookupError("the session was erased")
        return link

    async def link(self, token: str) -> Link | None:
        """Give a link by its token; None: it leads nowhere."""
        if not TOKEN.fullmatch(token):
            return None
        found = await self.find(digest_of(token))
        return None if found is None else Link(found, token, f"{self._settings.url}{PATH}{token}")

    async def find(self, digest: bytes) -> Invitation | None:
        """Give an invitation by the digest of its token; None: there is none."""
        return await find(self._store, digest)

    async def send(
        self, link: Link, channel: Channel, recipient: str, actor: str, *, once: str
    ) -> None:
        """Have a link sent; what asks again with the same `once` is the same request.

        Raises:
            UnavailableError: it was not kept, and is not sent.
        """
        its = link.invitation
        event_id = act_id(INVITED, its.id, channel.value, recipient, once)
        attributes = {
            names.PROJECT_ID: its.project,
            names.INVITATION_ID: its.id,
            names.INVITATION_JOURNEY: its.journey,
            names.INVITATION_EXPIRES_AT: rfc3339(its.expires_at),
            names.INVITATION_CHANNEL: channel.value,
            names.INVITATION_RECIPIENT: recipient,
        }
        outgoing = Outgoing(
            key=event_id.hex(),
            session_id=its.session_id,
            invitation=its.id,
            journey=self._settings.called(its.journey),
            recipient=recipient,
            begins=link.address.removesuffix(link.token),
            seal=sealed(link.token, event_id.hex(), self._keys[0]),
            expires_at=its.expires_at,
        )
        await self._record(
            INVITED,
            its.session_id,
            actor,
            {name: value for name, value in attributes.items() if value is not None},
            event_id=event_id,
            parcels=[parcel_of(outgoing, channel)],
        )

    async def revoke(self, invitation: Invitation, actor: str) -> None:
        """Let a link lead nowhere any more.

        Raises:
            UnavailableError: it was not kept.
        """
        attributes = {names.INVITATION_ID: invitation.id}
        once = act_id(REVOKED, invitation.id)
        await self._record(REVOKED, invitation.session_id, actor, attributes, event_id=once)
