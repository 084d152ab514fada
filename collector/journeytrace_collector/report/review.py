"""What people and analyses found and decided."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from journeytrace import conventions as names
from journeytrace_collector.report.told import Told, text, utc

__all__ = ["Analysis", "Word", "analyses", "notes", "verdicts"]

_VERDICTS: Final = {
    "VERDICT_PROPOSED": "proposed",
    "VERDICT_APPROVED": "approved",
    "VERDICT_REJECTED": "rejected",
    "VERDICT_CONFIRMED": "confirmed",
}
_ANALYSIS: Final = "ANALYSIS_SUMMARY"


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
