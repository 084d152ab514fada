"""What somebody typed into the form, what was read off their papers, and what is made of both."""

from __future__ import annotations

from datetime import date
from hashlib import sha256
from typing import Final

from journeytrace import Event
from journeytrace.conventions import (
    ANALYSIS_FLAGS,
    ANALYSIS_SUMMARY,
    ANALYSIS_VERDICT,
    DOCUMENT,
    EXTRACTED,
    FORM,
)
from journeytrace_collector.demo.people import Person
from journeytrace_collector.demo.walk import Step, Value, Walk

__all__ = ["SELFIE", "analysis", "document", "read_off", "typed"]

SELFIE: Final = "Selfie"
"""What the checks of the face belong to."""

_WORDS: Final = {"ID_CARD": "ID card", "DRIVER_LICENSE": "Driver's licence", "PASSPORT": "Passport"}
_TOO_YOUNG: Final = 15
"""Years that somebody made themselves older by."""
_FLAGS: Final = {
    Event.SELFIE_DUPLICATE_CHECK: "The same face belongs to another user",
    Event.PII_DUPLICATE_PERIOD_CHECK: "The same person has applied before",
    Event.FACE_COMPARE: "The selfie does not look like the picture on the document",
    Event.COUNTRY_CODE_MATCH_CHECK: "Document and phone are of different countries",
    Event.AGE_VERIFICATION: "The document says that the user is under age",
    Event.ID_RECOGNITION: "The document could not be read several times",
}


def document(person: Person) -> dict[str, Value]:
    """Say which document an event belongs to."""
    return {DOCUMENT: _WORDS[person.document]}


def typed(person: Person) -> dict[str, Value]:
    """Give what somebody said of themselves."""
    return {
        f"{FORM}first_name": person.given,
        f"{FORM}last_name": person.family,
        f"{FORM}birth_date": person.born.isoformat(),
        f"{FORM}country": person.country,
    }


def read_off(person: Person, *, too_young: bool = False) -> dict[str, Value]:
    """Give what the document says; `too_young`: not what its holder does."""
    born = _later(person.born, _TOO_YOUNG) if too_young else person.born
    number = sha256(person.session_id.encode()).hexdigest()[:9].upper()
    session = int(number, 16)
    return {
        **document(person),
        f"{EXTRACTED}first_name": person.given.upper(),
        f"{EXTRACTED}last_name": person.family.upper(),
        f"{EXTRACTED}birth_date": born.isoformat(),
        f"{EXTRACTED}country": person.country,
        f"{EXTRACTED}number": number,
        f"{EXTRACTED}expires": person.born.replace(year=2028 + session % 8, day=1).isoformat(),
    }


def _later(day: date, years: int) -> date:
    return day.replace(year=day.year + years, day=min(day.day, 28))


def analysis(walk: Walk, decision: Event) -> Step:
    """Sum up what the checks found, as a service would that reads all of it."""
    person = walk.person
    flags = [
        words
        for event, words in _FLAGS.items()
        if any(step.event is event and step.passed is False for step in walk.steps)
    ]
    name = f"{person.given} {person.family}"
    found = "; ".join(flags).lower() if flags else "nothing that speaks against it"
    text = f"{_WORDS[person.document]} of {name} from {person.country}: {found}."
    said: dict[str, Value] = {ANALYSIS_SUMMARY: text, ANALYSIS_VERDICT: decision.value}
    if flags:
        said[ANALYSIS_FLAGS] = "; ".join(flags)
    # Just behind the decision, without drawing lots: who comes next stays who they are.
    return Step(walk.now + 0.001, "ANALYSIS_SUMMARY", said)
