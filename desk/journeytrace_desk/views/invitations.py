"""Invitations, as pages show them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from journeytrace_collector.core.derive import rfc3339
from journeytrace_collector.core.invitations import (
    ATTEMPTED,
    FAILED,
    SENT,
    Channel,
    Invitation,
    Message,
    Standing,
    standing,
)
from journeytrace_collector.settings.invitations import Invitations
from journeytrace_desk.views.asked import link

__all__ = ["STANDINGS", "Row", "Sending", "row", "sendings"]

STANDINGS: Final = {
    Standing.NOT_OPENED: "not opened",
    Standing.OPENED: "opened",
    Standing.EXPIRED: "expired",
    Standing.REVOKED: "revoked",
}
_CHANNELS: Final = {Channel.MAIL.value: "E-mail", Channel.SMS.value: "SMS"}
_FAILURES: Final = {
    "refused": "refused: it will not arrive",
    "unknown": "not known whether it arrived; ask, before you send it again",
    "expired": "it could not leave before the link expired",
    "revoked": "not sent, for the link was opened or taken back before",
    "off": "not sent, for nothing is configured any more that could",
}


@dataclass(frozen=True, slots=True)
class Sending:
    """What became of one mail or SMS."""

    channel: str
    recipient: str
    said: str
    tone: str
    """``good``, ``bad``, or empty while nobody knows."""


@dataclass(frozen=True, slots=True)
class Row:
    """One invitation."""

    id: str
    session: str
    address: str | None
    """Of the session's page; None: it has not begun."""
    journey: str
    project: str | None
    by: str
    invited_at: str
    expires_at: str
    opened_at: str | None
    standing: str
    word: str
    revocable: bool
    sendings: tuple[Sending, ...]


def row(found: Invitation, settings: Invitations, now: int, *, begun: bool) -> Row:
    """Describe an invitation as it stands at `now` (ns)."""
    stands = standing(
        now, expires_at=found.expires_at, opened_at=found.opened_at, revoked_at=found.revoked_at
    )
    return Row(
        id=found.id,
        session=found.session_id,
        address=link("/session", {"id": found.session_id}) if begun else None,
        journey=settings.called(found.journey),
        project=found.project,
        by=found.invited_by,
        invited_at=rfc3339(found.invited_at),
        expires_at=rfc3339(found.expires_at),
        opened_at=None if found.opened_at is None else rfc3339(found.opened_at),
        standing=stands.value,
        word=STANDINGS[stands],
        revocable=stands in {Standing.NOT_OPENED, Standing.OPENED},
        sendings=sendings(found),
    )


def sendings(found: Invitation) -> tuple[Sending, ...]:
    """Tell what became of the mails and SMS of an invitation."""
    return tuple(_sending(message) for message in found.messages)


def _sending(message: Message) -> Sending:
    channel = _CHANNELS.get(message.channel, message.channel)
    if message.outcome == SENT:
        return Sending(channel, message.recipient, "sent", "good")
    if message.outcome == FAILED:
        why = _FAILURES.get(message.failure, message.failure)
        return Sending(channel, message.recipient, why, "bad")
    waits = "being sent" if message.outcome == ATTEMPTED else "on its way"
    return Sending(channel, message.recipient, waits, "")
