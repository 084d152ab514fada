"""What the stages of the collector hand to each other."""

from __future__ import annotations

from typing import Annotated

import msgspec

from journeytrace.conventions import Decision

__all__ = ["Event", "Proposal", "Rejection", "Rfc3339", "Why"]

Rfc3339 = Annotated[str, msgspec.Meta(extra_json_schema={"format": "date-time"})]
"""A time as the world outside reads it, in UTC."""


class Event(msgspec.Struct, frozen=True, gc=False):
    """One event of one session, resolved against the catalogue. Times are ns since the epoch."""

    session_id: str
    event_id: bytes
    """8 bytes; unique within the session."""
    name: str
    source: str
    stage: str | None
    impact: str
    result: str | None
    reason: str | None
    error_code: str | None
    at: int
    """When it happened, by the sender's clock."""
    duration: int
    """ns; 0 for something that has no extent."""
    received: int
    """When the collector got it, by its own clock."""
    service: str | None
    """``service.name`` of the sender; None: not said."""
    project_id: str | None
    submission_id: str | None
    flow_id: str | None
    user_id: str | None
    email: str | None
    retention_days: int | None
    metadata: str
    """Every other attribute, as the text of a JSON object; ``{}``: there is none."""

    @property
    def size(self) -> int:
        """What its metadata weighs, in bytes of UTF-8: what the limits of a session count."""
        text = self.metadata
        # Most of it is ASCII, and a string knows that about itself: nothing is encoded to count.
        return len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))


class Why(msgspec.Struct, frozen=True):
    """The one cause of what a session has come to (DESIGN section 15)."""

    text: str
    """In sentences that can be read out loud."""
    reason: str | None = None
    """Of the decision; None: none was given, or nothing is decided."""
    meaning: str | None = None
    """What the reason means; None: the catalogue does not know it."""
    event: str | None = None
    """The check that failed, or what else stood in the way; None: nothing was recorded."""
    event_at: Rfc3339 | None = None
    """When that was."""
    error_code: str | None = None
    """The code shown; None: none was."""
    error_meaning: str | None = None
    """What the code means; None: the catalogue does not know it."""
    error_page: str | None = None
    """Address of what is written about it; None: the catalogue names none."""
    screen: str | None = None
    """Path of the last screen that was seen; None: none told."""


class Proposal(msgspec.Struct, frozen=True):
    """A decision that somebody has proposed, and that waits for a second person."""

    decision: Decision
    """What is proposed."""
    reason: str | None
    """Of a rejection; None: none was given."""
    text: str | None
    """Why, in the person's own words; None: they said nothing."""
    proposed_by: str
    """The person, who does not decide it."""
    proposed_at: Rfc3339
    """When that was."""


class Rejection(msgspec.Struct, frozen=True):
    """One record that was not taken, and why."""

    where: str
    """Which record, in the sender's terms."""
    field: str
    problem: str

    def __str__(self) -> str:
        return f"{self.where}: {self.field} {self.problem}"
