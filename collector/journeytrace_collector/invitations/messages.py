"""A mail or SMS that carries a link: what its parcel holds, and what is told of its delivery.

The parcel holds the live link, sealed; it stands nowhere else, neither in an event nor in a line of
the log. It goes as soon as it is of no more use, and nobody ever finds it parked.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any, Final, NamedTuple

import msgspec

from journeytrace import conventions as names
from journeytrace.browser import Key
from journeytrace.conventions import Source
from journeytrace_collector.clock import Clock
from journeytrace_collector.core.change import Parcel
from journeytrace_collector.core.derive import rfc3339
from journeytrace_collector.core.invitations import (
    ATTEMPTED,
    FAILED,
    SENT,
    Channel,
    Invitation,
    act_id,
    invitation_of,
)
from journeytrace_collector.invitations.sealing import opened
from journeytrace_collector.recording import Record
from journeytrace_collector.store.base import Store

__all__ = ["Failure", "Known", "Outcomes", "Outgoing", "parcel_of", "read_parcel"]

ACTOR: Final = "journeytrace"
"""Who tells what came of a delivery."""
_MOST_TEXT: Final = 300


class Failure(StrEnum):
    """Why a link was not delivered."""

    REFUSED = "refused"
    """For good, by the server it was given to."""
    UNKNOWN = "unknown"
    """Nobody knows whether it arrived, and sending it again could make it arrive twice."""
    EXPIRED = "expired"
    """It could not leave while the link was good."""
    REVOKED = "revoked"
    """The link was taken back before it could leave, or was opened."""
    OFF = "off"
    """Nothing is configured any more that could send it, or open its seal."""


class Outgoing(msgspec.Struct, frozen=True):
    """A link on its way to somebody."""

    key: str
    """Of the request: the id of its event, in hex."""
    session_id: str
    invitation: str
    """Hex."""
    journey: str
    """As people read it."""
    recipient: str
    begins: str
    """What stands before the token in the link."""
    seal: str
    """The token: see `sealing`."""
    expires_at: int
    """ns"""

    def values(self, token: str) -> dict[str, str]:
        """Give what templates may say of it."""
        moment = rfc3339(self.expires_at)
        return {
            "expires": f"{moment[:10]} {moment[11:16]} UTC",
            "journey": self.journey,
            "key": self.key,
            "link": f"{self.begins}{token}",
            "to": self.recipient,
        }


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Outgoing).decode


def parcel_of(outgoing: Outgoing, channel: Channel) -> Parcel:
    """Give what leaves, and is erased with its session."""
    return Parcel(channel.value, _encode(outgoing), outgoing.session_id)


def read_parcel(parcel: Parcel) -> Outgoing:
    """Read what `parcel_of` wrote."""
    return _decode(parcel.payload)


class Known(NamedTuple):
    """What is known of a message that waits."""

    done: bool
    """It was told what came of it: nothing is left to be done."""
    attempted: bool
    """Somebody began to send it."""
    hopeless: Failure | None
    """Why the link is of no use to anybody any more; None: it is."""


class Outcomes:
    """Tells what came of deliveries, as events of their sessions."""

    def __init__(
        self, channel: Channel, keys: Sequence[Key], store: Store, record: Record, clock: Clock
    ) -> None:
        """Tell of a channel; `keys` open what is sealed."""
        self._channel = channel
        self._keys = keys
        self._store = store
        self._record = record
        self._clock = clock

    def values(self, outgoing: Outgoing) -> dict[str, str] | None:
        """Give what templates may say of a message; None: nobody can open its seal any more."""
        token = opened(outgoing.seal, outgoing.invitation, outgoing.key, self._keys)
        return None if token is None else outgoing.values(token)

    async def look(self, outgoing: Outgoing) -> Known:
        """Give what is known of a message, in this life and from earlier ones."""
        events = await asyncio.to_thread(self._store.events, outgoing.session_id, Source.OP.value)
        told = {event.event_id for event in events}
        return Known(
            done=not told.isdisjoint(act_id(name, outgoing.key) for name in (SENT, FAILED)),
            attempted=act_id(ATTEMPTED, outgoing.key) in told,
            hopeless=self._hopeless(outgoing, invitation_of(events, outgoing.invitation)),
        )

    def _hopeless(self, outgoing: Outgoing, found: Invitation | None) -> Failure | None:
        if self._clock() >= outgoing.expires_at:
            return Failure.EXPIRED
        gone = found is None or found.revoked_at is not None or found.opened_at is not None
        return Failure.REVOKED if gone else None

    async def attempted(self, outgoing: Outgoing) -> None:
        """Keep that it is about to be sent; it is on disk on return."""
        await self._tell(ATTEMPTED, outgoing)

    async def sent(self, outgoing: Outgoing) -> None:
        """Keep that it was taken."""
        await self._tell(SENT, outgoing)

    async def failed(self, outgoing: Outgoing, failure: Failure, why: str = "") -> None:
        """Keep that it was not, and will not be; `why`: in the words of the other side."""
        said = {names.INVITATION_FAILURE: failure.value}
        # What a server quotes may be the very mail.
        token = opened(outgoing.seal, outgoing.invitation, outgoing.key, self._keys)
        if why and token is not None and token not in why:
            said[names.PRIVATE_TEXT] = why[:_MOST_TEXT]
        await self._tell(FAILED, outgoing, said)

    async def _tell(
        self, name: str, outgoing: Outgoing, said: Mapping[str, Any] | None = None
    ) -> None:
        attributes = {
            names.INVITATION_ID: outgoing.invitation,
            names.INVITATION_CHANNEL: self._channel.value,
            names.INVITATION_MESSAGE: outgoing.key,
            **(said or {}),
        }
        once = act_id(name, outgoing.key)
        await self._record(name, outgoing.session_id, ACTOR, attributes, event_id=once)
