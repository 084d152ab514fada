"""A session's screening → what its tab shows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from journeytrace_collector.core.derive import rfc3339
from journeytrace_collector.core.model import Event
from journeytrace_collector.core.screening import (
    ENDED,
    REQUESTED,
    Category,
    Compared,
    Found,
    Mark,
    Screening,
    State,
)
from journeytrace_desk.views.asked import link

__all__ = ["CategoryShown", "HitShown", "MarkShown", "asked_since", "categories", "looked_for"]

_WORDS: Final = {
    Category.PEP: ("PEP", "Politically exposed persons and those close to them"),
    Category.SANCTIONS: ("Sanctions", "International sanctions lists"),
    Category.CRIMINAL: ("Criminal records", "Wanted persons and crime databases"),
    Category.ADVERSE_MEDIA: ("Adverse media", "Negative press"),
    Category.OTHER: ("Other", "Other risk categories"),
}
_BEYOND: Final = {
    State.CLEAR: ("good", "✓", "Clear", "Searched, and nobody was found."),
    State.NOT_COVERED: ("none", "·", "Not covered", "No list of this kind was searched."),
    State.FAILED: ("warn", "!", "Failed", "The lists could not be searched: nobody knows."),
}
_AGREES: Final = {True: ("agrees", ""), False: ("differs", "warn"), None: ("not compared", "none")}


@dataclass(frozen=True, slots=True)
class MarkShown:
    """What a person made of a hit."""

    confirmed: bool
    actor: str
    text: str
    at: str
    elsewhere: str | None
    """The session that it was said in; None: this one."""
    address: str | None
    """Of that session."""


@dataclass(frozen=True, slots=True)
class HitShown:
    """A hit."""

    id: str
    name: str
    score: str
    lists: str
    tone: str
    word: str
    """How it stands: open, cleared or confirmed."""
    mark: MarkShown | None
    evidence: list[tuple[str, str, str, str, str]]
    """What was compared, what was looked for, what the list says, how they agree, and its tone."""
    referents: str


@dataclass(frozen=True, slots=True)
class CategoryShown:
    """A category, whether or not it was searched."""

    name: str
    about: str
    tone: str
    sign: str
    word: str
    meaning: str
    hits: list[HitShown]
    is_open: bool
    """Whether it is shown opened: something is to be done in it."""


def categories(known: Screening, here: str) -> list[CategoryShown]:
    """Give all five; `here`: the id of the session."""
    return [_category(known, category, here) for category in Category]


def _category(known: Screening, category: Category, here: str) -> CategoryShown:
    name, about = _WORDS[category]
    found, state = known.of(category), known.states[category]
    open_ones = sum(one.mark is None for one in found)
    confirmed = sum(one.mark is not None and one.mark.confirmed for one in found)
    if state is State.HITS:
        tone, sign, word, meaning = _hits(len(found), open_ones, confirmed, known)
    else:
        tone, sign, word, meaning = _BEYOND[state]
        if found:
            meaning += " These are the hits that were known before."
    # What is to be looked at comes first.
    hits = [_hit(one, here) for one in sorted(found, key=lambda one: one.mark is not None)]
    return CategoryShown(name, about, tone, sign, word, meaning, hits, open_ones > 0)


def _hits(
    number: int, open_ones: int, confirmed: int, known: Screening
) -> tuple[str, str, str, str]:
    if known.hidden is not None:
        return "bad", "✕", "Hits", "What they are is not shown to whoever may only look."
    word = f"{number} hit{'' if number == 1 else 's'}"
    parts = [(open_ones, "open"), (confirmed, "confirmed")]
    parts.append((number - open_ones - confirmed, "cleared"))
    meaning = ", ".join(f"{count} {what}" for count, what in parts if count)
    if open_ones or confirmed:
        return "bad", "✕", word, meaning
    if not number:
        return "bad", "✕", "Hits", "More than can be told."
    return "none", "○", word, "all cleared by a person"


def _hit(found: Found, here: str) -> HitShown:
    hit, mark = found.hit, found.mark
    word, tone = "open", "warn"
    if mark is not None:
        word, tone = ("confirmed", "bad") if mark.confirmed else ("cleared", "none")
    return HitShown(
        id=hit.id,
        name=hit.name,
        score=f"{hit.score:.2f}",
        lists=", ".join(hit.lists) or "a list without a name",
        tone=tone,
        word=word,
        mark=_mark(mark, here) if mark else None,
        evidence=[_evidence(one) for one in hit.evidence],
        referents=", ".join(hit.referents),
    )


def _evidence(one: Compared) -> tuple[str, str, str, str, str]:
    word, tone = _AGREES[one.agrees]
    return one.what, one.asked or "not known", one.listed or "not known", word, tone


def _mark(mark: Mark, here: str) -> MarkShown:
    elsewhere = None if mark.session_id == here else mark.session_id
    address = link("/session/screening", {"id": elsewhere}) if elsewhere else None
    at = rfc3339(mark.at)
    return MarkShown(mark.confirmed, mark.actor, mark.text, at, elsewhere, address)


def looked_for(known: Screening) -> list[tuple[str, str]]:
    """Give what was looked for, in words; none: it is not shown."""
    query: Mapping[str, object] = known.query or {}
    named = query.get("names")
    found = [("Name", name) for name in named] if isinstance(named, Sequence) else []
    found += [("Birth date", query.get("birth_date")), ("Country", query.get("country"))]
    return [(what, value) for what, value in found if isinstance(value, str)]


def asked_since(events: Iterable[Event]) -> str | None:
    """Tell since when a screening is asked for that has not ended; None: there is none."""
    newest = {REQUESTED: 0, ENDED: 0}
    for event in events:
        if event.name in newest:
            newest[event.name] = max(newest[event.name], event.at)
    return rfc3339(newest[REQUESTED]) if newest[REQUESTED] > newest[ENDED] else None
