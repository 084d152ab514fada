"""What can go wrong in the collector.

::

    JourneytraceError
    ├── ConfigError             the configuration is wrong; start-up only
    ├── StartError              the machine does not allow it: port, folder, lock; start-up only
    ├── RequestError            permanent: sending the same bytes again cannot help
    │   ├── ForeignOriginError
    │   ├── MalformedRequestError
    │   ├── MisdirectedError
    │   ├── MovedOnError
    │   ├── RequestTimeoutError
    │   ├── RequestTooLargeError
    │   ├── UnauthenticatedError
    │   └── VerdictNotAllowedError
    ├── UnavailableError        retryable: the same request can succeed later
    │   ├── OverloadedError
    │   └── StoreUnavailableError
    ├── NotSetUpError           the collector could do it, and is not set up for it
    └── ExportError             somebody we deliver to did not take it
        ├── PermanentExportError
        └── RetryableExportError

Start-up validates and exits. A running collector turns each of these into an answer and goes on.
"""

from __future__ import annotations

from journeytrace.errors import JourneytraceError

__all__ = [
    "ConfigError",
    "ExportError",
    "ForeignOriginError",
    "MalformedRequestError",
    "MisdirectedError",
    "MovedOnError",
    "NotSetUpError",
    "OverloadedError",
    "PermanentExportError",
    "RequestError",
    "RequestTimeoutError",
    "RequestTooLargeError",
    "RetryableExportError",
    "StartError",
    "StoreUnavailableError",
    "UnauthenticatedError",
    "UnavailableError",
    "VerdictNotAllowedError",
]


class ConfigError(JourneytraceError):
    """The configuration is wrong. The message names the key and what is allowed."""


class StartError(JourneytraceError):
    """The collector cannot start on this machine as it is, for example because a port is taken."""


class RequestError(JourneytraceError):
    """The sender's request cannot be used as a whole, now or later."""


class ForeignOriginError(RequestError):
    """A web page of another site sent the request, and no token tells that it may."""


class MisdirectedError(RequestError):
    """The request names a host that nobody gave this collector."""


class MalformedRequestError(RequestError):
    """The request is not OTLP: it cannot be parsed, or says that it is something else."""


class MovedOnError(RequestError):
    """Somebody acted on a session as it was, and it has moved on. Nothing of it was stored.

    `core.review` raises it as `SessionMovedOnError`, which tells what is new.
    """


class RequestTimeoutError(RequestError):
    """The request takes longer to arrive than anybody who means it would need."""


class RequestTooLargeError(RequestError):
    """The request is over a limit: its bytes, as sent or once decompressed, or what they hold."""


class UnauthenticatedError(RequestError):
    """The request shows no token, or one that opens nothing here."""


class VerdictNotAllowedError(RequestError):
    """The rules of the session's project do not allow this verdict. The message says which."""


class UnavailableError(JourneytraceError):
    """Nobody's fault: the sender keeps its data and comes back in a moment."""


class OverloadedError(UnavailableError):
    """More requests wait than the collector is willing to hold in memory."""


class StoreUnavailableError(UnavailableError):
    """The store cannot take data right now, for example because the disk is full."""


class NotSetUpError(JourneytraceError):
    """What was asked for needs something that is not installed, or a setting; it says what."""


class ExportError(JourneytraceError):
    """A parcel did not arrive. The message becomes the reason that people read."""


class PermanentExportError(ExportError):
    """The receiver will never take this parcel as it is. Parked until somebody requeues it."""


class RetryableExportError(ExportError):
    """The receiver cannot take it now, or cannot be reached. Its session waits, in order."""

    def __init__(self, message: str, after: float | None = None) -> None:
        super().__init__(message)
        self.after = after
        """Seconds that the receiver asked us to wait, of which an hour counts; None: none."""
