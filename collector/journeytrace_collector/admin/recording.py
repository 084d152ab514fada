"""What a person does at the desk becomes an event of the session (DESIGN section 13)."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, Protocol

from journeytrace import conventions as names
from journeytrace.conventions import Source
from journeytrace_collector.clock import Clock
from journeytrace_collector.core.decode import Decoder
from journeytrace_collector.ingest import Ingest

__all__ = ["Record", "recorder"]


class Record(Protocol):
    """Keeps what somebody did with a session."""

    async def __call__(
        self,
        name: str,
        session_id: str,
        actor: str,
        attributes: Mapping[str, Any] | None = None,
        *,
        event_id: bytes | None = None,
    ) -> None:
        """Keep an event of source OP; on return it is on disk.

        Args:
            name: of the event, one of `operations.toml`.
            session_id: normalised.
            actor: who did it.
            attributes: what else there is to say; None: nothing.
            event_id: 8 bytes, where doing it again is to be the same event; None: it is not.

        Raises:
            BadFieldError: that is no such event.
            UnavailableError: it was not kept. What would have been recorded must not be shown.
        """


def recorder(ingest: Ingest, decoder: Decoder, clock: Clock) -> Record:
    """Give what puts events of people into the one queue that all others go through."""

    async def record(
        name: str,
        session_id: str,
        actor: str,
        attributes: Mapping[str, Any] | None = None,
        *,
        event_id: bytes | None = None,
    ) -> None:
        said = {
            **(attributes or {}),
            names.SESSION_ID: session_id,
            names.EVENT_NAME: name,
            names.EVENT_SOURCE: Source.OP.value,
            names.ACTOR_ID: actor,
        }
        if event_id is not None:
            said[names.EVENT_ID] = event_id.hex()
        now = clock()
        decoded = decoder.operation(said, now)
        await asyncio.wrap_future(ingest.submit(lambda _body, _at: decoded, b"", now))

    return record
