"""What people do that belongs to no session, or that ends one (DESIGN sections 12 and 13)."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Final, Protocol, TypeVar

from journeytrace_collector.clock import Clock
from journeytrace_collector.ingest import Ingest
from journeytrace_collector.store.base import Act, Erased, Store, Subject

__all__ = ["ERASE_AT_ONCE", "Acting", "Note"]

_log = logging.getLogger(__name__)

_T = TypeVar("_T")

ERASE_AT_ONCE: Final = 100
"""Sessions, between which requests are stored."""


class Note(Protocol):
    """Keeps that somebody did something that belongs to no session: see `Acting.note`."""

    async def __call__(
        self,
        actor: str,
        act: str,
        project: str | None = None,
        *,
        session_ids: Sequence[str] = (),
        detail: Mapping[str, str | int] | None = None,
    ) -> None:
        """On return it is on disk. Raises `UnavailableError`: it was not kept."""


class Acting:
    """Does it through the one writer. On return it is on disk, and so is who did it.

    All of it raises `UnavailableError`: then whatever was not done can be asked for again.
    """

    def __init__(self, store: Store, ingest: Ingest, clock: Clock) -> None:
        self._store = store
        self._ingest = ingest
        self._clock = clock

    async def note(
        self,
        actor: str,
        act: str,
        project: str | None = None,
        *,
        session_ids: Sequence[str] = (),
        detail: Mapping[str, str | int] | None = None,
    ) -> None:
        """Keep that somebody did something. What would have been kept must not happen before.

        Args:
            actor: who.
            act: one of `core.acts`.
            project: where; None: in what has no project, or in several.
            session_ids: normalised, of those that it was about, each an act; none: one act.
            detail: what else there is to say, and nothing of what sessions hold; None: nothing.
        """
        at = self._clock()
        digests = [self._store.digest(one) for one in session_ids]
        acts = [Act(at, actor, act, project, one, detail or {}) for one in digests or (None,)]
        await self._run(lambda: self._store.note(acts))

    async def erase(self, subject: Subject, actor: str) -> Erased:
        """Erase all sessions of a subject; each is kept as an act. Gives how much there was."""
        sessions = events = 0
        while True:
            step = await self._run(
                lambda: self._store.forget(subject, actor, self._clock(), ERASE_AT_ONCE)
            )
            sessions, events = sessions + step.sessions, events + step.events
            if step.sessions < ERASE_AT_ONCE:
                _log.info("erased on request: %d sessions with %d events", sessions, events)
                return Erased(sessions, events)

    async def choose_period(self, project: str, days: int, actor: str) -> bool:
        """Keep new sessions of a project so many days from now on: see `Store`."""
        return await self._run(
            lambda: self._store.choose_period(project, days, actor, self._clock())
        )

    async def _run(self, job: Callable[[], _T]) -> _T:
        return await asyncio.wrap_future(self._ingest.run(job))
