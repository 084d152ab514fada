"""The admin API's questions and answers, apart from HTTP (DESIGN section 9)."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Annotated, Any, Final, TypeVar

import msgspec

from journeytrace.catalogue import ErrorCodeSpec
from journeytrace.conventions import Decision, Impact, Result, Source, Status
from journeytrace.errors import InvalidSessionIdError, JourneytraceError
from journeytrace.identity import SUPPORT_CODE_LENGTH, normalise_session_id, read_support_code
from journeytrace_collector.core.attempts import Per
from journeytrace_collector.core.derive import NO_CODES, rfc3339
from journeytrace_collector.core.marks import OneEvent
from journeytrace_collector.core.model import Event
from journeytrace_collector.core.unknown import UnknownNames, toml_lines
from journeytrace_collector.store.base import (
    SEARCH_FIELDS,
    Cohort,
    Cursor,
    OutboxRow,
    OutboxState,
    SessionQuery,
    Subject,
)

__all__ = [
    "BadParameterError",
    "code_query",
    "destination_json",
    "event_json",
    "moment",
    "parked_json",
    "parse_cohort",
    "parse_ids",
    "parse_limit",
    "parse_per",
    "parse_query",
    "parse_session_id",
    "parse_source",
    "parse_subject",
    "unknown_json",
    "write_cursor",
]

MAX_LIMIT: Final = 1_000
MAX_SEARCH: Final = 512
UNDECIDED: Final = "NONE"
WITHOUT: Final = "(none)"
"""Sessions that have no such text."""

_TEXTS: Final = ("project", "reason", "error_code", "stage")
_OF_EVENT: Final = ("event", "source", "result", "impact", "corrected")
_PARAMETERS: Final = (
    "status",
    "decision",
    *_TEXTS,
    "reached",
    *_OF_EVENT,
    "since",
    "until",
    "per",
    "search",
    "field",
    "limit",
    "cursor",
)
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


def parse_query(parameters: Mapping[str, str]) -> SessionQuery:
    """Read the parameters of a list: sessions that meet all of them.

    ``project``, ``reason``, ``error_code`` and ``stage`` are what the session's summary says of
    them; ``(none)`` means that it says nothing. ``reached`` is a stage that they came to or past.
    ``per=person`` leaves of each person the one session that counts (`core.attempts`). ``event``,
    ``source``, ``result``, ``impact`` and ``corrected`` are about one event of the session, which
    has to meet all that are given.

    Raises:
        BadParameterError: see there.
    """
    _only(parameters, _PARAMETERS)
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
    query |= {name: _text(name, parameters.get(name)) for name in (*_TEXTS, "reached")}
    query["per"] = parse_per(parameters)
    query["event"] = _one_event(parameters)
    field = parameters.get("field")
    if field is not None:
        if field not in SEARCH_FIELDS:
            raise BadParameterError("field", f"is {field!r}", ", ".join(SEARCH_FIELDS))
        query["fields"] = (field,)
    if search := parameters.get("search", "").strip():
        if len(search) > MAX_SEARCH:
            raise BadParameterError("search", "is too long", f"up to {MAX_SEARCH} characters")
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


def parse_source(parameters: Mapping[str, str]) -> str | None:
    """Read the one parameter of a session's events; None: all of them.

    Raises:
        BadParameterError: see there.
    """
    _only(parameters, ("source",))
    source = _word(Source, "source", parameters.get("source"))
    return source.value if source else None


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
    _only(parameters, ("project", "since", "until", "per"))
    project = parameters.get("project")
    project = "" if project == WITHOUT else project
    if project is not None and len(project) > MAX_SEARCH:
        raise BadParameterError("project", "is too long", f"up to {MAX_SEARCH} characters")
    since, until = (_time(name, parameters.get(name)) for name in ("since", "until"))
    return Cohort(project, since, until, per=parse_per(parameters))


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
    _only(parameters, ("limit",))
    return _limit(parameters.get("limit", "50"))


def parse_subject(parameters: Mapping[str, str], *, session: bool = False) -> Subject:
    """Read whose data are meant: exactly one of `user` and `email`, or with `session` that, too.

    Raises:
        BadParameterError: see there. Nothing at all is never taken for everything.
    """
    known = ("session", "user", "email") if session else ("user", "email")
    _only(parameters, known)
    if len(parameters) != 1:
        given = "have no subject" if not parameters else "name more than one"
        raise BadParameterError("parameters", given, f"exactly one of {', '.join(known)}")
    ((name, value),) = parameters.items()
    if name == "session":
        return Subject("session_id", parse_session_id(value))
    if not value or len(value) > MAX_SEARCH:
        allowed = f"1 to {MAX_SEARCH} characters, the whole of it"
        raise BadParameterError(name, "is empty or too long", allowed)
    return Subject("user_id" if name == "user" else "email", value)


class _Ids(msgspec.Struct, forbid_unknown_fields=True):
    ids: list[_Id] | None


def parse_ids(body: bytes) -> list[int] | None:
    """Read which parked parcels are meant; None: all of them.

    Raises:
        BadParameterError: the body is anything else. An empty one is, too: all has to be meant.
    """
    try:
        return msgspec.json.decode(body, type=_Ids).ids
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        allowed = '{"ids": [1, 2]} for some, {"ids": null} for all'
        raise BadParameterError("ids", "cannot be read from the body", allowed) from None


def write_cursor(cursor: Cursor | None) -> str | None:
    """Write where a page starts as one opaque word; None: there is no further page."""
    if cursor is None:
        return None
    return base64.urlsafe_b64encode(msgspec.json.encode(cursor)).decode().rstrip("=")


def event_json(event: Event, error_codes: Mapping[str, ErrorCodeSpec] = NO_CODES) -> dict[str, Any]:
    """Describe one event as DESIGN section 9 does; `error_codes`: those with a known meaning."""
    error = error_codes.get(event.error_code) if event.error_code else None
    return {
        "event_id": event.event_id.hex(),
        "name": event.name,
        "source": event.source,
        "stage": event.stage,
        "impact": event.impact,
        "result": event.result,
        "reason": event.reason,
        "error_code": event.error_code,
        "error_meaning": error.meaning if error else None,
        "error_page": error.page if error else None,
        "at": rfc3339(event.at),
        "duration_ms": event.duration / 1e6,
        "service": event.service,
        "attributes": msgspec.Raw(event.metadata.encode()),
    }


def unknown_json(unknown: UnknownNames) -> dict[str, Any]:
    """Describe the names that came up and are not in the catalogue, with the lines for its file."""
    names = list(unknown)
    return {
        "names": [
            {
                "kind": name.kind,
                "name": name.name,
                "decision": name.decision,
                "source": name.source,
                "stage": name.stage,
                "impact": name.impact,
                "count": name.count,
                "first_at": rfc3339(name.first_at),
                "similar": name.similar,
            }
            for name in names
        ],
        "complete": unknown.complete,
        "toml": toml_lines(names),
    }


def destination_json(name: str, state: OutboxState) -> dict[str, Any]:
    """Describe how one destination is doing."""
    return {
        "name": name,
        "waiting": state.waiting,
        "oldest_at": moment(state.oldest_at),
        "backing_off": state.backing_off,
        "backing_off_since": moment(state.backing_off_since),
        "parked": state.parked,
    }


def parked_json(row: OutboxRow) -> dict[str, Any]:
    """Describe a parked parcel, but for what is in it, which is personal data."""
    return {
        "id": row.id,
        "destination": row.parcel.destination,
        "session_id": row.parcel.session_id,
        "since": rfc3339(row.at),
        "reason": row.reason,
    }


def moment(at: int | None) -> str | None:
    """Write a time in ns; None stays None."""
    return rfc3339(at) if at is not None else None


def _only(parameters: Mapping[str, str], known: tuple[str, ...]) -> None:
    for name in parameters:
        if name not in known:
            raise BadParameterError(name, "is no parameter of this list", ", ".join(known))


def _word(kind: type[_E], name: str, value: str | None, *more: str) -> _E | None:
    if value is None:
        return None
    try:
        return kind(value)
    except ValueError:
        allowed = ", ".join([*kind.__members__, *more])
        raise BadParameterError(name, f"is {value!r}", allowed) from None


def _text(name: str, value: str | None) -> str | None:
    if value is None or (value == WITHOUT and name not in {"event", "reached"}):
        return value and ""
    if not value or len(value) > MAX_SEARCH:
        raise BadParameterError(name, "is empty or too long", f"1 to {MAX_SEARCH} characters")
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
