"""What people do that belongs to no session, by name (DESIGN section 13)."""

from __future__ import annotations

from typing import Final

__all__ = ["ACTS", "ERASE", "EXPORT", "LIST", "RETENTION", "SIGN_IN", "SIGN_OUT"]

ERASE: Final = "erase"
"""A session was erased on request."""
EXPORT: Final = "export"
"""A session's data were taken out as a file."""
LIST: Final = "list"
"""A list was taken out as a file."""
RETENTION: Final = "retention"
"""A project's retention period was chosen."""
SIGN_IN: Final = "sign-in"
SIGN_OUT: Final = "sign-out"

ACTS: Final = (ERASE, EXPORT, LIST, RETENTION, SIGN_IN, SIGN_OUT)
