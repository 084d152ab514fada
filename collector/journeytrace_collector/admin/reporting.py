"""Reports of sessions, as those see them who ask for one (DESIGN section 13)."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from typing import Final, Protocol

from journeytrace.conventions import REPORT_KEY, REPORT_SHA256

__all__ = ["ISSUED", "Reporting", "SealedReport"]

ISSUED: Final = "REPORT_ISSUED"
"""The event that says that somebody was given a report."""


@dataclass(frozen=True, slots=True)
class SealedReport:
    """A report that was made."""

    pdf: bytes
    sha256: str
    """Of the file, 64 hexadecimal digits."""
    key_id: str | None
    """Of the key that signed it; None: it is not signed."""

    @property
    def said(self) -> dict[str, str]:
        """What the event says that it was issued: its attributes."""
        signed = {} if self.key_id is None else {REPORT_KEY: self.key_id}
        return {REPORT_SHA256: self.sha256, **signed}

    def event_id(self, session_id: str) -> bytes:
        """Give the id of that event: the same bytes are issued once."""
        return sha256(f"journey.report:{session_id}:{self.sha256}".encode()).digest()[:8]


class Reporting(Protocol):
    """Makes reports: the same bytes for as long as a session is the same."""

    @property
    def key_id(self) -> str | None:
        """Of the key that reports are signed with; None: they are not signed."""

    async def make(self, session_id: str) -> SealedReport | None:
        """Make the report of a session as it is now; None: there is no such session.

        Raises:
            NotSetUpError: something is not installed, or no font has a character of it.
            UnavailableError: it takes too long, or too many wait for theirs.
        """

    async def issue(self, session_id: str, actor: str) -> SealedReport | None:
        """Make a report, and give it once it is on record that it was issued.

        Issuing the same bytes again records nothing more. Raises: as `make`.
        """
