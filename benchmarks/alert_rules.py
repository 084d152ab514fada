"""The alerts' rules in numpy: the same arithmetic that Prometheus does, for many projects at once.

`tests/dashboards/alerts/test_alert_port.py` holds it equal to a real Prometheus. One step is one
evaluation; series are rows, and each belongs to a project.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from journeytrace_dashboards.alerts.settings import Settings

__all__ = ["Spikes", "held", "silence", "spikes"]

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class Spikes:
    """What the rules record, by window (where there is one), series and step."""

    usual: Floats
    """NaN: nobody knows."""
    limit: Floats
    told: Bools
    everywhere: Bools
    """The same for all projects but the worst, by kind and step."""


def rolled(counts: Floats, settings: Settings) -> Floats:
    """Count in each window: the first to the step, the longer ones in whole parts of the first."""
    part = settings.windows[0] // settings.interval
    total = np.concatenate([np.zeros((len(counts), 1)), np.cumsum(counts, axis=1)], axis=1)
    steps = np.arange(counts.shape[1])
    first = total[:, steps + 1] - total[:, np.maximum(steps + 1 - part, 0)]
    found = [first]
    for window in settings.windows[1:]:
        # A subquery looks at round times alone: the last of them, and so many before.
        last = steps // part * part
        before = last - window // settings.windows[0] * part
        found.append(
            total[:, last + 1] - np.where(before < 0, 0, total[:, np.maximum(before, 0) + 1])
        )
    return np.stack(found)


def spikes(found: Floats, of: Floats, once: Bools, projects: int, settings: Settings) -> Spikes:
    """Judge series (rows) of counts a step: those of all projects of one kind, then of the next.

    `once` says of each series whether one can be in trouble only once.
    """
    k, n = rolled(found, settings), rolled(of, settings)
    rows, steps = found.shape
    per = settings.step // settings.interval
    hours = -(-steps // per)
    gap, back = settings.gap // settings.step, settings.baseline // settings.step
    calm = np.full((rows, hours), np.nan)
    hour = np.full((rows, steps), np.nan)
    usual = np.full((rows, steps), np.nan)
    limit = np.full(k.shape, np.nan)
    kinds = rows // projects
    told, everywhere = np.zeros((rows, steps), bool), np.zeros((kinds, steps), bool)
    lags = [(season - settings.windows[1] / 2) // settings.interval for season in settings.seasons]
    for at in range(hours):
        now = slice(at * per, min(steps, (at + 1) * per))
        past = calm[:, max(0, at - gap - back) : max(0, at - gap + 1)]
        known = (~np.isnan(past)).sum(axis=1)
        week = np.where(known >= settings.history // settings.step, _medians(past), np.nan)
        usual[:, now] = _largest(week, [_shifted(hour, now, lag) for lag in lags])
        kk, nn, u = k[:, :, now], n[:, :, now], usual[:, now]
        e = nn * u
        limits, over, over_back = _judge(kk, nn, e, once[:, None], settings)
        limit[:, :, now] = limits
        told[:, now] = _shortest(over, over_back)
        apart = (len(kk), kinds, projects, -1)
        excess, known_e = (kk - e).reshape(apart), e.reshape(apart)
        k_all, n_all, e_all = (_rest(part.reshape(apart), excess, known_e) for part in (kk, nn, e))
        first = once.reshape(kinds, projects)[:, :1]
        _, over_all, back_all = _judge(k_all, n_all, e_all, first, settings)
        everywhere[:, now] = _shortest(over_all, back_all)
        spike = over.any(axis=0) | np.repeat(over_all.any(axis=0), projects, axis=0)
        spike &= (known >= settings.trusted // settings.step)[:, None]
        with np.errstate(divide="ignore", invalid="ignore"):
            day = np.where(nn[-1] >= settings.volume, kk[-1] / nn[-1], np.nan)
            some = np.where(nn[1] >= settings.volume * 2, kk[1] / nn[1], np.nan)
        calm[:, at] = np.where(spike[:, 0], np.nan, day[:, 0])
        hour[:, now] = np.where(spike, np.nan, some)
    return Spikes(usual, limit, told, everywhere)


def _judge(
    k: Floats, n: Floats, e: Floats, once: Bools, settings: Settings
) -> tuple[Floats, Bools, Bools]:
    with np.errstate(divide="ignore", invalid="ignore"):
        v = np.where(once, np.maximum(e - e**2 / n, 0), settings.clumping * e)
        spread = np.sqrt(v + 1 + (settings.dispersion * v) ** 2)
        limit = e + settings.deviations * spread + settings.margin * n
        enough = n >= settings.volume
        over = (k > limit) & enough & (k >= settings.least)
        return limit, over, (k <= e + np.sqrt(v + 1)) & enough


def _shortest(over: Bools, back: Bools) -> Bools:
    """Take a window where no shorter one says that it is over."""
    told: Bools = over[0].copy()
    ended = back[0].copy()
    for longer in range(1, len(over)):
        told |= over[longer] & ~ended
        ended |= back[longer]
    return told


def _rest(values: Floats, excess: Floats, expected: Floats) -> Floats:
    """Sum over the projects (last but one) whose usual is known, without the one that is worst."""
    known = ~np.isnan(expected)
    worst = np.where(known, excess, -np.inf).argmax(axis=-2, keepdims=True)
    counted = np.where(known, values, 0)
    rest: Floats = counted.sum(axis=-2) - np.take_along_axis(counted, worst, axis=-2)[..., 0, :]
    return rest


def _medians(past: Floats) -> Floats:
    """Give each row's median of what is not NaN; much faster than numpy's own."""
    known = (~np.isnan(past)).sum(axis=1)
    if not past.shape[1]:
        return np.full(len(past), np.nan)
    # NaN is sorted to the end.
    ordered = np.sort(past, axis=1)
    rows, last = np.arange(len(past)), np.maximum(known - 1, 0)
    middle: Floats = (ordered[rows, last // 2] + ordered[rows, (last + 1) // 2]) / 2
    return middle


def _shifted(values: Floats, now: slice, lag: int) -> Floats:
    shifted = np.full((len(values), now.stop - now.start), np.nan)
    begin = max(0, lag - now.start)
    if begin < shifted.shape[1]:
        shifted[:, begin:] = values[:, now.start + begin - lag : now.stop - lag]
    return shifted


def _largest(week: Floats, seasons: list[Floats]) -> Floats:
    base = np.repeat(week[:, None], seasons[0].shape[1], axis=1)
    stacked = np.stack(seasons)
    then = _medians(stacked.reshape(len(seasons), -1).T).reshape(base.shape)
    # No week, no usual, whatever a day says.
    return np.where(then > base, then, base)


def silence(started: Floats, settings: Settings) -> tuple[Bools, Bools]:
    """Judge sessions a step by project (rows): silent alone, and silent everywhere."""
    n = rolled(started, settings)
    calm = np.full(n.shape, np.nan)
    steps = n.shape[2]
    block = min(settings.weeks) // settings.interval
    alone, everywhere = np.zeros(n.shape[1:], bool), np.zeros(steps, bool)
    # The nearest week is far enough back to judge all until then at a time.
    for begin in range(0, steps, block):
        now = slice(begin, min(steps, begin + block))
        then = np.stack(
            [
                np.stack([_shifted(window, now, week // settings.interval) for window in calm])
                for week in settings.weeks
            ]
        )
        e = _medians(then.reshape(len(then), -1).T).reshape(then.shape[1:])
        few, back = _few(n[:, :, now], e, settings)
        calm[:, :, now] = np.where(few, np.nan, n[:, :, now])
        alone[:, now] = _shortest(few, back)
        nn, ee = (_rest(part, e - n[:, :, now], e) for part in (n[:, :, now], e))
        everywhere[now] = _shortest(*_few(nn, ee, settings))
    return alone, everywhere


def _few(n: Floats, e: Floats, settings: Settings) -> tuple[Bools, Bools]:
    with np.errstate(invalid="ignore"):
        spread = np.sqrt(e + n + 1 + (settings.dispersion * e) ** 2)
        few = (n < settings.silence_share * e) & (e - n > settings.silence_deviations * spread)
        return few, (n >= 0.5 * e) & (e >= 5)


def held(condition: Bools, settings: Settings) -> tuple[NDArray[np.int_], Bools]:
    """Give how many times each row is told, and when: held for so long, and kept so long after."""
    hold, keep = settings.hold // settings.interval, settings.keep // settings.interval
    rows, steps = condition.shape
    lasted, left = np.zeros(rows, int), np.zeros(rows, int)
    firing, times = np.zeros(rows, bool), np.zeros(rows, int)
    shown = np.zeros(condition.shape, bool)
    for step in range(steps):
        now = condition[:, step]
        lasted = np.where(now, lasted + 1, 0)
        left = np.where(now, keep, left - 1)
        begins = ~firing & (lasted > hold)
        times += begins
        firing = begins | (firing & (now | (left > 0)))
        shown[:, step] = firing
    return times, shown
