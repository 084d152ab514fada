"""That somebody looked is part of what happened to a session (DESIGN section 13)."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from hashlib import sha256
from typing import Final

from journeytrace_collector.clock import Clock
from journeytrace_collector.errors import UnavailableError
from journeytrace_collector.recording import Record
from journeytrace_desk.access.actor import Actor

__all__ = ["LOOKS", "PURPOSE", "Looks", "NotRecordedError", "look_id"]

_VIEWED: Final = "SESSION_VIEWED"
_REVEALED: Final = "EMAIL_REVEALED"
LOOKS: Final = frozenset({_VIEWED, _REVEALED})
"""The events that are recorded here."""

PURPOSE: Final = "journey.private.purpose"
"""Attribute: what somebody wanted a masked value for, in their own words."""

_HOUR: Final = 3_600 * 1_000_000_000
_MOST_REMEMBERED: Final = 100_000


class NotRecordedError(UnavailableError):
    """What was asked for is not shown, because nobody could ever tell that it was."""

    def __init__(self) -> None:
        super().__init__(
            "Who looks at a session is recorded, and just now nothing can be. So the session is not"
            " shown either. Nothing is lost by it: try again in a moment."
        )


def look_id(actor: Actor, session_id: str, at: int) -> bytes:
    """Give the id of the one look that is recorded of a person, a session and an hour."""
    said = f"journey.look:{at // _HOUR}:{session_id}:{actor.id}"
    return sha256(said.encode("utf-8", "surrogatepass")).digest()[:8]


class Looks:
    """Records them, before what is looked at is shown."""

    def __init__(self, record: Record, clock: Clock) -> None:
        self._record = record
        self._clock = clock
        self._hour = 0
        self._done: set[bytes] = set()

    async def viewed(self, actor: Actor, sessions: Iterable[str]) -> None:
        """Record that somebody sees these sessions, once an hour.

        Raises:
            NotRecordedError: see there.
        """
        now = self._clock()
        # The id alone makes it once an hour. What this process knows to be there is not written
        # again, so that pages which renew themselves cost the store nothing.
        if now // _HOUR != self._hour or len(self._done) > _MOST_REMEMBERED:
            self._hour = now // _HOUR
            self._done.clear()
        looks = [(session_id, look_id(actor, session_id, now)) for session_id in sessions]
        missing = [look for look in looks if look[1] not in self._done]
        writing = (self._look(actor, *look) for look in missing)
        try:
            await asyncio.gather(*writing)
        except UnavailableError as error:
            raise NotRecordedError from error
        self._done.update(event_id for _, event_id in missing)

    async def _look(self, actor: Actor, session_id: str, event_id: bytes) -> None:
        await self._record(_VIEWED, session_id, actor.id, actor.said, event_id=event_id)

    async def revealed(self, actor: Actor, session_id: str, purpose: str) -> None:
        """Record that somebody has the masked values of a session shown, and what for.

        Raises:
            NotRecordedError: see there.
        """
        said = {PURPOSE: purpose, **actor.said}
        try:
            await self._record(_REVEALED, session_id, actor.id, said)
        except UnavailableError as error:
            raise NotRecordedError from error
