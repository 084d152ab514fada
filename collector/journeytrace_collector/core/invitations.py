"""Invitations: what the events of a session say of a link that leads into it (DESIGN section 13).

All that is known of an invitation is told by its events, of which the digest of its link's token is
the key. Each fact is the earliest that was told, so any order of the events gives the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from hashlib import sha256
from typing import Any, Final, NamedTuple

import msgspec

from journeytrace import conventions as names
from journeytrace_collector.core.model import Event
from journeytrace_collector.core.operations import is_passive

__all__ = [
    "ATTEMPTED",
    "FAILED",
    "INVITED",
    "OPENED",
    "REVOKED",
    "SENT",
    "Channel",
    "Invitation",
    "Mark",
    "Message",
    "Standing",
    "act_id",
    "browser_hash",
    "digest_of",
    "invitation_of",
    "marks_of",
    "standing",
]

INVITED: Final = "SESSION_INVITED"
ATTEMPTED: Final = "INVITATION_ATTEMPTED"
SENT: Final = "INVITATION_SENT"
FAILED: Final = "INVITATION_FAILED"
OPENED: Final = "INVITATION_OPENED"
REVOKED: Final = "INVITATION_REVOKED"

_MARKING: Final = frozenset({INVITED, OPENED, REVOKED})
"""The events that say how an invitation stands."""
_RANKS: Final = {ATTEMPTED: 0, FAILED: 1, SENT: 2}
"""Of what is told of a message, the highest holds."""
_ID_DIGITS: Final = 64


class Channel(StrEnum):
    """How a link gets to the person."""

    LINK = "link"
    """Somebody hands it over: copied, or as a QR code."""
    MAIL = "mail"
    SMS = "sms"


class Standing(StrEnum):
    """How an invitation stands at some time."""

    NOT_OPENED = "not_opened"
    OPENED = "opened"
    EXPIRED = "expired"
    """Its time has passed, and nobody opened it."""
    REVOKED = "revoked"


class Mark(NamedTuple):
    """What one event says of how an invitation stands, times in ns; None: nothing of that."""

    digest: bytes
    invited_at: int | None = None
    expires_at: int | None = None
    opened_at: int | None = None
    revoked_at: int | None = None


@dataclass(frozen=True, slots=True)
class Message:
    """What became of one request to send a link."""

    key: str
    """Of the request: the id of its event, in hex."""
    at: int
    """ns"""
    channel: str
    recipient: str
    outcome: str = ""
    """The name of the event that tells; empty: it waits to leave."""
    failure: str = ""
    """See `names.INVITATION_FAILURE`; empty: it has not failed."""


@dataclass(frozen=True, slots=True)
class Invitation:
    """One link that leads into a session. Times are in ns."""

    id: str
    """Hex."""
    session_id: str
    journey: str
    project: str | None
    invited_at: int
    expires_at: int
    invited_by: str
    opened_at: int | None = None
    """None: nobody has."""
    browser: str = ""
    """Of whoever opened it: see `browser_hash`."""
    revoked_at: int | None = None
    """None: it was not taken back."""
    messages: tuple[Message, ...] = ()
    """In the order in which they were asked for."""

    @property
    def open_until(self) -> int:
        """How long the browser that opened it may come back: as long as the link had lasted."""
        return (self.opened_at or self.invited_at) + self.expires_at - self.invited_at


class _Said(msgspec.Struct):
    """What the metadata of these events tell; anything else is none of them."""

    id: Any = msgspec.field(name=names.INVITATION_ID, default=None)
    journey: Any = msgspec.field(name=names.INVITATION_JOURNEY, default=None)
    expires_at: Any = msgspec.field(name=names.INVITATION_EXPIRES_AT, default=None)
    channel: Any = msgspec.field(name=names.INVITATION_CHANNEL, default=None)
    recipient: Any = msgspec.field(name=names.INVITATION_RECIPIENT, default=None)
    failure: Any = msgspec.field(name=names.INVITATION_FAILURE, default=None)
    browser: Any = msgspec.field(name=names.INVITATION_BROWSER, default=None)
    actor: Any = msgspec.field(name=names.ACTOR_ID, default=None)
    message: Any = msgspec.field(name=names.INVITATION_MESSAGE, default=None)


_said = msgspec.json.Decoder(_Said).decode


def digest_of(token: str) -> bytes:
    """Give by what the token of a link is known: its SHA-256."""
    return sha256(token.encode()).digest()


def act_id(*parts: str) -> bytes:
    """Give the id of an event that is the same event however often it is recorded."""
    return sha256("\0".join(("journey.invitation", *parts)).encode()).digest()[:8]


def browser_hash(secret: str, invitation: str) -> str:
    """Give what is kept of a browser's secret: of each invitation another, so that they do not tell
    that two were opened by one person."""
    return sha256(f"journey.invitation:{invitation}:{secret}".encode()).hexdigest()


def marks_of(events: Iterable[Event]) -> Iterator[Mark]:
    """Give what events say of how invitations stand."""
    for event in events:
        if event.name not in _MARKING or not is_passive(event):
            continue
        said = _said(event.metadata)
        digest = _digest(said.id)
        if digest is None:
            continue
        if event.name == OPENED:
            yield Mark(digest, opened_at=event.at)
        elif event.name == REVOKED:
            yield Mark(digest, revoked_at=event.at)
        elif (expires_at := _ns(said.expires_at)) is not None:
            yield Mark(digest, invited_at=event.at, expires_at=expires_at)


def invitation_of(events: Iterable[Event], invitation: str) -> Invitation | None:
    """Fold what the events of a session say of one invitation; None: it is none of theirs.

    `events` are in their order.
    """
    found: dict[str, Any] = {}
    messages: dict[str, Message] = {}
    outcomes: dict[str, tuple[str, str]] = {}
    for event in events:
        if not is_passive(event):
            continue
        said = _said(event.metadata)
        if said.id != invitation:
            continue
        if event.name == INVITED:
            _invited(event, said, found, messages)
        elif event.name == OPENED and isinstance(said.browser, str):
            found.setdefault("opened_at", event.at)
            found.setdefault("browser", said.browser)
        elif event.name == REVOKED:
            found.setdefault("revoked_at", event.at)
        elif event.name in _RANKS:
            # Not by their times: who told one of them may have had another clock.
            key, before = _text(said.message), outcomes.get(_text(said.message))
            if before is None or _RANKS[before[0]] < _RANKS[event.name]:
                outcomes[key] = event.name, _text(said.failure)
    if "invited_at" not in found:
        return None
    for key, (outcome, failure) in outcomes.items():
        if key in messages:
            messages[key] = replace(messages[key], outcome=outcome, failure=failure)
    return Invitation(id=invitation, messages=tuple(messages.values()), **found)


def standing(
    now: int, *, expires_at: int, opened_at: int | None, revoked_at: int | None
) -> Standing:
    """Tell how an invitation stands at `now`, all in ns."""
    if revoked_at is not None:
        return Standing.REVOKED
    if opened_at is not None:
        return Standing.OPENED
    return Standing.EXPIRED if now >= expires_at else Standing.NOT_OPENED


def _invited(
    event: Event, said: _Said, found: dict[str, Any], messages: dict[str, Message]
) -> None:
    expires_at = _ns(said.expires_at)
    if expires_at is None or not isinstance(said.journey, str):
        return
    if "invited_at" not in found:
        found |= {
            "session_id": event.session_id,
            "journey": said.journey,
            "project": event.project_id,
            "invited_at": event.at,
            "expires_at": expires_at,
            "invited_by": _text(said.actor),
        }
    channel = _text(said.channel)
    if channel in {Channel.MAIL, Channel.SMS}:
        key = event.event_id.hex()
        messages[key] = Message(key, event.at, channel, _text(said.recipient))


def _digest(value: object) -> bytes | None:
    if not isinstance(value, str) or len(value) != _ID_DIGITS:
        return None
    try:
        return bytes.fromhex(value)
    except ValueError:
        return None


def _ns(value: object) -> int | None:
    """Read a time that the desk wrote, in whole seconds."""
    if not isinstance(value, str):
        return None
    try:
        moment = datetime.fromisoformat(value)
        if moment.tzinfo is None:
            return None
        return int(moment.timestamp()) * 1_000_000_000
    except (ValueError, OverflowError):
        return None


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
