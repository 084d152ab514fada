"""What an address asks for, and the addresses of what could be asked instead."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final
from urllib.parse import urlencode

from journeytrace_collector.admin.api import BadParameterError, parse_query
from journeytrace_collector.store.base import SessionQuery

__all__ = ["LAST", "PAGE_ROWS", "Asked", "link", "read", "stated", "without_persons"]

PAGE_ROWS: Final = 50

_HOUR: Final = 3_600 * 1_000_000_000
LAST: Final = {
    "1h": ("last hour", _HOUR),
    "24h": ("last 24 hours", 24 * _HOUR),
    "7d": ("last 7 days", 7 * 24 * _HOUR),
    "30d": ("last 30 days", 30 * 24 * _HOUR),
}
"""By value of ``last``: in words, and in ns."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A list that is asked for."""

    query: SessionQuery
    filters: Mapping[str, str]
    """The parameters that filter, as they were given."""

    def without(self, *names: str) -> dict[str, str]:
        """Give the filters but for these."""
        return {name: value for name, value in self.filters.items() if name not in names}


def stated(parameters: Mapping[str, str]) -> dict[str, str]:
    """Give the parameters that say something. A form sends all of its fields, empty or not.

    A reason, or the name of an event, can be a blank.
    """
    found = {n: text for n, text in parameters.items() if text.strip() or (text and n != "search")}
    if "search" not in found:
        found.pop("field", None)
    return found


def read(parameters: Mapping[str, str], now: int) -> Asked:
    """Read the parameters of a list; `now` in ns. All are the API's, but for ``last``.

    Raises:
        BadParameterError: see there.
    """
    rest = dict(parameters)
    for name in ("limit", "user"):
        # A person has a page of their own.
        if name in rest:
            raise BadParameterError(name, "is no parameter here", "the filters, and cursor")
    last = rest.pop("last", None)
    query = replace(parse_query(rest), limit=PAGE_ROWS)
    if last is not None:
        if last not in LAST:
            raise BadParameterError("last", f"is {last!r}", ", ".join(LAST))
        if query.since is not None:
            raise BadParameterError("last", "stands beside since", "one of the two")
        query = replace(query, since=now - LAST[last][1])
    return Asked(query, {name: text for name, text in parameters.items() if name != "cursor"})


def link(path: str, parameters: Mapping[str, str | None]) -> str:
    """Give an address; parameters that are None or empty are left out."""
    said = {name: value for name, value in parameters.items() if value}
    return f"{path}?{urlencode(said)}" if said else path


def without_persons(filters: Mapping[str, str]) -> str:
    """Write filters, but for a text that was searched: it can be anybody's address."""
    said = {name: "…" if name == "search" else text for name, text in filters.items()}
    return ", ".join(f"{name} {text}" for name, text in said.items())
