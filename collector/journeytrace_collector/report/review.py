"""What people and screeners found and decided."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from journeytrace import conventions as names
from journeytrace_collector.report.told import Told, text, utc

__all__ = ["Analysis", "Screening", "Word", "analyses", "notes", "screenings", "verdicts"]

_VERDICTS: Final = {
    "VERDICT_PROPOSED": "proposed",
    "VERDICT_APPROVED": "approved",
    "VERDICT_REJECTED": "rejected",
    "VERDICT_CONFIRMED": "confirmed",
}
_ANALYSIS: Final = "ANALYSIS_SUMMARY"
_SCREENED: Final = "SCREENING_ENDED"
_JUDGED: Final = {"SCREENING_HIT_CLEARED": "cleared", "SCREENING_HIT_CONFIRMED": "confirmed"}
_CATEGORIES: Final = {
    "pep": "Politically exposed",
    "sanctions": "Sanctions",
    "criminal": "Criminal records",
    "adverse_media": "Adverse media",
    "other": "Other",
}
MOST_HITS: Final = 50
"""Of one screening that are told."""


@dataclass(frozen=True, slots=True)
class Word:
    """What one person said or did."""

    at: str
    by: str
    what: str
    reason: str | None
    text: str | None


def verdicts(events: Sequence[Told]) -> list[Word]:
    """Give every verdict and proposal, in their order."""
    found = []
    for one in events:
        if one.source != "OP" or one.name not in _VERDICTS:
            continue
        named = (one.said(names.DECISION) or "").lower()
        what = ": ".join(filter(None, (_VERDICTS[one.name], named)))
        found.append(
            Word(utc(one.at), one.actor or "", what, one.reason, one.said(names.VERDICT_TEXT))
        )
    return found


def notes(events: Sequence[Told]) -> list[Word]:
    """Give every note, in their order."""
    return [
        Word(utc(one.at), one.actor or "", "", None, one.said(names.PRIVATE_TEXT))
        for one in events
        if one.source == "OP" and one.name == "NOTE_ADDED"
    ]


@dataclass(frozen=True, slots=True)
class Analysis:
    """What an analysis of the whole session said."""

    verdict: str | None
    summary: str | None
    flags: tuple[str, ...]
    at: str


def analyses(events: Sequence[Told]) -> Analysis | None:
    """Give the newest analysis; None: there is none."""
    found = [one for one in events if one.name == _ANALYSIS and one.source == "BE"]
    if not found:
        return None
    last = found[-1]
    flags = last.attributes.get(names.ANALYSIS_FLAGS, ())
    several = flags if isinstance(flags, list) else [flags] if flags else []
    return Analysis(
        last.said(names.ANALYSIS_VERDICT),
        last.said(names.ANALYSIS_SUMMARY),
        tuple(map(text, several)),
        utc(last.at),
    )


@dataclass(frozen=True, slots=True)
class Screening:
    """A search of lists, with what people said of its hits."""

    at: str
    screener: str
    categories: tuple[tuple[str, str], ...]
    """Each with CLEAR, HITS, NOT_COVERED or FAILED."""
    hits: tuple[Mapping[str, Any], ...]
    """Each with what is known of it, and under ``judged`` what a person said; None: nobody did."""
    more: int
    """Hits that are not told."""


def screenings(events: Sequence[Told]) -> Screening | None:
    """Give the newest screening; None: there was none."""
    ended = [one for one in events if one.name == _SCREENED and one.source == "OP"]
    if not ended:
        return None
    last = ended[-1]
    judged = {
        one.said(names.PRIVATE_HIT): Word(
            utc(one.at), one.actor or "", _JUDGED[one.name], None, one.said(names.PRIVATE_TEXT)
        )
        for one in events
        if one.source == "OP" and one.name in _JUDGED
    }
    hits = _hits(last.attributes.get(names.PRIVATE_HITS))
    return Screening(
        at=utc(last.at),
        screener=last.said(f"{names.SCREENING_STATES}screener") or "",
        categories=tuple(
            (word, last.said(names.SCREENING_STATES + name) or "NOT_COVERED")
            for name, word in _CATEGORIES.items()
        ),
        hits=tuple({**hit, "judged": judged.get(text(hit.get("id")))} for hit in hits[:MOST_HITS]),
        more=max(len(hits) - MOST_HITS, 0),
    )


def _hits(said: Any) -> list[dict[str, Any]]:
    """Read the hits, which a screener wrote; what cannot be read is told in the attached events."""
    try:
        found = json.loads(said) if isinstance(said, str) else said
    except (ValueError, RecursionError):
        return []
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []
