"""Reports of sessions, as those see them who ask for one (DESIGN section 13)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

__all__ = ["Reporting", "SealedReport"]


@dataclass(frozen=True, slots=True)
class SealedReport:
    """A report that was made."""

    pdf: bytes
    sha256: str
    """Of the file, 64 hexadecimal digits."""
    key_id: str | None
    """Of the key that signed it; None: it is not signed."""


class Reporting(Protocol):
    """Makes reports: the same bytes for as long as a session is the same."""

    @property
    def missing(self) -> str | None:
        """What has to be installed first, as people are told; None: nothing."""

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
