"""The events of a session as the API tells them: those that a report is made of."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import msgspec

__all__ = ["LEFT_OUT", "Told", "attached", "text", "told", "utc"]

LEFT_OUT: Final = frozenset(
    ("SESSION_VIEWED", "EMAIL_REVEALED", "SESSION_EXPORTED", "REPORT_ISSUED")
)
"""That somebody looked at a session, or took it out, changes no report of it."""


@dataclass(frozen=True, slots=True)
class Told:
    """One event."""

    event_id: str
    name: str
    source: str
    impact: str
    result: str | None
    reason: str | None
    error_code: str | None
    error_meaning: str | None
    actor: str | None
    at: str
    attributes: Mapping[str, Any]

    @property
    def failed(self) -> bool:
        """Whether it is a check that failed."""
        return self.result == "FAIL"

    def said(self, name: str) -> str | None:
        """Give one attribute as text; None: it has none."""
        value = self.attributes.get(name)
        return None if value is None else text(value)


def told(events: Sequence[msgspec.Struct]) -> tuple[list[Told], bytes]:
    """Choose of the API's events those that a report is made of, in their order.

    Gives them, and as the JSON that is attached: see `attached`.
    """
    kept = [one for one in events if getattr(one, "name", None) not in LEFT_OUT]
    body = msgspec.json.encode({"events": kept})
    return attached(body), body


def attached(body: bytes) -> list[Told]:
    """Read the events of an attachment, which has them as the API does."""
    # Not by msgspec, which refuses the half characters that a sender may have written.
    found = json.loads(body)["events"]
    return [Told(**{name: one[name] for name in Told.__slots__}) for one in found]


def text(value: Any) -> str:
    """Write the value of an attribute."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def utc(at: str) -> str:
    """Write a time of the API for people."""
    return f"{datetime.fromisoformat(at):%Y-%m-%d %H:%M:%S}"
