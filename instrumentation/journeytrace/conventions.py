"""The vocabulary: attribute names and their allowed values, written down once.

The library sets these names, the collector reads them, dashboards and documents are tested
against them. Names under ``session.`` and ``user.`` are OpenTelemetry's own semantic conventions;
everything else lives under ``journey.``.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

__all__ = [
    "ATTRIBUTES",
    "DEFAULT_RETENTION_DAYS",
    "ERROR_CODE",
    "EVENT_ID",
    "EVENT_IMPACT",
    "EVENT_NAME",
    "EVENT_RESULT",
    "EVENT_SOURCE",
    "FLOW_ID",
    "MAX_NAME_LENGTH",
    "PROJECT_ID",
    "REASON",
    "RETENTION_DAYS",
    "RETENTION_DAYS_ALLOWED",
    "SESSION_ID",
    "STAGE",
    "SUBMISSION_ID",
    "USER_EMAIL",
    "USER_ID",
    "Decision",
    "Impact",
    "Result",
    "Source",
    "Status",
    "is_name",
]

SESSION_ID: Final = "session.id"
"""One run of one user through the form. String; required on every event."""

EVENT_NAME: Final = "journey.event.name"
"""What happened, a name of the catalogue or the user's own. String; it makes a record an event."""

EVENT_ID: Final = "journey.event.id"
"""Identity of the event in all its forms. 16 hex digits; absent: derived from the record."""

EVENT_SOURCE: Final = "journey.event.source"
"""Who saw it, a `Source`. String; absent: the catalogue's, else BE."""

EVENT_RESULT: Final = "journey.event.result"
"""How a check ended, a `Result`. String; absent: not a check, or nobody knows."""

EVENT_IMPACT: Final = "journey.event.impact"
"""What the user felt, an `Impact`. String; absent: derived from result and catalogue."""

STAGE: Final = "journey.stage"
"""Where in the journey. String; absent: the catalogue's, for an unknown event none."""

REASON: Final = "journey.reason"
"""Why a decision was REJECTED or PENDING. String; absent: not given."""

ERROR_CODE: Final = "journey.error.code"
"""The code that was shown to the user, such as ``QS-10001``. String; follows no single pattern."""

PROJECT_ID: Final = "journey.project.id"
"""The project the form belongs to. String; kept on the session."""

SUBMISSION_ID: Final = "journey.submission.id"
"""The submission that passing STEP1 created. String; kept on the session."""

FLOW_ID: Final = "journey.flow.id"
"""The verification flow's identifier. String; kept on the session."""

USER_ID: Final = "user.id"
"""The host's own id of the user. String; kept on the session."""

USER_EMAIL: Final = "user.email"
"""The user's e-mail address. String; kept on the session, personal data."""

RETENTION_DAYS: Final = "journey.retention.days"
"""Days from creation until the session is erased. Int; read from SESSION_CREATED alone."""

RETENTION_DAYS_ALLOWED: Final = (30, 90, 180, 365)
"""The retention periods on offer, in days."""

DEFAULT_RETENTION_DAYS: Final = 30
"""Days a session is kept when SESSION_CREATED says nothing."""

ATTRIBUTES: Final = (
    SESSION_ID,
    EVENT_NAME,
    EVENT_ID,
    EVENT_SOURCE,
    EVENT_RESULT,
    EVENT_IMPACT,
    STAGE,
    REASON,
    ERROR_CODE,
    PROJECT_ID,
    SUBMISSION_ID,
    FLOW_ID,
    USER_ID,
    USER_EMAIL,
    RETENTION_DAYS,
)
"""Every attribute with a meaning of its own. All others on an event are its metadata."""

MAX_NAME_LENGTH: Final = 128
"""Characters that the name of an event, a stage or a reason may have."""


def is_name(value: object) -> bool:
    """Whether `value` can name an event, a stage or a reason: 1 to 128 printable characters.

    Space at either end is not allowed, for nobody would see it.
    """
    return (
        isinstance(value, str)
        and 0 < len(value) <= MAX_NAME_LENGTH
        and value.isprintable()
        and value == value.strip()
    )


class Source(StrEnum):
    """Who recorded an event."""

    FE = "FE"
    """Seen on the user's screen."""
    BE = "BE"
    """Executed on the server. Only a BE event can decide."""


class Result(StrEnum):
    """How a check ended."""

    PASS = "PASS"  # noqa: S105 - not a password
    FAIL = "FAIL"


class Impact(StrEnum):
    """What the user actually felt. The catalogue lists the worst case of each event."""

    NONE = "NONE"
    BLOCKED = "BLOCKED"
    RETAKE = "RETAKE"
    PENDING = "PENDING"
    REJECTED = "REJECTED"
    APPROVED = "APPROVED"
    COMPLETED = "COMPLETED"


class Status(StrEnum):
    """How far a session got. COMPLETED says nothing about approval."""

    IN_PROGRESS = "IN_PROGRESS"
    COMPLETED = "COMPLETED"
    DROPPED = "DROPPED"
    ERROR = "ERROR"


class Decision(StrEnum):
    """What was decided about the user, apart from how far the session got."""

    APPROVED = "APPROVED"
    REJECTED = "REJECTED"
    PENDING = "PENDING"
