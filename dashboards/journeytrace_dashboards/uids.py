"""The dashboards' uids: addresses that links and bookmarks rely on, so they never change."""

from typing import Final

__all__ = [
    "FOLDER_TITLE",
    "FOLDER_UID",
    "HEALTH_UID",
    "JOURNEYS_UID",
    "SESSIONS_UID",
    "SESSION_UID",
]

FOLDER_TITLE: Final = "Journeytrace"
FOLDER_UID: Final = "journeytrace"
"""The folder that `journeytrace dashboards push` keeps; it touches nothing outside."""
JOURNEYS_UID: Final = "journeytrace-journeys"
SESSIONS_UID: Final = "journeytrace-sessions"
SESSION_UID: Final = "journeytrace-session"
HEALTH_UID: Final = "journeytrace-health"
