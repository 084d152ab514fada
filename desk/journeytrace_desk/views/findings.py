"""What a reviewer has to know first: the analysis, the signs of risk, and what others noted."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from journeytrace.catalogue import PASSIVE_OF_SERVICES, Catalogue
from journeytrace.conventions import (
    ACTOR_ID,
    ANALYSIS_FLAGS,
    ANALYSIS_SUMMARY,
    ANALYSIS_VERDICT,
    PRIVATE_TEXT,
    Decision,
    Result,
    Source,
)
from journeytrace_collector.core.derive import Summary, rfc3339
from journeytrace_collector.core.model import Event
from journeytrace_collector.core.screening import open_hits
from journeytrace_desk.views.asked import link
from journeytrace_desk.views.documents import fields, is_check
from journeytrace_desk.views.events import place
from journeytrace_desk.views.session import GOES_ON

__all__ = ["FRAUD", "SENSITIVE", "Analysis", "Element", "Note", "analysis", "notes", "sensitive"]

FRAUD: Final = frozenset(
    {
        "ACTIVE_LIVENESS_VERIFICATION",
        "BLACKLIST_COUNTRY_EVALUATION",
        "DEVICE_VALIDATION_RECORDED",
        "DUPLICATE_APPROVED_USER_CHECK",
        "DUPLICATE_SUBMISSION_PERIOD_CHECK",
        "FACE_COMPARE",
        "FINGERPRINT_CHECK",
        "ID_LIVENESS_VERIFICATION",
        "IP_RISK_CHECK",
        "LIVENESS_VERIFICATION",
        "PACKET_ABUSE_CHECK",
        "PII_DUPLICATE_PERIOD_CHECK",
        "SELFIE_DUPLICATE_CHECK",
        "TURNSTILE_TOKEN_CHECK",
    }
)
"""The checks whose failure can mean that somebody deceives: about who they are, whether they are
there, or how often they were here. That a picture cannot be read is none of it."""

_MOST: Final = 50
"""Flags and notes that are shown."""
_LONGEST: Final = 300


@dataclass(frozen=True, slots=True)
class Analysis:
    """What was made of the whole session without a person."""

    decision: Decision | None
    """None: it says none that we know."""
    verdict: str
    """As it was said; empty: nothing was."""
    text: str
    at: str | None
    """None: nobody sent one, and this is what the events themselves tell."""


@dataclass(frozen=True, slots=True)
class Element:
    """A sign of risk."""

    word: str
    told: str
    """What it means; empty: it says so itself."""
    address: str | None
    """Where there is more of it."""


@dataclass(frozen=True, slots=True)
class Note:
    """What somebody wrote."""

    at: str
    by: str
    text: str


def analysis(session: Summary, events: Sequence[Event]) -> Analysis:
    """Give the newest analysis that a service sent, else the session's own cause."""
    event = _analysed(events)
    if event is None:
        text = session.why.text if session.why else GOES_ON
        return Analysis(session.automatic_decision, "", text, None)
    said = fields(event)
    verdict = said.get(ANALYSIS_VERDICT)
    told = said.get(ANALYSIS_SUMMARY)
    word = verdict.strip() if isinstance(verdict, str) else ""
    return Analysis(_decision(word), word, told if isinstance(told, str) else "", rfc3339(event.at))


def _analysed(events: Sequence[Event]) -> Event | None:
    found = (one for one in reversed(events) if one.name in PASSIVE_OF_SERVICES)
    return next((one for one in found if one.source == Source.BE), None)


def _decision(word: str) -> Decision | None:
    try:
        return Decision(word.upper())
    except ValueError:
        return None


def _flags(session_id: str, events: Sequence[Event], _: Catalogue) -> Iterator[Element]:
    event = _analysed(events)
    if event is None:
        return
    said = fields(event).get(ANALYSIS_FLAGS)
    listed = said if isinstance(said, list) else [said]
    for one in [one for one in listed if isinstance(one, str) and one.strip()][:_MOST]:
        yield Element(one.strip()[:_LONGEST], "", place(session_id, events, event))


def _failed(session_id: str, events: Sequence[Event], catalogue: Catalogue) -> Iterator[Element]:
    """Of the checks in `FRAUD`, those whose newest run has failed."""
    newest = {one.name: one for one in events if one.name in FRAUD and is_check(one, catalogue)}
    for name, event in newest.items():
        if event.result == Result.FAIL:
            spec = catalogue.events.get(name)
            meaning = spec.meaning if spec else ""
            yield Element(name, meaning, place(session_id, events, event))


def _hits(session_id: str, events: Sequence[Event], _: Catalogue) -> Iterator[Element]:
    if number := open_hits(events):
        word = f"{number} hit{'' if number == 1 else 's'} of the screening"
        told = "Entries of lists that may be this person: nobody has cleared them."
        yield Element(word, told, link("/session/screening", {"id": session_id}))


SENSITIVE: Final[list[Callable[[str, Sequence[Event], Catalogue], Iterator[Element]]]] = [
    _flags,
    _hits,
    _failed,
]
"""What tells signs of risk, in the order in which they are shown: of a session's id, its events and
the catalogue."""


def sensitive(session_id: str, events: Sequence[Event], catalogue: Catalogue) -> list[Element]:
    """Give all signs of risk."""
    return [element for tell in SENSITIVE for element in tell(session_id, events, catalogue)]


def notes(events: Sequence[Event]) -> list[Note]:
    """Give the notes, the newest first."""
    found = []
    for event in reversed(events):
        if event.name == "NOTE_ADDED" and event.source == Source.OP:
            said = fields(event)
            by, text = said.get(ACTOR_ID), said.get(PRIVATE_TEXT)
            found.append(Note(rfc3339(event.at), str(by or "–"), str(text or "")))  # noqa: RUF001
    return found
