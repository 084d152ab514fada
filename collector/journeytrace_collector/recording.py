"""What a person does at the desk becomes an event of the session (DESIGN section 13)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from journeytrace import conventions as names
from journeytrace.catalogue import builtin_catalogue
from journeytrace.conventions import Source
from journeytrace_collector.clock import Clock
from journeytrace_collector.core.change import Parcel
from journeytrace_collector.core.decode import Decoder
from journeytrace_collector.core.review import Guard, Rules, Version, is_verdict
from journeytrace_collector.errors import UnavailableError
from journeytrace_collector.ingest import Ingest

__all__ = ["Record", "Recorder"]


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
        expected: Version | None = None,
        parcels: Sequence[Parcel] = (),
    ) -> None:
        """Keep an event of source OP; on return it is on disk.

        Args:
            name: of the event, one of `operations.toml`.
            session_id: normalised.
            actor: who did it.
            attributes: what else there is to say; None: nothing.
            event_id: 8 bytes, where doing it again is to be the same event; None: it is not.
            expected: the session as they saw it; None: whatever it is now.
            parcels: what leaves because of it, put into the outbox in the same transaction if it
                is new.

        A verdict is under the rules of its session's project, and never older than the one before.

        Raises:
            BadFieldError: that is no such event.
            SessionMovedOnError: the session is another one than they saw, and nothing was kept.
            VerdictNotAllowedError: the rules forbid it, and nothing was kept.
            UnavailableError: it was not kept. What would have been recorded must not be shown.
        """


class Recorder:
    """Puts events of people into the one queue that all others go through: see `Record`."""

    def __init__(
        self,
        clock: Clock,
        rules: Callable[[str | None], Rules] = lambda _project: Rules(),
    ) -> None:
        """Record at the time that `clock` tells; `rules` of verdicts, by project."""
        self._clock = clock
        self._rules = rules
        # No catalogue of a user's own can change what people do.
        self._catalogue = builtin_catalogue()
        self._open: tuple[Ingest, Decoder] | None = None

    def open(self, ingest: Ingest, decoder: Decoder) -> None:
        """Record from now on. Exporters are made before there is anything to record with."""
        self._open = ingest, decoder

    async def __call__(
        self,
        name: str,
        session_id: str,
        actor: str,
        attributes: Mapping[str, Any] | None = None,
        *,
        event_id: bytes | None = None,
        expected: Version | None = None,
        parcels: Sequence[Parcel] = (),
    ) -> None:
        """Keep an event of source OP: see `Record`."""
        if self._open is None:
            raise UnavailableError("the collector is starting")
        ingest, decoder = self._open
        said = {
            **(attributes or {}),
            names.SESSION_ID: session_id,
            names.EVENT_NAME: name,
            names.EVENT_SOURCE: Source.OP.value,
            names.ACTOR_ID: actor,
        }
        if event_id is not None:
            said[names.EVENT_ID] = event_id.hex()
        now = self._clock()
        decoded = decoder.operation(said, now)
        if expected is not None or is_verdict(name, self._catalogue):
            decoded.guard = Guard(expected, self._rules)
        decoded.parcels = [(event.event_id, one) for event in decoded.events for one in parcels]
        await asyncio.wrap_future(ingest.submit(lambda _body, _at: decoded, b"", now))
