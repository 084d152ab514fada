"""The parameters of the admin API: declared once, for those who check and those who read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from journeytrace.conventions import Decision, Impact, Result, Source, Status
from journeytrace_collector.core.attempts import Per
from journeytrace_collector.insight.loss import BY
from journeytrace_collector.store.base import SEARCH_FIELDS

__all__ = [
    "AS_OF",
    "COHORT",
    "COUNTED",
    "DIFFED",
    "EVENTS",
    "FUNNEL",
    "IN_PATH",
    "LISTED",
    "MAX_LIMIT",
    "MAX_TEXT",
    "MOST",
    "PERSON",
    "REPLAYED",
    "SUBJECT",
    "UNDECIDED",
    "WITHOUT",
    "Parameter",
]

MAX_LIMIT: Final = 1_000
MAX_TEXT: Final = 512
UNDECIDED: Final = "NONE"
WITHOUT: Final = "(none)"
"""Sessions that have no such text."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter."""

    name: str
    schema: Mapping[str, Any]
    """What it can be, as JSON Schema."""
    description: str
    example: str | int | None = None
    """None: its schema says enough."""

    def in_query(self) -> dict[str, Any]:
        """Describe it as one of a query, where it can be left out."""
        return self._said("query", required=False)

    def in_path(self) -> dict[str, Any]:
        """Describe it as part of a path."""
        return self._said("path", required=True)

    def _said(self, where: str, *, required: bool) -> dict[str, Any]:
        said: dict[str, Any] = {
            "name": self.name,
            "in": where,
            "required": required,
            "description": self.description,
            "schema": dict(self.schema),
        }
        if self.example is not None:
            said["example"] = self.example
        return said


def _one_of(words: type[StrEnum], *more: str) -> Mapping[str, Any]:
    return {"type": "string", "enum": [*(word.value for word in words), *more]}


_TEXT: Final = {"type": "string", "minLength": 1, "maxLength": MAX_TEXT}
_TIME: Final = {
    "anyOf": [{"type": "string", "format": "date-time"}, {"type": "string", "format": "date"}]
}
_IN_UTC: Final = "A date is its beginning; what has no offset is in UTC."

PER: Final = Parameter(
    "per",
    _one_of(Per),
    "What counts as one: each session, or each person, whose one session that counts is left.",
)
SINCE: Final = Parameter(
    "since", _TIME, f"Created at or after this time. {_IN_UTC}", "2026-06-01T00:00:00+02:00"
)
UNTIL: Final = Parameter("until", _TIME, f"Created before this time. {_IN_UTC}", "2026-07-01")
LIMIT: Final = Parameter(
    "limit",
    {"type": "integer", "minimum": 1, "maximum": MAX_LIMIT, "default": 50},
    "How many to give, at most.",
    20,
)
SOURCE: Final = Parameter(
    "source",
    _one_of(Source),
    "Of events: seen on the screen (FE), executed on the server (BE), done by a person (OP).",
)
USER: Final = Parameter("user", _TEXT, "The user id, the whole of it, as it is spelled.", "u-42")
EMAIL: Final = Parameter(
    "email", _TEXT, "The e-mail address, the whole of it, in either case.", "ann@example.com"
)
_SESSION_ID: Final = {"type": "string", "format": "session-id", "minLength": 1}

SESSION: Final = Parameter(
    "session",
    _SESSION_ID,
    "The session's id.",
    "018f3b5e-0000-7000-8000-000000000001",
)

COUNTED: Final = (
    Parameter("status", _one_of(Status), "How far the session got. COMPLETED is not approved."),
    Parameter(
        "decision", _one_of(Decision, UNDECIDED), f"What was decided; {UNDECIDED}: nothing yet."
    ),
    Parameter("project", _TEXT, f"The project's id, as it is spelled; `{WITHOUT}`: none.", "acme"),
    Parameter(
        "reason",
        _TEXT,
        f"The reason of the decision; `{WITHOUT}`: none was given.",
        "SELFIE_DUPLICATE",
    ),
    Parameter(
        "error_code", _TEXT, f"The last code that was shown; `{WITHOUT}`: none was.", "QS-10001"
    ),
    Parameter("stage", _TEXT, f"The highest stage that was reached; `{WITHOUT}`: none.", "STEP1"),
    Parameter("reached", _TEXT, "A stage that the session came to, or past.", "STEP1"),
    Parameter(
        "event",
        _TEXT,
        "The name of an event. This and `source`, `result`, `impact` and `corrected` are about one"
        " event of the session, which has to meet all that are given.",
        "ID_RECOGNITION",
    ),
    SOURCE,
    Parameter("result", _one_of(Result), "What came of a check."),
    Parameter("impact", _one_of(Impact), "What the user felt of an event."),
    Parameter(
        "corrected",
        {"type": "string", "enum": ["yes"]},
        "Only sessions with an event whose sender told a time that was not believed.",
    ),
    Parameter(
        "rule",
        _TEXT,
        "A rule that the session violated when it was checked last, by its name.",
        "approved-with-open-hits",
    ),
    SINCE,
    UNTIL,
    PER,
    USER,
    Parameter(
        "search",
        {"type": "string", "maxLength": MAX_TEXT},
        "What one of these begins with, in either case: session id, user id, e-mail address,"
        " submission id. A support code is found however it is typed.",
        "ann@",
    ),
    Parameter(
        "field",
        {"type": "string", "enum": list(SEARCH_FIELDS)},
        "The one field to search in. Only together with `search`.",
    ),
)
"""Which sessions to count."""

_CURSOR: Final = Parameter(
    "cursor",
    {"type": "string", "format": "cursor"},
    "Where the page begins: `next_cursor` of the page before, unchanged, beside the same filters.",
)

LISTED: Final = (*COUNTED, LIMIT, _CURSOR)
"""Which sessions to list."""

COHORT: Final = (
    Parameter(
        "project",
        {"type": "string", "maxLength": MAX_TEXT},
        f"The project's id, as it is spelled; `{WITHOUT}`, or empty: sessions without one.",
        "acme",
    ),
    SINCE,
    UNTIL,
    PER,
)
"""Which sessions aggregates are of."""

REPLAYED: Final = (SINCE, UNTIL, _CURSOR)
"""Which sessions to hold against rules."""

FUNNEL: Final = (
    *COHORT,
    Parameter(
        "by",
        {"type": "string", "enum": list(BY)},
        "What to tell lost beacons apart by, the ten largest one by one. Left out: all in one.",
    ),
)
"""Which sessions a funnel is of."""

AS_OF: Final = Parameter(
    "as_of",
    _TIME,
    "As it was known then: by what had arrived by the end of that microsecond, what people did"
    f" included. {_IN_UTC}",
    "2026-06-01T12:04:10.250000Z",
)

EVENTS: Final = (SOURCE, AS_OF)
"""Which events of a session to give."""

_COHORT_OF: Final = {"type": "string", "format": "cohort", "maxLength": MAX_TEXT}
DIFFED: Final = (
    Parameter(
        "a",
        _COHORT_OF,
        "The one cohort: what was usual. What its sessions have to be, as name=value with commas"
        " between them: release, browser, country, device, week, and project, since, until, status,"
        " decision, reason, error_code, stage, reached, event, source, result or impact as in a"
        " list.",
        "release=1.4",
    ),
    Parameter(
        "b",
        _COHORT_OF,
        "The other cohort, in the same way; none: all others. What is in both counts in `a` alone.",
        "release=1.5",
    ),
    Parameter(
        "project",
        _TEXT,
        f"The project's id, as it is spelled; `{WITHOUT}`: none. Of both, like the times.",
        "acme",
    ),
    SINCE,
    UNTIL,
)
"""Which two cohorts to compare."""

MOST: Final = (LIMIT,)

PERSON: Final = (USER, EMAIL)
"""Exactly one of them."""

SUBJECT: Final = (SESSION, *PERSON)
"""Exactly one of them."""

IN_PATH: Final[Mapping[str, Parameter]] = {
    "id": Parameter(
        "id",
        _SESSION_ID,
        "The session's id: 1 to 128 printable characters, a UUID in any spelling. A trace id that"
        " was made of one is the same.",
        "018f3b5e-0000-7000-8000-000000000001",
    )
}
"""By name. A session can be asked for by its support code as well, but not erased by it."""
