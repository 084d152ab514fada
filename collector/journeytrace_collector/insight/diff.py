"""What differs between two cohorts of sessions, and what of it is more than chance (DESIGN 15).

Each session is counted once and stands for itself, so the samples are independent of each other.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Final, NamedTuple, TypeVar

import msgspec

from journeytrace.conventions import Decision, Status
from journeytrace_collector.insight.comparing import (
    ALPHA,
    Found,
    Share,
    Spread,
    holm,
    of_shares,
    of_spreads,
)
from journeytrace_collector.insight.diff_words import Kind, in_words
from journeytrace_collector.insight.tally import Tally

__all__ = [
    "FEWEST",
    "FEWEST_DURATIONS",
    "MOST_NAMED",
    "Comparison",
    "Diff",
    "Kind",
    "Side",
    "diff",
]

FEWEST: Final = 20
"""Sessions on each side of which a share is compared."""
FEWEST_DURATIONS: Final = 50
"""Sessions on each side of which durations are compared."""
MOST_NAMED: Final = 3
"""Shifts that are told in words."""

_RAREST: Final = 5
"""Sessions that must have something in all, and must lack it: chance explains any split of less."""
_T = TypeVar("_T", str, tuple[str, str | None])
_MOST_NAMES: Final = 100
"""Names of one kind that are compared, the most frequent: names can be made up without end."""


_WEIGHTS: Final = {
    Kind.STEP: 12.0,
    Kind.OUTCOME: 3.0,
    Kind.REASON: 3.0,
    Kind.CHECK: 6.0,
    Kind.DURATION: 2.0,
}
"""How much of the chance to be wrong is kept for each kind, however many there are of it: so that
a hundred checks do not drown the seven steps."""


class Side(msgspec.Struct, frozen=True):
    """One of the two cohorts."""

    name: str
    """In the words of who asked; empty: all that are not in the other."""
    sessions: int
    """How many were compared."""
    going_on: int
    """How many go on, and were left out."""
    of: int
    """How many there are, by an estimate if it is a sample."""
    sampled: bool
    """Whether not all were read."""


class Comparison(msgspec.Struct, frozen=True):
    """One thing, on both sides."""

    kind: Kind
    """Of what it is."""
    name: str
    """A stage, a status or decision, a decision with its reason, an event; ``stage X`` and
    ``session`` among durations."""
    of: str | None
    """Of a step: the stage before; None: it is of all sessions, or no step."""
    a: float | None
    """A share, 0 to 1, or a typical duration in seconds; None: of no session."""
    b: float | None
    """The same of the other side."""
    a_of: int
    """Sessions that it is of."""
    b_of: int
    """The same of the other side."""
    change: float | None
    """Of shares b - a, of durations b / a; None: too few to tell."""
    low: float | None
    """Where the 95 % interval of the change begins, for itself alone."""
    high: float | None
    """Where it ends."""
    p: float | None
    """Corrected for all that is compared: how often chance alone names anything so strong. None:
    too few to tell."""
    named: bool
    """Whether it is more than chance: p is at most 0.05."""
    text: str
    """In a sentence."""


class Diff(msgspec.Struct, frozen=True):
    """What differs between two cohorts."""

    a: Side
    """The one that was usual."""
    b: Side
    """The other one."""
    both: int
    """Sessions that are in both: they count in a alone."""
    words: list[str]
    """The largest shifts, or that there is none to name."""
    comparisons: list[Comparison]
    """What is more than chance first, the largest effect first; then the rest, what is the least
    likely by chance first."""


class _Pair(NamedTuple):
    """One thing to compare."""

    kind: Kind
    name: str
    a: Share | Spread
    b: Share | Spread
    of: str | None = None


def diff(a: Tally, b: Tally, side_a: Side, side_b: Side, both: int = 0) -> Diff:
    """Compare b with a, which is what was usual."""
    pairs = list(_pairs(a, b))
    found = [_compared(pair) for pair in pairs]
    counts = Counter(pair.kind for pair, one in zip(pairs, found, strict=True) if one)
    weighed = [
        (one.p, _WEIGHTS[pair.kind] / counts[pair.kind])
        for pair, one in zip(pairs, found, strict=True)
        if one
    ]
    corrected = iter(holm(weighed))
    lines = [
        (_told(pair, one, next(corrected) if one else None), one)
        for pair, one in zip(pairs, found, strict=True)
    ]
    lines.sort(key=_place)
    comparisons = [line for line, _ in lines]
    named = [line.text for line in comparisons if line.named][:MOST_NAMED]
    return Diff(side_a, side_b, both, named or [_nothing(a, b, len(weighed))], comparisons)


def _nothing(a: Tally, b: Tally, compared: int) -> str:
    if not compared:
        return f"Too few sessions to compare: {a.sessions:,} and {b.sessions:,}."
    return f"No shift can be named: chance may explain all that differs in {compared} comparisons."


def _place(line: tuple[Comparison, Found | None]) -> tuple[object, ...]:
    told, found = line
    if found is None or told.p is None:
        return (2, 0.0, told.kind, told.name)
    if told.named:
        return (0, -found.certain, told.kind, told.name)
    return (1, found.p, told.kind, told.name)


def _pairs(a: Tally, b: Tally) -> Iterator[_Pair]:
    """Give all that there is to compare."""
    before = None
    for number, stage in enumerate(a.stages, 1):
        came = [Share(_further(side, number), _further(side, number - 1)) for side in (a, b)]
        yield _Pair(Kind.STEP, stage, came[0], came[1], before)
        before = stage
    for status in (Status.COMPLETED, Status.ERROR):
        ended = [Share(side.statuses[status], side.sessions) for side in (a, b)]
        yield _Pair(Kind.OUTCOME, status, ended[0], ended[1])
    decided_a, decided_b = a.decided.total(), b.decided.total()
    approved = Share(_approved(a), decided_a), Share(_approved(b), decided_b)
    yield _Pair(Kind.OUTCOME, Decision.APPROVED, *approved)
    for given in _frequent(a.decided, b.decided):
        decision, reason = given
        if decision != Decision.APPROVED:
            name = f"{decision} {reason}" if reason else f"{decision} without a reason"
            shares = Share(a.decided[given], decided_a), Share(b.decided[given], decided_b)
            yield _Pair(Kind.REASON, name, *shares)
    for name in _frequent(a.ran, b.ran):
        failed = Share(a.failed[name], a.ran[name]), Share(b.failed[name], b.ran[name])
        yield _Pair(Kind.CHECK, name, *failed)
    took_a, took_b, none = a.took, b.took, Spread()
    lasted = (
        Counter({name: one.number for name, one in took.items()}) for took in (took_a, took_b)
    )
    for name in _frequent(*lasted):
        yield _Pair(Kind.DURATION, name, took_a.get(name, none), took_b.get(name, none))


def _approved(side: Tally) -> int:
    return sum(n for (decision, _), n in side.decided.items() if decision == Decision.APPROVED)


def _further(side: Tally, number: int) -> int:
    """Tell how many came to the stage with this number, or past it; 0: all."""
    return sum(count for reached, count in side.reached.items() if reached >= number)


def _frequent(a: Counter[_T], b: Counter[_T]) -> list[_T]:
    """Give the names that are the most frequent on both sides together."""
    both = a + b
    return sorted(both, key=lambda name: (-both[name], str(name)))[:_MOST_NAMES]


def _compared(pair: _Pair) -> Found | None:
    """Compare; None: there are too few, whatever differs."""
    a, b = pair.a, pair.b
    if isinstance(a, Share) and isinstance(b, Share):
        hits, of = a.hits + b.hits, a.of + b.of
        rare = min(hits, of - hits) < _RAREST
        # By what both have together alone, so that looking for it favours no side.
        return None if rare or min(a.of, b.of) < FEWEST else of_shares(a, b)
    if (
        isinstance(a, Spread)
        and isinstance(b, Spread)
        and min(a.number, b.number) >= FEWEST_DURATIONS
    ):
        return of_spreads(a, b)
    return None


def _told(pair: _Pair, found: Found | None, p: float | None) -> Comparison:
    values = [_value(one) for one in (pair.a, pair.b)]
    a_of, b_of = (one.of if isinstance(one, Share) else one.number for one in (pair.a, pair.b))
    change = (found.change, found.low, found.high) if found else None
    return Comparison(
        kind=pair.kind,
        name=pair.name,
        of=pair.of,
        a=values[0],
        b=values[1],
        a_of=a_of,
        b_of=b_of,
        change=change and change[0],
        low=change and change[1],
        high=change and change[2],
        p=p,
        named=p is not None and p <= ALPHA,
        text=in_words(pair.kind, pair.name, pair.of, values, change),
    )


def _value(one: Share | Spread) -> float | None:
    if isinstance(one, Share):
        return one.value if one.of else None
    return one.typical if one.number else None
