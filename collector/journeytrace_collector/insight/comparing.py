"""Two samples compared: how large a difference is, and whether chance explains it. Pure.

* Shares of sessions: Newcombe's interval for the difference of two shares, made of Wilson's, and
  Fisher's exact test, twice its smaller tail: both hold for rare events and for unequal samples.
* Durations: Welch's interval and test of the means of their logarithms, which is a ratio of typical
  durations: they spread over orders of magnitude, and a few endless ones decide nothing.
* Many comparisons at once: Holm's correction, with weights. The chance that anything is named where
  nothing differs is at most `ALPHA`, however the comparisons depend on each other.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import asin, exp, lgamma, log, sqrt
from statistics import NormalDist
from typing import Final, NamedTuple

__all__ = ["ALPHA", "Found", "Share", "Spread", "holm", "of_shares", "of_spreads", "wilson"]

ALPHA: Final = 0.05
"""The chance at most that something is named where nothing differs."""

_NORMAL: Final = NormalDist()
_Z: Final = _NORMAL.inv_cdf(0.975)
_NEGLIGIBLE: Final = 1e-12


class Share(NamedTuple):
    """So many of so many sessions."""

    hits: int
    of: int

    @property
    def value(self) -> float:
        """The share, 0 to 1; of none it is 0."""
        return self.hits / self.of if self.of else 0.0


class Spread(NamedTuple):
    """Durations, as sums of their logarithms."""

    number: int = 0
    total: float = 0.0
    squares: float = 0.0

    @property
    def typical(self) -> float:
        """The geometric mean: half as long is as far from it as twice as long. At least one."""
        return exp(self.total / self.number)

    @property
    def variance(self) -> float:
        """Of the logarithms. At least two."""
        centred = self.squares - self.total * self.total / self.number
        return max(centred, 0.0) / (self.number - 1)


class Found(NamedTuple):
    """What comparing b with a gives."""

    change: float
    """Of shares b - a, of durations b / a."""
    low: float
    high: float
    """The 95 % interval of the change, for itself alone."""
    p: float
    """How often chance alone gives so much or more, if nothing differs; for itself alone."""
    certain: float
    """How large the effect is at least, in standard deviations, by its 95 % interval: so that
    shares and durations, and large and small samples, can be put in one order. 0: maybe none."""


def wilson(share: Share) -> tuple[float, float]:
    """Give the 95 % interval of a share; of no sessions it says nothing: 0 to 1."""
    if not share.of:
        return 0.0, 1.0
    n, p, zz = share.of, share.value, _Z * _Z
    middle, half = p + zz / (2 * n), _Z * sqrt(p * (1 - p) / n + zz / (4 * n * n))
    return max(0.0, (middle - half) / (1 + zz / n)), min(1.0, (middle + half) / (1 + zz / n))


def of_shares(a: Share, b: Share) -> Found:
    """Compare two shares, each of at least one session."""
    change = b.value - a.value
    (a_low, a_high), (b_low, b_high) = wilson(a), wilson(b)
    low = change - sqrt((b.value - b_low) ** 2 + (a_high - a.value) ** 2)
    high = change + sqrt((b_high - b.value) ** 2 + (a.value - a_low) ** 2)
    apart = abs(2 * asin(sqrt(b.value)) - 2 * asin(sqrt(a.value)))
    certain = max(0.0, apart - _Z * sqrt(1 / a.of + 1 / b.of))
    return Found(change, low, high, _exact(a, b), certain)


def _exact(a: Share, b: Share) -> float:
    """Give Fisher's p: twice the chance of as many hits in a or more, or as few or fewer."""
    hits, of = a.hits + b.hits, a.of + b.of
    first, last = max(0, hits - b.of), min(hits, a.of)
    # From what was found away from what was to be expected: that tail is the smaller one.
    step = 1 if a.hits * of >= hits * a.of else -1
    term = exp(
        _choose(a.of, a.hits) + _choose(b.of, b.hits) - _choose(of, hits),
    )
    total, x = term, a.hits
    while first <= x + step <= last:
        if step > 0:
            term *= (hits - x) * (a.of - x) / ((x + 1) * (b.of - hits + x + 1))
        else:
            term *= x * (b.of - hits + x) / ((hits - x + 1) * (a.of - x + 1))
        x += step
        total += term
        if term < total * _NEGLIGIBLE:
            break
    return min(1.0, 2 * total)


def _choose(n: int, k: int) -> float:
    return lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1)


def of_spreads(a: Spread, b: Spread) -> Found:
    """Compare durations, at least two on each side."""
    a_part, b_part = a.variance / a.number, b.variance / b.number
    shift, error = b.total / b.number - a.total / a.number, sqrt(a_part + b_part)
    if error < _NEGLIGIBLE:
        # All alike on each side.
        differs = abs(shift) > _NEGLIGIBLE
        return Found(exp(shift), exp(shift), exp(shift), float(not differs), float(differs))
    freedom = (a_part + b_part) ** 2 / (a_part**2 / (a.number - 1) + b_part**2 / (b.number - 1))
    # Wallace's approximation of Student's distribution by the normal one, both ways.
    scale = (8 * freedom + 1) / (8 * freedom + 3)
    z = scale * sqrt(freedom * log(1 + (shift / error) ** 2 / freedom))
    t = sqrt(freedom * (exp((_Z / scale) ** 2 / freedom) - 1))
    pooled = sqrt((a.variance + b.variance) / 2)
    certain = max(0.0, abs(shift) / pooled - _Z * sqrt(1 / a.number + 1 / b.number))
    low, high = exp(shift - t * error), exp(shift + t * error)
    return Found(exp(shift), low, high, 2 * _NORMAL.cdf(-z), certain)


def holm(found: Sequence[tuple[float, float]]) -> list[float]:
    """Correct for comparing so much at once: p and weight of each → p of each, corrected.

    Whatever is `ALPHA` at most may be named. The heavier a weight, above 0, the more of that chance
    is kept for it.
    """
    order = sorted(range(len(found)), key=lambda n: found[n][0] / found[n][1])
    left, least = sum(weight for _, weight in found), 0.0
    corrected = [1.0] * len(found)
    for n in order:
        p, weight = found[n]
        least = max(least, min(1.0, p * left / weight))
        corrected[n] = least
        left -= weight
    return corrected
