"""What the admin API is asked, apart from HTTP (DESIGN section 9)."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Annotated, Any, Final, TypeVar

import msgspec

from journeytrace.conventions import Decision, Impact, Result, Source, Status
from journeytrace.errors import InvalidSessionIdError, JourneytraceError
from journeytrace.identity import SUPPORT_CODE_LENGTH, normalise_session_id, read_support_code
from journeytrace_collector.admin.parameters import (
    COUNTED,
    LISTED,
    MAX_LIMIT,
    MAX_TEXT,
    PERSON,
    SUBJECT,
    UNDECIDED,
    WITHOUT,
    Parameter,
)
from journeytrace_collector.core.attempts import Per
from journeytrace_collector.core.marks import OneEvent
from journeytrace_collector.insight.loss import BY
from journeytrace_collector.store.base import SEARCH_FIELDS, Cohort, Cursor, SessionQuery, Subject

__all__ = [
    "MAX_TEXT",
    "MOST_COUNTED",
    "UNDECIDED",
    "WITHOUT",
    "BadParameterError",
    "Ids",
    "Rehearsal",
    "check_names",
    "code_query",
    "parse_as_of",
    "parse_cohort",
    "parse_count",
    "parse_funnel",
    "parse_ids",
    "parse_limit",
    "parse_per",
    "parse_query",
    "parse_rehearsal",
    "parse_replay",
    "parse_session_id",
    "parse_source",
    "parse_subject",
    "write_cursor",
]

MOST_COUNTED: Final = 1_000
"""How far counts are exact."""

MOST_TEXT: Final = 65_536
"""Characters of a file of rules."""

_TEXTS: Final = ("project", "reason", "error_code", "stage")
_OF_EVENT: Final = ("event", "source", "result", "impact", "corrected")
_DATE: Final = re.compile(r"^(\d{4}-\d\d-\d\d)(Z|[+-]\d\d:\d\d)?$")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MIN_INT, _MAX_INT = -(2**63), 2**63 - 1
_StoredInt = Annotated[int, msgspec.Meta(ge=_MIN_INT, le=_MAX_INT)]
_Id = Annotated[int, msgspec.Meta(ge=1, le=_MAX_INT)]
_WireCursor = tuple[_StoredInt, _StoredInt]
_E = TypeVar("_E", bound=StrEnum)


class BadParameterError(JourneytraceError):
    """A parameter of a query is unknown or has a value that is not allowed."""

    def __init__(self, field: str, problem: str, allowed: str) -> None:
        super().__init__(f"{field} {problem}; allowed: {allowed}")
        self.field = field
        self.allowed = allowed


def check_names(given: Mapping[str, str], known: Sequence[Parameter]) -> None:
    """Check that only known parameters are given, and each of them once.

    Raises:
        BadParameterError: see there.
    """
    names = [parameter.name for parameter in known]
    for name in given:
        if name not in names:
            where = "of this list" if names else "here"
            allowed = ", ".join(names) or "none"
            raise BadParameterError(name, f"is no parameter {where}", allowed)
    if len(given) != len(set(given)):
        raise BadParameterError("parameters", "repeat", "each one once")


def parse_query(parameters: Mapping[str, str]) -> SessionQuery:
    """Read the parameters of a list: sessions that meet all of them.

    ``project``, ``reason``, ``error_code`` and ``stage`` are what the session's summary says of
    them; ``(none)`` means that it says nothing. ``reached`` is a stage that they came to or past,
    ``rule`` one that they violate.
    ``per=person`` leaves of each person the one session that counts (`core.attempts`). ``event``,
    ``source``, ``result``, ``impact`` and ``corrected`` are about one event of the session, which
    has to meet all that are given.

    Raises:
        BadParameterError: see there.
    """
    check_names(parameters, LISTED)
    decision = parameters.get("decision")
    query: dict[str, Any] = {
        "status": _word(Status, "status", parameters.get("status")),
        "undecided": decision == UNDECIDED,
        "since": _time("since", parameters.get("since")),
        "until": _time("until", parameters.get("until")),
        "limit": _limit(parameters.get("limit", "50")),
        "after": _cursor(parameters.get("cursor")),
    }
    if decision != UNDECIDED:
        query["decision"] = _word(Decision, "decision", decision, UNDECIDED)
    texts = (*_TEXTS, "reached", "user", "rule")
    query |= {name: _text(name, parameters.get(name)) for name in texts}
    query["per"] = parse_per(parameters)
    query["event"] = _one_event(parameters)
    field = parameters.get("field")
    if field is not None:
        if field not in SEARCH_FIELDS:
            raise BadParameterError("field", f"is {field!r}", ", ".join(SEARCH_FIELDS))
        query["fields"] = (field,)
    search = parameters.get("search", "")
    if len(search) > MAX_TEXT:
        raise BadParameterError("search", "is too long", f"up to {MAX_TEXT} characters")
    if search := search.strip():
        query["search"] = search
    elif field is not None:
        raise BadParameterError("field", "stands without search", "both together")
    return SessionQuery(**query)


def _one_event(parameters: Mapping[str, str]) -> OneEvent | None:
    if not any(name in parameters for name in _OF_EVENT):
        return None
    corrected = parameters.get("corrected")
    if corrected not in {None, "yes"}:
        raise BadParameterError("corrected", f"is {corrected!r}", "yes")
    return OneEvent(
        name=_text("event", parameters.get("event")),
        source=_word(Source, "source", parameters.get("source")),
        result=_word(Result, "result", parameters.get("result")),
        impact=_word(Impact, "impact", parameters.get("impact")),
        corrected=corrected is not None,
    )


def parse_count(parameters: Mapping[str, str]) -> SessionQuery:
    """Read the parameters of a count, which are those of a list but for its pages.

    Raises:
        BadParameterError: see there.
    """
    check_names(parameters, COUNTED)
    return replace(parse_query(parameters), limit=MOST_COUNTED)


class Rehearsal(msgspec.Struct, forbid_unknown_fields=True):
    """Which rules to hold sessions against."""

    rules: (
        Annotated[str, msgspec.Meta(max_length=MOST_TEXT, extra_json_schema={"format": "rules"})]
        | None
    )
    """The text of a file of rules, of which those are tried; None: all that are in force."""


def parse_rehearsal(body: bytes) -> str | None:
    """Read which rules are meant: the text of a file, or None for those that are in force.

    Raises:
        BadParameterError: the body is anything else.
    """
    try:
        return msgspec.json.decode(body, type=Rehearsal).rules
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        allowed = f'{{"rules": "…"}}, up to {MOST_TEXT} characters of TOML, or {{"rules": null}}'
        raise BadParameterError("rules", "cannot be read from the body", allowed) from None


def parse_replay(parameters: Mapping[str, str]) -> SessionQuery:
    """Read which sessions to hold against rules.

    Raises:
        BadParameterError: see there.
    """
    since, until = (_time(name, parameters.get(name)) for name in ("since", "until"))
    return SessionQuery(since=since, until=until, after=_cursor(parameters.get("cursor")))


def parse_source(parameters: Mapping[str, str]) -> str | None:
    """Read the one parameter of a session's events; None: all of them.

    Raises:
        BadParameterError: see there.
    """
    source = _word(Source, "source", parameters.get("source"))
    return source.value if source else None


def parse_as_of(parameters: Mapping[str, str]) -> int | None:
    """Read as of when a session is asked for, in ns; None: as it is known now.

    It is the end of the microsecond that is named, so that a time which the API told includes what
    arrived at it.

    Raises:
        BadParameterError: see there.
    """
    at = _time("as_of", parameters.get("as_of"))
    return None if at is None else min(at + 999, _MAX_INT)


def parse_per(parameters: Mapping[str, str]) -> Per:
    """Read what counts as one: a session, unless it says ``per=person``.

    Raises:
        BadParameterError: see there.
    """
    per = parameters.get("per", Per.SESSION)
    if per not in set(Per):
        raise BadParameterError("per", f"is {per!r}", ", ".join(Per))
    return Per(per)


def parse_cohort(parameters: Mapping[str, str]) -> Cohort:
    """Read which sessions to count.

    Raises:
        BadParameterError: see there.
    """
    project = parameters.get("project")
    project = "" if project == WITHOUT else project
    if project is not None and len(project) > MAX_TEXT:
        raise BadParameterError("project", "is too long", f"up to {MAX_TEXT} characters")
    since, until = (_time(name, parameters.get(name)) for name in ("since", "until"))
    return Cohort(project, since, until, per=parse_per(parameters))


def parse_funnel(parameters: Mapping[str, str]) -> tuple[Cohort, str | None]:
    """Read which sessions a funnel is of, and what they are told apart by.

    Raises:
        BadParameterError: see there.
    """
    by = parameters.get("by")
    if by is not None and by not in BY:
        raise BadParameterError("by", f"is {by!r}", ", ".join(BY))
    return parse_cohort(parameters), by


def parse_session_id(text: str) -> str:
    """Read a session id as a person pastes it, a UUID in any spelling.

    Raises:
        BadParameterError: it can be no session's id.
    """
    try:
        return normalise_session_id(text.strip())
    except InvalidSessionIdError as error:
        raise BadParameterError("session id", str(error), "1 to 128 printable characters") from None


def code_query(text: str) -> SessionQuery | None:
    """Give the query for the sessions with this support code, two at most; None: it is none."""
    code = read_support_code(text)
    if code is None or len(code) < SUPPORT_CODE_LENGTH:
        return None
    return SessionQuery(search=code, fields=("support_code",), limit=2)


def parse_limit(parameters: Mapping[str, str]) -> int:
    """Read the one parameter of the outbox: the most parked parcels to give.

    Raises:
        BadParameterError: see there.
    """
    return _limit(parameters.get("limit", "50"))


def parse_subject(parameters: Mapping[str, str], *, session: bool = False) -> Subject:
    """Read whose data are meant: exactly one of `user` and `email`, or with `session` that, too.

    Raises:
        BadParameterError: see there. Nothing at all is never taken for everything.
    """
    if len(parameters) != 1:
        given = "have no subject" if not parameters else "name more than one"
        allowed = ", ".join(one.name for one in (SUBJECT if session else PERSON))
        raise BadParameterError("parameters", given, f"exactly one of {allowed}")
    ((name, value),) = parameters.items()
    if name == "session":
        return Subject("session_id", parse_session_id(value))
    if not value or len(value) > MAX_TEXT:
        allowed = f"1 to {MAX_TEXT} characters, the whole of it"
        raise BadParameterError(name, "is empty or too long", allowed)
    return Subject("user_id" if name == "user" else "email", value)


class Ids(msgspec.Struct, forbid_unknown_fields=True):
    """Which parked parcels are meant."""

    ids: list[_Id] | None
    """As the outbox tells them; None: all of them."""


class _Sent(msgspec.Struct, forbid_unknown_fields=True):
    ids: list[int | float] | None


def parse_ids(body: bytes) -> list[int] | None:
    """Read which parked parcels are meant; None: all of them.

    Raises:
        BadParameterError: the body is anything else. An empty one is, too: all has to be meant.
    """
    try:
        sent = msgspec.json.decode(body, type=_Sent).ids
        return sent if sent is None else msgspec.convert([_whole(one) for one in sent], list[_Id])
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        allowed = '{"ids": [1, 2]} for some, {"ids": null} for all'
        raise BadParameterError("ids", "cannot be read from the body", allowed) from None


def _whole(number: float) -> float:
    # To JSON Schema, and to some who write JSON, 1.0 is an integer.
    return int(number) if number % 1 == 0 else number


def write_cursor(cursor: Cursor | None) -> str | None:
    """Write where a page starts as one opaque word; None: there is no further page."""
    if cursor is None:
        return None
    return base64.urlsafe_b64encode(msgspec.json.encode(cursor)).decode().rstrip("=")


def _word(kind: type[_E], name: str, value: str | None, *more: str) -> _E | None:
    if value is None:
        return None
    try:
        return kind(value)
    except ValueError:
        allowed = ", ".join([*kind.__members__, *more])
        raise BadParameterError(name, f"is {value!r}", allowed) from None


def _text(name: str, value: str | None) -> str | None:
    if value is None or (value == WITHOUT and name in _TEXTS):
        return value and ""
    if not value or len(value) > MAX_TEXT:
        raise BadParameterError(name, "is empty or too long", f"1 to {MAX_TEXT} characters")
    return value


def _time(name: str, value: str | None) -> int | None:
    if value is None:
        return None
    try:
        found = datetime.fromisoformat(_DATE.sub(r"\1T00:00\2", value))
    except ValueError:
        allowed = (
            "a date, such as 2026-06-01, or RFC 3339, such as 2026-06-01T00:00:00+02:00; in UTC"
            " where no offset is given"
        )
        raise BadParameterError(name, f"is {value!r}", allowed) from None
    if found.tzinfo is None:
        found = found.replace(tzinfo=UTC)
    ns = (found - _EPOCH) // timedelta(microseconds=1) * 1_000
    # Beyond what the store can hold there is nothing to find, so the nearest it can hold will do.
    return min(max(ns, _MIN_INT), _MAX_INT)


def _limit(value: str) -> int:
    if not (re.fullmatch(r"[0-9]{1,4}", value) and 1 <= int(value) <= MAX_LIMIT):
        raise BadParameterError("limit", f"is {value!r}", f"1 to {MAX_LIMIT}")
    return int(value)


def _cursor(value: str | None) -> Cursor | None:
    if value is None:
        return None
    try:
        padded = value + "=" * (-len(value) % 4)
        created_at, no = msgspec.json.decode(base64.urlsafe_b64decode(padded), type=_WireCursor)
    except (ValueError, binascii.Error, msgspec.DecodeError):
        raise BadParameterError("cursor", "is none of ours", "a next_cursor, unchanged") from None
    return created_at, no
