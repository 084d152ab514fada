"""Which reports of a session were issued."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from journeytrace.conventions import ACTOR_ID, REPORT_KEY, REPORT_SHA256
from journeytrace_collector.admin.reporting import ISSUED
from journeytrace_collector.core.derive import rfc3339
from journeytrace_collector.core.model import Event
from journeytrace_collector.core.operations import is_passive

__all__ = ["Issued", "issued"]


@dataclass(frozen=True, slots=True)
class Issued:
    """One report that was issued."""

    at: str
    by: str
    sha256: str
    key_id: str | None
    """Of the key that signed it; None: it is not signed."""


def issued(events: Iterable[Event]) -> list[Issued]:
    """Give the reports that were issued, the newest first; `events` are in their order."""
    found = []
    for one in events:
        if one.name == ISSUED and is_passive(one):
            said: dict[str, Any] = json.loads(one.metadata)
            by, digest, key = (said.get(key) for key in (ACTOR_ID, REPORT_SHA256, REPORT_KEY))
            key_id = None if key is None else str(key)
            found.append(Issued(rfc3339(one.at), str(by or ""), str(digest or ""), key_id))
    return found[::-1]
