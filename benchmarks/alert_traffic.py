"""Made-up traffic of an installation: day and week, weekdays alone, bursts, and users who retry."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import numpy as np
from numpy.typing import NDArray

from journeytrace_dashboards.alerts.settings import Settings

__all__ = ["KINDS", "Installation", "Kind", "traffic"]


@dataclass(frozen=True)
class Kind:
    """One kind of trouble, as the rules watch it."""

    name: str
    share: float
    """Of what can be in trouble, in all its series of a project together."""
    series: int
    """Into how many series a project's trouble falls."""
    once: bool


KINDS: Final = (
    Kind("JourneyBlockedSpike", 0.10, 1, once=False),
    Kind("JourneyBlockedEventSpike", 0.10, 6, once=False),
    Kind("JourneyRejectedSpike", 0.06, 1, once=True),
    Kind("JourneyRejectedReasonSpike", 0.06, 6, once=True),
    Kind("JourneyDropOffSpike", 0.30, 6, once=False),
    Kind("JourneyErrorSpike", 0.02, 1, once=True),
    Kind("JourneyPendingSpike", 0.08, 1, once=True),
    Kind("JourneyRetakeSpike", 0.40, 1, once=False),
    Kind("JourneyUndecidedSpike", 0.30, 1, once=False),
)


@dataclass(frozen=True)
class Installation:
    """Counts a step: of sessions by project, and of each kind's troubles by series."""

    sessions: NDArray[np.float64]
    found: NDArray[np.float64]
    """All projects of one series, then of the next."""
    once: NDArray[np.bool_]
    names: tuple[str, ...]
    """Of the alert, by series."""


def traffic(
    projects: int, days: int, *, rough: bool, seed: int, settings: Settings
) -> Installation:
    """Draw it.

    Volumes lie between 2 and 5,000 sessions an hour at noon, few of them large. Every other project
    has a tenth of it at night, and every fourth no weekend. `rough`: the rate of sessions and each
    share go up and down from hour to hour besides, and one user in trouble may count often.
    """
    dice = np.random.default_rng(seed)
    steps = timedelta(days=days) // settings.interval
    per_hour = timedelta(hours=1) // settings.interval
    hour = np.arange(steps) / per_hour
    peak = np.exp(dice.uniform(np.log(2), np.log(5000), projects)) / per_hour
    night = np.where(np.arange(projects) % 2, 0.1, 0.5)[:, None]
    shape = night + (1 - night) * np.clip(np.sin((hour % 24 - 6) / 24 * 2 * np.pi), 0, None)
    resting = (np.arange(projects) % 4 == 3)[:, None] & (hour // 24 % 7 >= 5)
    rate = peak[:, None] * shape * np.where(resting, 0.0, 1.0)
    if rough:
        rate = rate * _wander(dice, projects, steps, per_hour, 0.25)
    sessions = dice.poisson(rate).astype(float)
    rows, once, names = [], [], []
    for kind in KINDS:
        parts = dice.dirichlet(np.ones(kind.series) * 2, projects) * kind.share
        # A rhythm of the share itself: more at night.
        tilt = 1 + 0.3 * np.cos(hour % 24 / 24 * 2 * np.pi)
        for one in range(kind.series):
            share = np.clip(parts[:, one : one + 1] * tilt, 0, 0.95)
            if rough:
                share = np.clip(share * _wander(dice, projects, steps, per_hour, 0.1), 0, 0.95)
            rows.append(_troubles(dice, sessions, share, once=kind.once, rough=rough))
            once.append(np.full(projects, kind.once))
            names += [kind.name] * projects
    return Installation(
        sessions,
        np.concatenate(rows),
        np.concatenate(once),
        tuple(names),
    )


def _troubles(
    dice: np.random.Generator,
    sessions: NDArray[np.float64],
    share: NDArray[np.float64],
    *,
    once: bool,
    rough: bool,
) -> NDArray[np.float64]:
    if once:
        return dice.binomial(sessions.astype(int), share).astype(float)
    if not rough:
        return dice.poisson(sessions * share).astype(float)
    # Half of them suffer once, a quarter three times: variance 1.6 of a Poisson's.
    alone = dice.poisson(sessions * share * 0.7)
    thrice = dice.poisson(sessions * share * 0.1)
    found: NDArray[np.float64] = (alone + 3 * thrice).astype(float)
    return found


def _wander(
    dice: np.random.Generator, rows: int, steps: int, per_hour: int, size: float
) -> NDArray[np.float64]:
    """Give factors around 1 that stay alike for about an hour; `size` is their deviation."""
    hours = -(-steps // per_hour) + 1
    points = dice.gamma(1 / size**2, size**2, (rows, hours))
    at = np.arange(steps) / per_hour
    left = at.astype(int)
    part = at - left
    factors: NDArray[np.float64] = points[:, left] * (1 - part) + points[:, left + 1] * part
    return factors
