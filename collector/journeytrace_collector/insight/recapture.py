"""How many there are of what two imperfect counts have seen: Chapman's estimate and an interval.

Both counts are of the same sessions, and whether one sees a session tells nothing of whether the
other does. Then the share of the second count that the first has seen, too, is the share that the
first has seen of all. What neither saw follows from that.
"""

from __future__ import annotations

from collections.abc import Callable
from math import ceil, exp, floor, lgamma, sqrt
from typing import Final, NamedTuple

__all__ = ["Cells", "Size", "chapman", "odds", "share"]

_Z: Final = 1.959964
"""Of 95 %."""
_TAIL: Final = 0.025
_MANY: Final = 200
"""From so many on in each cell that is not both, the two intervals are the same, and the second one
costs nothing."""
_SMALL: Final = 1e-15
"""A probability that adds nothing any more."""
_MOST: Final = 1_000
"""What is more often as many as were seen is no answer."""


class Cells(NamedTuple):
    """Sessions by which side saw what they did."""

    both: int = 0
    screen: int = 0
    """Only the screen."""
    server: int = 0
    """Only the server."""
    neither: int = 0
    """Neither, though they are known by something else."""

    @property
    def seen(self) -> int:
        """How many at least one side saw."""
        return self.both + self.screen + self.server

    def __add__(self, other: object) -> Cells:
        if not isinstance(other, Cells):
            return NotImplemented
        return Cells(*(a + b for a, b in zip(self, other, strict=True)))


class Size(NamedTuple):
    """How many there are."""

    estimate: float
    low: float
    high: float | None
    """The 95 % interval; None: without end."""


def chapman(cells: Cells) -> Size:
    """Estimate the size of the population, whose `neither` is not used.

    The interval holds every size at which so few, or so many, seen by both are no surprise: that
    is the exact test of Fisher with the middle of its probability (mid-p). Where nobody was seen,
    the answer is nobody.
    """
    both = cells.both
    # Rounding, too, shall know no order of sides.
    screen, server = sorted((cells.screen, cells.server))
    if not cells.seen:
        return Size(0.0, 0.0, 0.0)
    first, second = both + screen, both + server
    estimate = (first + 1) * (second + 1) / (both + 1) - 1
    if min(screen, server) > _MANY:
        return Size(estimate, *_by_logit(cells))
    below = _below(first, second, both)
    low = _first(cells.seen, lambda size: below(size) >= _TAIL)
    high = _first(cells.seen, lambda size: below(size) >= 1 - _TAIL)
    if low is None or high is None:
        return Size(estimate, float(cells.seen), None)
    # The first that is a surprise is outside, unless it is all there is.
    return Size(estimate, float(low), float(max(high - 1, cells.seen)))


def _below(first: int, second: int, both: int) -> Callable[[int], float]:
    """Give the probability of fewer seen by both, and half that of as many, by the whole size."""

    def below(size: int) -> float:
        ways = _ways(first, both) + _ways(size - first, second - both) - _ways(size, second)
        part = exp(ways)
        # From where it is away from what is likely, so that each further part is smaller.
        if both * size > first * second:
            return 1 - _tail(part, first, second, size, both)
        # Fewer by both is more by the first and not by the second.
        return _tail(part, first, size - second, size, first - both)

    return below


def _tail(part: float, first: int, second: int, size: int, both: int) -> float:
    """Give the probability of more seen by both, and half that of as many, which is `part`."""
    total, most = part / 2, min(first, second)
    while both < most and part > _SMALL:
        part *= (first - both) * (second - both)
        both += 1
        part /= both * (size - first - second + both)
        total += part
    return total


def _ways(of: int, chosen: int) -> float:
    return lgamma(of + 1) - lgamma(chosen + 1) - lgamma(of - chosen + 1)


def _first(least: int, holds: Callable[[int], bool]) -> int | None:
    """Give the first size from `least` on of which it holds, as of all greater ones."""
    if holds(least):
        return least
    step = 1
    while not holds(least + step):
        step *= 2
        if step > (least + 1) * _MOST:
            return None
    wrong, right = least + step // 2, least + step
    while right - wrong > 1:
        middle = (wrong + right) // 2
        wrong, right = (wrong, middle) if holds(middle) else (middle, right)
    return right


def _by_logit(cells: Cells) -> tuple[float, float]:
    """Give the interval of Sadinle (2009), for what is too many to be counted out."""
    both, screen, server = cells.both + 0.5, cells.screen + 0.5, cells.server + 0.5
    missed = screen * server / both
    spread = exp(_Z * sqrt(1 / both + 1 / screen + 1 / server + both / (screen * server)))
    seen = cells.seen - 0.5
    return floor(seen + missed / spread), ceil(seen + missed * spread)


def odds(cells: Cells) -> tuple[float, float]:
    """Give by how much likelier one side sees what the other saw, and how little chance that is.

    The first is the odds ratio, 1 where the two have nothing to do with each other. The second is
    how likely chance alone would give less than that, 0 to 1 (mid-p of Fisher's exact test).
    `neither` has to be all of them.
    """
    both, screen, server, neither = cells
    ratio = (both + 0.5) * (neither + 0.5) / ((screen + 0.5) * (server + 0.5))
    return ratio, _below(both + screen, both + server, both)(cells.seen + neither)


def share(part: int, whole: int) -> tuple[float, float, float] | None:
    """Give a share with its 95 % interval (Wilson), 0 to 1; None: of nobody."""
    if not whole:
        return None
    square = _Z * _Z
    middle = (part + square / 2) / (whole + square)
    reach = _Z * sqrt(part * (whole - part) / whole + square / 4) / (whole + square)
    return part / whole, max(0.0, middle - reach), min(1.0, middle + reach)
