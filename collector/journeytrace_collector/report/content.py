"""A session → what its report says, as data that the template sets: pure.

Nothing of it is markup: the template shows each text as it is, see `printable`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final, TypeAlias

import msgspec

from journeytrace.catalogue import Catalogue
from journeytrace_collector.core.derive import AUTOMATIC, Summary, rfc3339
from journeytrace_collector.core.screening import Category, Mark, Screening, State
from journeytrace_collector.report import review
from journeytrace_collector.report.identity import Check, Field, checks, fields
from journeytrace_collector.report.printable import printable, short, whole
from journeytrace_collector.report.seal import EMPTY
from journeytrace_collector.report.told import Told, text, utc

__all__ = ["MOST_EVENTS", "content"]

MOST_EVENTS: Final = 500
"""Of the timeline that are printed; all of them are attached."""
_MOST_FIELDS: Final = 200
_MOST_CHECKS: Final = 200
_MOST_WORDS: Final = 100
_LONG: Final = 8_000
"""Characters of what somebody wrote."""
_SHORT: Final = 500
"""Characters of what was entered into a field."""

Json: TypeAlias = dict[str, Any]

_DECISION: Final = {"APPROVED": "Approved", "REJECTED": "Rejected", "PENDING": "To review"}
_TONE: Final = {"APPROVED": "good", "REJECTED": "bad", "PENDING": "warn"}
_STATUS: Final = {
    "IN_PROGRESS": "In progress",
    "COMPLETED": "Completed: the last page was reached, which is not approved",
    "DROPPED": "Dropped: the user left",
    "ERROR": "Error: the user ended on an error page",
}
_NO_EVIDENCE: Final = frozenset(("id", "known", "name", "referents"))
MOST_HITS: Final = 50
"""Of a screening that are told."""
_CATEGORIES: Final = {
    Category.PEP: "Politically exposed",
    Category.SANCTIONS: "Sanctions",
    Category.CRIMINAL: "Criminal records",
    Category.ADVERSE_MEDIA: "Adverse media",
    Category.OTHER: "Other",
}
_CATEGORY: Final = {
    State.CLEAR: ("Clear", "good"),
    State.HITS: ("Hits", "bad"),
    State.NOT_COVERED: ("Not covered", "plain"),
    State.FAILED: ("Failed", "warn"),
}


def content(
    session: Summary,
    events: Sequence[Told],
    catalogue: Catalogue,
    *,
    screening: Screening | None,
    digest: str,
    key_id: str | None,
) -> Json:
    """Tell what the report of a session says.

    Args:
        session: as it is.
        events: in their order, at least one, without those that change no report.
        catalogue: for what names mean.
        screening: what the screenings of the session have come to; None: it was never screened.
        digest: SHA-256 of the attached events, in hexadecimal digits.
        key_id: of the key that will sign it; None: nobody does.
    """
    by_document = checks(events, catalogue)
    known = fields(events)
    return {
        "seal": EMPTY,
        "made": _made(events),
        "session": whole(session.session_id),
        "code": session.support_code,
        "outcome": _outcome(session, catalogue),
        "why": None if session.why is None else printable(session.why.text, _LONG),
        "card": _card(session, events),
        "analysis": _analysis(review.analyses(events)),
        "automatic": _decided(session.automatic_decision),
        "fields": [_field(one) for one in known[:_MOST_FIELDS]],
        "more_fields": max(len(known) - _MOST_FIELDS, 0),
        "documents": [_document(name, found) for name, found in _named_first(by_document)],
        "screening": _screening(screening, session.session_id),
        **_words("verdicts", review.verdicts(events)),
        **_words("notes", review.notes(events)),
        "events": _timeline(events[:MOST_EVENTS], session.created_at),
        "events_in_all": len(events),
        "digest": digest,
        "key": key_id,
    }


def _made(events: Iterable[Told]) -> Json:
    """Give the time of the newest event: a report is as old as what it tells."""
    newest = max(datetime.fromisoformat(one.at) for one in events)
    parts = ("year", "month", "day", "hour", "minute", "second")
    return {name: getattr(newest, name) for name in parts} | {"text": f"{newest:%Y-%m-%d %H:%M:%S}"}


def _decided(decision: str | None) -> Json:
    return {
        "word": _DECISION.get(decision or "", "Not decided"),
        "tone": _TONE.get(decision or "", "plain"),
    }


def _outcome(session: Summary, catalogue: Catalogue) -> Json:
    by = session.decided_by
    reason = session.reason
    spec = None
    if session.decision is not None and reason is not None:
        spec = catalogue.reasons.get((session.decision, reason))
    return _decided(session.decision) | {
        "by": None if by is None else "automatically" if by == AUTOMATIC else f"by {printable(by)}",
        "at": None if session.decided_at is None else utc(session.decided_at),
        "reason": None if reason is None else printable(reason),
        "meaning": None if spec is None else printable(spec.meaning),
    }


def _card(session: Summary, events: Sequence[Told]) -> list[list[str]]:
    found: list[tuple[str, str | None]] = [
        ("Status", _STATUS.get(session.status, session.status)),
        ("User", session.user_id),
        ("E-mail", session.email),
        ("Project", session.project_id),
        ("Submission", session.submission_id),
        ("Flow", session.flow_id),
        ("Highest stage", session.stage),
        ("Last error code", _code(session.last_error_code, session.last_error_meaning)),
        ("Began", f"{utc(session.created_at)} UTC"),
        ("Last event", f"{utc(session.last_event_at)} UTC"),
        ("Events told here", f"{len(events):,}"),
        ("Trace", session.trace_id),
    ]
    return [[label, whole(value)] for label, value in found if value]


def _code(code: str | None, meaning: str | None) -> str | None:
    return f"{code}: {meaning}" if code and meaning else code


def _analysis(found: review.Analysis | None) -> Json | None:
    if found is None:
        return None
    said = found.verdict or "nothing"
    return {
        "verdict": _DECISION.get(said.upper(), printable(said)),
        "summary": printable(found.summary or "", _LONG),
        "flags": [printable(one) for one in found.flags[:_MOST_WORDS]],
        "at": found.at,
    }


def _field(one: Field) -> Json:
    return {
        "name": printable(one.name),
        "entered": None if one.entered is None else printable(one.entered, _SHORT),
        "extracted": None if one.extracted is None else printable(one.extracted, _SHORT),
        "document": None if one.document is None else short(one.document),
        "differs": one.differs,
    }


def _named_first(
    found: dict[str | None, list[Check]],
) -> list[tuple[str | None, list[Check]]]:
    return sorted(found.items(), key=lambda item: item[0] is None)


def _document(name: str | None, found: Sequence[Check]) -> Json:
    failed = sum(one.failed for one in found)
    return {
        "name": None if name is None else short(name),
        "failed": failed,
        "checks": [_check(one) for one in found[:_MOST_CHECKS]],
        "in_all": len(found),
    }


def _check(one: Check) -> Json:
    often = "" if one.times == 1 else f"{one.failures} of {one.times} times failed"
    return {
        "name": printable(one.name),
        "meaning": printable(one.meaning),
        "failed": one.failed,
        "impact": "" if one.impact == "NONE" else short(one.impact),
        "code": printable(_code(one.error_code, one.error_meaning) or ""),
        "often": often,
        "at": one.at,
    }


def _screening(found: Screening | None, session_id: str) -> Json | None:
    if found is None:
        return None
    untold = len(found.found) - MOST_HITS
    return {
        "at": utc(rfc3339(found.at)),
        "screener": printable(found.screener),
        "categories": [
            [word, *_CATEGORY[found.states[category]]] for category, word in _CATEGORIES.items()
        ],
        "hits": [
            {
                "name": printable(one.hit.name or one.hit.id),
                "about": printable(_evidence(msgspec.to_builtins(one.hit))),
                "judged": _judged(one.mark, session_id),
            }
            for one in found.found[:MOST_HITS]
        ],
        "more": max(untold, 0) + found.more + (found.hidden or 0),
    }


def _evidence(hit: Mapping[str, Any]) -> str:
    told = ((key, value) for key, value in hit.items() if key not in _NO_EVIDENCE)
    return " · ".join(f"{key.replace('_', ' ')}: {_listed(value)}" for key, value in told if value)


def _listed(value: Any) -> str:
    if not isinstance(value, list | tuple):
        return text(value)
    return ", ".join(_compared(one) if isinstance(one, dict) else text(one) for one in value)


def _compared(one: Json) -> str:
    """Tell one thing that was compared."""
    asked, listed = (text(one.get(side) or "not known") for side in ("asked", "listed"))
    return f"{text(one.get('what') or '')} {asked} / {listed}".strip()


def _judged(mark: Mark | None, session_id: str) -> str:
    """Tell what a person made of a hit."""
    if mark is None:
        return "open"
    what = "confirmed" if mark.confirmed else "cleared"
    by, why = printable(mark.actor), printable(mark.text)
    if mark.session_id != session_id:
        return f"{what} in another session by {by}: {why}"
    return f"{what} by {by}, {utc(rfc3339(mark.at))} UTC{f': {why}' if why else ''}"


def _words(name: str, found: Sequence[review.Word]) -> Json:
    told = [
        {
            "at": one.at,
            "by": printable(one.by),
            "what": printable(one.what),
            "reason": printable(one.reason or ""),
            "text": printable(one.text or "", _LONG),
        }
        for one in found[:_MOST_WORDS]
    ]
    return {name: told, f"more_{name}": max(len(found) - _MOST_WORDS, 0)}


def _timeline(events: Iterable[Told], began: str) -> list[Json]:
    start = datetime.fromisoformat(began)
    return [
        {
            "day": utc(one.at)[:10],
            "clock": utc(one.at)[11:],
            "since": _since(datetime.fromisoformat(one.at) - start),
            "source": one.source,
            "name": short(one.name),
            "result": one.result or "",
            "impact": "" if one.impact == "NONE" else short(one.impact),
            "detail": short(_detail(one)),
        }
        for one in events
    ]


def _detail(one: Told) -> str:
    told = (("by ", one.actor), ("", one.reason), ("code ", one.error_code))
    return " · ".join(word + value for word, value in told if value)


def _since(span: timedelta) -> str:
    """Give a time from the start on: ``+01:08``, or ``-00:03`` before it."""
    seconds = int(span.total_seconds())
    sign = "-" if seconds < 0 else "+"
    minutes, rest = divmod(abs(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    if days:
        return f"{sign}{days} d {hours:02}:{minutes:02}"
    clock = f"{minutes:02}:{rest:02}"
    return f"{sign}{hours}:{clock}" if hours else f"{sign}{clock}"
