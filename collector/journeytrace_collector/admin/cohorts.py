"""Cohorts as they are asked for: ``release=1.4,country=KR`` → which sessions are meant."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final

from journeytrace_collector.admin.api import BadParameterError, parse_query
from journeytrace_collector.admin.parameters import MAX_TEXT, WITHOUT
from journeytrace_collector.insight.groups import GROUPS, Groups
from journeytrace_collector.store.base import SessionQuery

__all__ = ["NAMES", "Pair", "Wanted", "parse_pair"]

_FILTERS: Final = (
    "project",
    "since",
    "until",
    "status",
    "decision",
    "reason",
    "error_code",
    "stage",
    "reached",
    "event",
    "source",
    "result",
    "impact",
)
NAMES: Final = (*GROUPS, "week", *_FILTERS)
"""What can be asked of a cohort."""

_PART: Final = re.compile(rf"(?:^|,)\s*({'|'.join(NAMES)})\s*=")
_WEEK: Final = re.compile(r"(\d{4})-?W(\d{2})", re.ASCII)
_ALLOWED: Final = f"name=value, several with commas between them; names are {', '.join(NAMES)}"


@dataclass(frozen=True, slots=True)
class Wanted:
    """The sessions that are meant: those that meet all of it."""

    text: str
    """As it was asked for; empty: everybody else."""
    query: SessionQuery
    groups: Mapping[str, str | None] = field(default_factory=dict)
    """By name of the group, its value; None: no event told any."""

    def fits(self, groups: Groups) -> bool:
        """Whether a session that is of these groups is meant, if it meets the query."""
        return all(getattr(groups, name) == value for name, value in self.groups.items())


@dataclass(frozen=True, slots=True)
class Pair:
    """Two cohorts that are compared."""

    a: Wanted
    b: Wanted


def parse_pair(parameters: Mapping[str, str]) -> Pair:
    """Read which two cohorts are to be compared.

    ``a`` and ``b`` say each which sessions it is; without ``b`` it is all others. All other
    parameters are of both.

    Raises:
        BadParameterError: see there.
    """
    rest = {name: text for name, text in parameters.items() if name not in {"a", "b"}}
    parse_query(rest)
    said = {name: parameters.get(name, "").strip() for name in ("a", "b")}
    for name, text in said.items():
        if len(text) > MAX_TEXT:
            raise BadParameterError(name, "is too long", f"up to {MAX_TEXT} characters")
    if not said["a"]:
        raise BadParameterError("parameters", "have no cohort a", _ALLOWED)
    if said["a"] == said["b"]:
        problem = "have one cohort twice, as a and as b"
        raise BadParameterError("parameters", problem, "another b, or none for all others")
    a, b = (_wanted(name, text, rest) for name, text in said.items())
    return Pair(a, b)


def _wanted(name: str, text: str, rest: Mapping[str, str]) -> Wanted:
    if not text:
        return Wanted("", parse_query(rest))
    before, *parts = _PART.split(text)
    given = dict(zip(parts[::2], (part.strip() for part in parts[1::2]), strict=True))
    if before.strip() or len(given) * 2 != len(parts) or not all(given.values()):
        raise BadParameterError(name, f"is {text!r}", _ALLOWED)
    groups = {
        group: None if given[group] == WITHOUT else given[group]
        for group in GROUPS
        if group in given
    }
    filters = {one: value for one, value in given.items() if one in _FILTERS}
    if "week" in given:
        if "since" in filters or "until" in filters:
            raise BadParameterError(name, "has a week beside since or until", "one of the two")
        filters |= _week(name, given["week"])
    try:
        query = parse_query({**rest, **filters})
    except BadParameterError as error:
        if error.field not in filters:
            raise
        raise BadParameterError(name, f"has a {error.field} that is wrong", error.allowed) from None
    return Wanted(text, query, groups)


def _week(name: str, text: str) -> dict[str, str]:
    """Give the days of a week as ISO 8601 counts them: from a Monday to the next, in UTC."""
    year, week = found.groups() if (found := _WEEK.fullmatch(text)) else ("0", "0")
    try:
        begins = datetime.fromisocalendar(int(year), int(week), 1).replace(tzinfo=UTC)
        ends = begins + timedelta(days=7)
    except (ValueError, OverflowError):
        raise BadParameterError(name, f"has the week {text!r}", "week=2026-W23") from None
    return {"since": begins.isoformat(), "until": ends.isoformat()}
