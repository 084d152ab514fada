"""The rules for single fields of a journey event (DESIGN section 4), and what breaking one says.

Each function takes what the sender sent and gives what is kept, or raises `BadFieldError`.
"""

from __future__ import annotations

from typing import Any, Final

from journeytrace import conventions as names
from journeytrace.errors import InvalidSessionIdError
from journeytrace.identity import normalise_session_id

__all__ = [
    "MAX_FIELD",
    "MAX_NAME",
    "BadFieldError",
    "check_id",
    "choice",
    "event_id",
    "event_name",
    "printable",
    "retention_days",
    "session_id",
    "text",
]

MAX_NAME: Final = names.MAX_NAME_LENGTH
"""Characters in the name of an event."""

MAX_FIELD: Final = 512
"""Characters in any other text that has a meaning of its own."""


class BadFieldError(Exception):
    """A field of one record breaks a rule: the record is rejected, its neighbours are not."""

    def __init__(self, name: str, problem: str) -> None:
        super().__init__(name, problem)
        self.name = name
        self.problem = problem


def check_id(name: str, value: bytes, length: int) -> None:
    """Check a trace or span id: its length in bytes, and that it is not all zeros."""
    if len(value) != length:
        raise BadFieldError(name, f"has {len(value)} bytes instead of {length}")
    if not any(value):
        raise BadFieldError(name, "is all zeros")


def session_id(value: Any) -> str:
    """Read ``session.id`` and normalise it."""
    if value is None or value == "":
        raise BadFieldError(names.SESSION_ID, "is missing; set it on the record or its span")
    try:
        return normalise_session_id(_scalar(names.SESSION_ID, value))
    except InvalidSessionIdError as error:
        raise BadFieldError(names.SESSION_ID, str(error)) from None


def event_name(value: Any) -> str:
    """Read ``journey.event.name``; names outside the catalogue are welcome."""
    if type(value) is not str:
        raise BadFieldError(names.EVENT_NAME, f"must be a string, not {_kind(value)}")
    if not 1 <= len(value) <= MAX_NAME or not value.isprintable():
        raise BadFieldError(names.EVENT_NAME, f"must be 1 to {MAX_NAME} printable characters")
    return value


def event_id(value: Any) -> bytes:
    """Read ``journey.event.id``."""
    try:
        parsed = bytes.fromhex(value)
    except (TypeError, ValueError):
        parsed = b""
    # fromhex() also reads spaced digits; with 16 characters there is no room for a space.
    if len(parsed) != 8 or len(value) != 16 or not any(parsed):
        raise BadFieldError(names.EVENT_ID, "must be 16 hex digits, not all of them 0")
    return parsed


def choice(key: str, value: Any, allowed: frozenset[str]) -> str | None:
    """Read one word of a closed list; None: absent."""
    if value is not None and (type(value) is not str or value not in allowed):
        choices = ", ".join(sorted(allowed))
        raise BadFieldError(key, f"is {str(value)[:MAX_NAME]!r}, allowed are {choices}")
    return value


def text(key: str, value: Any) -> str | None:
    """Read a text of its own meaning; None: absent or empty."""
    if value is None or value == "":
        return None
    found = _scalar(key, value)
    if len(found) > MAX_FIELD:
        raise BadFieldError(key, f"has {len(found)} characters, at most {MAX_FIELD} are allowed")
    return printable(found)


def retention_days(value: Any) -> int | None:
    """Read ``journey.retention.days``; None: absent."""
    if value is None:
        return None
    if type(value) is not int or value not in names.RETENTION_DAYS_ALLOWED:
        allowed = ", ".join(map(str, names.RETENTION_DAYS_ALLOWED))
        problem = f"is {str(value)[:MAX_NAME]!r}, allowed are the ints {allowed}"
        raise BadFieldError(names.RETENTION_DAYS, problem)
    return value


def printable(value: str) -> str:
    """Replace control characters: no id has them, and terminals and databases mind them."""
    if value.isprintable():
        return value
    return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in value)


def _scalar(key: str, value: Any) -> str:
    """Read an int as its digits: a user id that is a number in the host is no mistake."""
    if type(value) is str:
        return value
    if type(value) is int:
        return str(value)
    raise BadFieldError(key, f"must be a string, not {_kind(value)}")


def _kind(value: Any) -> str:
    kinds = {bool: "a bool", int: "an int", float: "a double", list: "an array", dict: "a map"}
    return kinds.get(type(value), "empty")
