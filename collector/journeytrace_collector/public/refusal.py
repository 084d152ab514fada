"""Why a request of a browser is not taken, as the browser and the metrics are told."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from journeytrace_collector.errors import RequestError

__all__ = ["STATUS", "Outcome", "RefusedError"]


class Outcome(StrEnum):
    """What became of a request."""

    ACCEPTED = "accepted"
    PARTIAL = "partial"
    """Taken, but for some of its events, or all of them."""
    EXPIRED = "expired"
    """The token was good once: the page fetches another."""
    TOKEN = "token"  # noqa: S105 - not a password
    """There is no token, or one that opens nothing here."""
    ORIGIN = "origin"
    MALFORMED = "malformed"
    TOO_LARGE = "too_large"
    LIMITED_ADDRESS = "limited_address"
    LIMITED_SESSION = "limited_session"
    LIMITED_ALL = "limited_all"
    TIMEOUT = "timeout"
    UNAVAILABLE = "unavailable"
    """The store takes nothing now, or too much waits for it."""
    FAILED = "failed"
    """A fault of ours."""


STATUS: Final = {
    Outcome.ACCEPTED: 200,
    Outcome.PARTIAL: 200,
    Outcome.EXPIRED: 401,
    Outcome.TOKEN: 401,
    Outcome.ORIGIN: 403,
    Outcome.MALFORMED: 400,
    Outcome.TOO_LARGE: 413,
    Outcome.LIMITED_ADDRESS: 429,
    Outcome.LIMITED_SESSION: 429,
    Outcome.LIMITED_ALL: 429,
    Outcome.TIMEOUT: 408,
    Outcome.UNAVAILABLE: 503,
    Outcome.FAILED: 500,
}


class RefusedError(RequestError):
    """A request is not taken."""

    def __init__(self, outcome: Outcome, message: str, after: float | None = None) -> None:
        super().__init__(message)
        self.outcome = outcome
        self.after = after
        """Seconds until it can be; None: not by waiting."""
