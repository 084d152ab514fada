"""The filters of a list: what can be chosen, what is, and how many sessions each would show."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from journeytrace.catalogue import Catalogue
from journeytrace.conventions import Decision, Impact, Result, Source, Status
from journeytrace_collector.admin.api import MOST_COUNTED, UNDECIDED, WITHOUT
from journeytrace_collector.store.base import Counted, SessionQuery
from journeytrace_desk.views.asked import LAST, Asked, link
from journeytrace_desk.views.words import DECISION, STATUS

__all__ = ["Choice", "Filters", "counted", "facets", "filters"]

FURTHER: Final = (
    "since",
    "until",
    "stage",
    "reached",
    "per",
    "reason",
    "error_code",
    "event",
    "source",
    "result",
    "impact",
    "corrected",
    "rule",
)
"""The filters that are folded away while none of them is set."""


@dataclass(frozen=True, slots=True)
class Choice:
    """One of the values of a filter, as a link."""

    value: str
    """Empty: any."""
    word: str
    sign: str
    address: str
    chosen: bool
    count: str


@dataclass(frozen=True, slots=True)
class Filters:
    """All of them."""

    status: list[Choice]
    decision: list[Choice]
    given: Mapping[str, str]
    """The value of each parameter; empty: none."""
    options: Mapping[str, Sequence[tuple[str, str]]]
    """(value, word) of those that are selected from a list."""
    suggested: Mapping[str, Sequence[str]]
    """What can be typed."""
    open: bool
    """Whether one of the further filters is set."""
    clear: str | None
    """The address without any; None: none is set."""
    recount: str | None
    """Where those are counted for longer that were counted in haste; None: none has to be."""


def facets(query: SessionQuery) -> list[SessionQuery]:
    """Give the queries whose counts stand beside the filters: by status, then by decision."""
    statuses = [replace(query, status=status) for status in (None, *Status)]
    bare = replace(query, decision=None, undecided=False)
    decisions = [replace(bare, decision=decision) for decision in (None, *Decision)]
    return [*statuses, *decisions, replace(bare, undecided=True)]


def filters(
    asked: Asked,
    counts: Sequence[Counted],
    catalogue: Catalogue,
    projects: Sequence[str],
    rules: Sequence[str] = (),
) -> Filters:
    """Describe the filters; `counts` are those of `facets`, `rules` the names of those in force."""
    numbers = iter([counted(one) for one in counts])
    words = [("", "Any"), *((one.value, STATUS[one]) for one in Status)]
    status = list(_choices(asked, "status", words, numbers))
    words = [("", "Any"), *((one.value, DECISION[one][1]) for one in Decision)]
    decision = list(_choices(asked, "decision", [*words, (UNDECIDED, "None yet")], numbers))
    reasons = sorted({name for _, name in catalogue.reasons})
    return Filters(
        status=status,
        decision=decision,
        given={name: asked.filters.get(name, "") for name in (*_TEXTS, *FURTHER)},
        options={
            "last": [(value, words) for value, (words, _) in LAST.items()],
            "stage": [*_same(catalogue.ordered_stages), (WITHOUT, "none yet")],
            "reached": _same(catalogue.ordered_stages),
            "reason": [*_same(reasons), (WITHOUT, "none")],
            "source": _same(Source),
            "result": _same(Result),
            "impact": _same(Impact),
            "rule": _same(_with(rules, asked.filters.get("rule"))),
        },
        suggested={
            "project": sorted(projects),
            "event": sorted(catalogue.events),
            "error_code": sorted(catalogue.error_codes),
        },
        open=any(name in asked.filters for name in FURTHER),
        clear="/sessions" if asked.filters else None,
        recount=link("/sessions/counts", asked.filters) if any(map(_unsure, counts)) else None,
    )


_TEXTS: Final = ("status", "decision", "project", "last", "search", "field")


def counted(found: Counted) -> str:
    """Write a count; a plus behind it: there can be more."""
    return f"{found.number:,}{'+' if found.more else ''}"


def _unsure(found: Counted) -> bool:
    return found.more and found.number < MOST_COUNTED


def _choices(
    asked: Asked, name: str, words: Sequence[tuple[str, str]], counts: Iterator[str]
) -> Iterator[Choice]:
    chosen = asked.filters.get(name, "")
    for value, word in words:
        sign = DECISION[Decision(value)][0] if value in Decision.__members__ else ""
        address = link("/sessions", {**asked.without(name), name: value})
        yield Choice(value, word, sign, address, value == chosen, next(counts))


def _with(rules: Sequence[str], chosen: str | None) -> list[str]:
    # A mark outlives the rule until its session is checked again.
    return [*rules, *([chosen] if chosen and chosen not in rules else [])]


def _same(values: Sequence[str] | type[Source | Result | Impact]) -> list[tuple[str, str]]:
    return [(str(value), str(value)) for value in values]
