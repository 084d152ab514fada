"""What the collector asks of a store. Every implementation passes tests/contract/."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from journeytrace.conventions import Decision, Status
from journeytrace_collector.model import Event
from journeytrace_collector.sessionize import SessionState

__all__ = ["SEARCH_FIELDS", "Cursor", "Page", "SessionQuery", "Store", "Written"]

SEARCH_FIELDS: Final = (
    "session_id",
    "user_id",
    "email",
    "submission_id",
    "project_id",
    "last_event",
)
"""What a text search can name."""

Cursor = tuple[int, int]
"""(created_at in ns, the store's number of the session): the last row of a page."""


@dataclass(frozen=True, slots=True)
class SessionQuery:
    """Which sessions to list, newest first. None anywhere: any."""

    status: Status | None = None
    decision: Decision | None = None
    undecided: bool = False
    """Only sessions without a decision; not together with `decision`."""
    since: int | None = None
    """Created at or after this time, in ns."""
    until: int | None = None
    """Created before this time, in ns."""
    search: str | None = None
    """Only sessions of which a field begins with this text, whatever its case."""
    fields: tuple[str, ...] = ("session_id", "user_id", "email", "submission_id")
    """The fields that `search` looks at, of `SEARCH_FIELDS`."""
    limit: int = 50
    after: Cursor | None = None
    """Continue after this row."""


@dataclass(frozen=True, slots=True)
class Page:
    """One page of sessions."""

    sessions: list[SessionState]
    next: Cursor | None
    """Where the next page starts; None: there is none."""


@dataclass(frozen=True, slots=True)
class Written:
    """What became of the events of one transaction."""

    new: int
    duplicate: int


class Store(Protocol):
    """Events and sessions on disk. `write` has one caller at a time, reads any number."""

    def write(self, events: Sequence[Event]) -> Written:
        """Keep what is new of `events` and bring its sessions up to date, all or nothing.

        On return everything is on disk.

        Raises:
            StoreUnavailableError: nothing was kept; the same call can succeed later.
        """

    def sessions(self, query: SessionQuery, now: int) -> Page:
        """List sessions by the status they have at `now` (ns)."""

    def session(self, session_id: str) -> SessionState | None:
        """Give one session by its normalised id; None: there is none."""

    def events(self, session_id: str, source: str | None = None) -> list[Event]:
        """Give a session's events in order of (time, event id); `source`: only FE or only BE."""

    def close(self) -> None:
        """Let go of the files. Nothing may be called afterwards."""
