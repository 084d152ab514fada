"""Two cohorts compared: the table, and what could be compared."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from math import log
from typing import Final

from journeytrace_collector.admin.api import BadParameterError
from journeytrace_collector.core.derive import rfc3339
from journeytrace_collector.insight.diff import Comparison, Diff, Side
from journeytrace_collector.insight.diff_words import Kind, changed, interval, valued
from journeytrace_desk.views.asked import link

__all__ = ["Board", "Idea", "Row", "board", "ideas", "last_week"]

FURTHER: Final = 12
"""Rows that are shown of what may be chance."""
_MOST_IDEAS: Final = 5
_MS: Final = 1_000_000
_WEEK: Final = 7 * 86_400 * 1_000 * _MS
_LAST_MS: Final = 10**13
_WORDS: Final = {
    Kind.STEP: "step",
    Kind.OUTCOME: "outcome",
    Kind.REASON: "reason",
    Kind.CHECK: "check failed",
    Kind.DURATION: "duration",
}


@dataclass(frozen=True, slots=True)
class Row:
    """One thing that was compared."""

    kind: str
    before: str
    """Of a step: the stage before; else empty."""
    name: str
    a: str
    b: str
    a_of: int
    b_of: int
    change: str
    """Empty: too few to tell."""
    interval: str
    p: str
    named: bool
    low: str
    """Where the interval begins on a scale, in per cent; empty: there is none."""
    width: str
    middle: str
    """Where the change stands."""


@dataclass(frozen=True, slots=True)
class Board:
    """What the page shows."""

    rows: list[Row]
    left_out: int
    compared: int
    rare: int
    named: bool
    """Whether anything is more than chance."""
    sides: list[tuple[str, Side, int]]
    """Letter, cohort, and about how many sessions it has."""


@dataclass(frozen=True, slots=True)
class Idea:
    """A comparison that suggests itself."""

    word: str
    address: str


def board(found: Diff, *, every: bool) -> Board:
    """Describe a comparison; `every`: with the rest that may be chance, and what is too rare."""
    compared = [one for one in found.comparisons if one.p is not None]
    named = sum(one.named for one in compared)
    shown = found.comparisons if every else compared[: named + FURTHER]
    reach = {
        is_time: max((_reach(one) for one in shown if _is_time(one) == is_time), default=0)
        for is_time in (True, False)
    }
    return Board(
        rows=[_row(one, reach[_is_time(one)]) for one in shown],
        left_out=len(found.comparisons) - len(shown),
        compared=len(compared),
        rare=len(found.comparisons) - len(compared),
        named=named > 0,
        sides=[
            (letter, side, round(side.of, 2 - len(str(side.of))))
            for letter, side in (("A", found.a), ("B", found.b))
        ],
    )


def _is_time(one: Comparison) -> bool:
    return one.kind is Kind.DURATION


def _scaled(one: Comparison, value: float) -> float:
    return log(value) if _is_time(one) else value


def _reach(one: Comparison) -> float:
    if one.low is None or one.high is None:
        return 0.0
    return max(abs(_scaled(one, one.low)), abs(_scaled(one, one.high)))


def _row(one: Comparison, reach: float) -> Row:
    change = low = width = middle = between = p = ""
    if one.change is not None and one.low is not None and one.high is not None:
        places = [
            50 + 48 * _scaled(one, value) / reach if reach else 50.0
            for value in (one.low, one.high, one.change)
        ]
        low, middle = f"{places[0]:.1f}%", f"{places[2]:.1f}%"
        width = f"{max(places[1] - places[0], 0.5):.1f}%"
        change, between = changed(one.kind, one.change), interval(one.kind, one.low, one.high)
        p = "< 0.001" if one.p is not None and one.p < 0.001 else f"{one.p:.3f}"
    return Row(
        kind=_WORDS[one.kind],
        before=one.of or "",
        name=one.name,
        a="" if one.a is None else valued(one.kind, one.a),
        b="" if one.b is None else valued(one.kind, one.b),
        a_of=one.a_of,
        b_of=one.b_of,
        change=change,
        interval=between,
        p=p,
        named=one.named,
        low=low,
        width=width,
        middle=middle,
    )


def ideas(
    given: Mapping[str, str], versions: Mapping[tuple[str, str], int], now: int
) -> list[Idea]:
    """Give what suggests itself: this week and the one before, and each service's last releases."""
    today = datetime.fromtimestamp(now // 1_000_000_000, UTC).date()
    begins = [(today - timedelta(days=days)).isoformat() for days in (7, 14)]
    project = given.get("project")
    week = {"a": f"since={begins[1]},until={begins[0]}", "b": f"since={begins[0]}"}
    found = [Idea("The last 7 days with the 7 before", link("/diff", {**week, "project": project}))]
    newest: dict[str, list[str]] = {}
    for (service, version), _ in sorted(versions.items(), key=lambda one: -one[1]):
        newest.setdefault(service, []).append(version)
    for service, released in newest.items():
        if len(released) > 1:
            pair = {"a": f"release={released[1]}", "b": f"release={released[0]}"}
            word = f"{service}: {released[0]} with {released[1]}"
            found.append(Idea(word, link("/diff", {**pair, "project": project})))
    return found[:_MOST_IDEAS]


def last_week(given: Mapping[str, str], until: int) -> dict[str, str | None]:
    """Give the comparison of a time (``from`` and ``to`` in ms) with the same of last week.

    `until` (ns) is the last moment of which sessions can be compared.

    Raises:
        BadParameterError: see there.
    """
    times = [_ms(name, given.get(name, "")) * _MS for name in ("from", "to")]
    begins, ends = times[0], min(times[1], until)
    if ends <= begins:
        allowed = "after from, and of sessions that are over: begun the idle timeout ago"
        raise BadParameterError("to", "is too early, or the time is too young", allowed)
    week = [f"since={rfc3339(begins - back)},until={rfc3339(ends - back)}" for back in (_WEEK, 0)]
    return {"a": week[0], "b": week[1], "project": given.get("project")}


def _ms(name: str, text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text) < _LAST_MS):
        raise BadParameterError(name, f"is {text!r}", "a time in ms since 1970")
    return int(text)
