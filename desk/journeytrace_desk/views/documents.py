"""The documents and steps of a session: which there are, and what became of each.

What belongs to one says so itself, by `journey.document`. Its checks are the events of the server
with a result, the decisions apart; of those with one name the newest counts, for a picture that is
taken once more is checked once more. A document is rejected where one of them has failed, approved
where all have passed, and not decided where there are none.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from journeytrace.catalogue import Catalogue
from journeytrace.conventions import DOCUMENT, Decision, Result, Source
from journeytrace_collector.core.model import Event
from journeytrace_collector.core.operations import is_passive

__all__ = ["MOST_DOCUMENTS", "Document", "documents", "fields", "is_check"]

MOST_DOCUMENTS: Final = 12
"""Documents that have a tab; a session with more has sent something else under that name."""


@dataclass(frozen=True, slots=True)
class Document:
    """One document or step."""

    name: str
    events: list[Event]
    """In their order."""
    checks: list[Event]
    """The newest run of each, in the order in which they ran."""

    @property
    def decision(self) -> Decision | None:
        """What its checks come to; None: not decided."""
        if not self.checks:
            return None
        failed = any(one.result == Result.FAIL for one in self.checks)
        return Decision.REJECTED if failed else Decision.APPROVED

    @property
    def told(self) -> str:
        """How many of the checks passed, in words."""
        passed = sum(one.result == Result.PASS for one in self.checks)
        count = len(self.checks)
        return f"{passed} of {count} check{'s' * (count != 1)} passed" if count else "no checks"


def documents(events: Sequence[Event], catalogue: Catalogue) -> list[Document]:
    """Give the documents of a session in the order in which they came up; `events` in theirs."""
    found: dict[str, list[Event]] = {}
    for event in events:
        name = _document(event)
        if name is not None:
            found.setdefault(name, []).append(event)
    return [
        Document(name, mine, list(_newest(mine, catalogue)))
        for name, mine in list(found.items())[:MOST_DOCUMENTS]
    ]


def _document(event: Event) -> str | None:
    """Give what an event belongs to; None: nothing that has a name."""
    if DOCUMENT not in event.metadata or is_passive(event):
        return None
    name = fields(event).get(DOCUMENT)
    return name.strip() or None if isinstance(name, str) else None


def _newest(events: Sequence[Event], catalogue: Catalogue) -> list[Event]:
    newest = {one.name: one for one in events if is_check(one, catalogue)}
    return sorted(newest.values(), key=lambda one: (one.at, one.event_id))


def is_check(event: Event, catalogue: Catalogue) -> bool:
    """Whether the server has checked something, which is no decision."""
    spec = catalogue.events.get(event.name)
    decides = spec is not None and spec.decision is not None
    return event.source == Source.BE and event.result is not None and not decides


def fields(event: Event) -> dict[str, object]:
    """Read the metadata of an event."""
    found: dict[str, object] = json.loads(event.metadata)
    return found
