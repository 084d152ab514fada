"""What can go wrong.

::

    JourneytraceError
    ├── CatalogueError        a user's catalogue file is faulty; raised at start-up only
    └── InvalidSessionIdError a text that cannot identify a session

`Journey` and its checks raise none of these into their host: they warn once, count, and go on.
"""

from __future__ import annotations

__all__ = ["CatalogueError", "InvalidSessionIdError", "JourneytraceError"]


class JourneytraceError(Exception):
    """Base of everything this project raises on purpose."""


class CatalogueError(JourneytraceError):
    """A catalogue file cannot be used. Whoever wrote the file can mend it: the message says how."""


class InvalidSessionIdError(JourneytraceError, ValueError):
    """A text cannot be a session id. The caller's fault; the message says which rule it breaks."""
