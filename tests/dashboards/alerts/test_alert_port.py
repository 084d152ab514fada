"""The rules as the simulation has them, held equal to what a real Prometheus makes of the files."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import numpy as np
from benchmarks.alert_rules import silence, spikes

from journeytrace_dashboards.alerts import Settings
from journeytrace_dashboards.alerts.model import span

Day = Callable[..., Any]

STEP = 10
SETTINGS = replace(
    Settings(),
    interval=timedelta(minutes=STEP),
    seasons=(timedelta(hours=12), timedelta(days=1)),
    weeks=(timedelta(days=1), timedelta(days=2)),
)
STEPS = 60 * 60 // STEP
PROJECTS = ("big", "middling", "small")


def near(series: str, value: float) -> str:
    """Say that a series has this value; NaN: that there is no such series."""
    if np.isnan(value):
        return f"sum(absent({series})) == bool 1"
    return f"sum(abs({series} - {float(value)!r}) < bool 1e-6)"


def told(series: str, labels: str, shown: bool) -> str:
    """Say whether a condition holds, which is what an alert waits for."""
    return f"(count({series}:told{{{labels}}}) or vector(0)) == bool {int(shown)}"


def test_spikes_are_judged_as_prometheus_judges_them(day: Day) -> None:
    """What is usual, each limit and what is told, over two days and a half with a spike in them."""
    dice = np.random.default_rng(5)
    rate = np.array([[100.0], [12.0], [2.0]])
    of = dice.poisson(rate, (3, STEPS)).astype(float)
    share = np.full((3, STEPS), 0.1)
    share[:, 48 * 6 : 54 * 6] = 0.6
    of[:, 0] = 0
    found = dice.binomial(of.astype(int), share).astype(float)
    judged = spikes(found, of, np.ones(3, bool), 3, SETTINGS)
    alone, everywhere = judged.told, judged.everywhere
    assert alone.any(axis=1).all()
    assert everywhere.any()
    today = day(SETTINGS, only=("JourneyRejectedSpike",))
    for number, project in enumerate(PROJECTS):
        series = f'journey_decisions_total{{project="{project}",reason="",decision='
        today.reaches(f'{series}"REJECTED"}}', np.cumsum(found[number]))
        today.reaches(f'{series}"APPROVED"}}', np.cumsum(of[number] - found[number]))
    for step in range(5, STEPS, 7):
        minute = int(step * STEP)
        scope = 'scope="all"'
        today.holds(minute, told("journey:rejected", scope, everywhere[0, step]))
        for number, project in enumerate(PROJECTS):
            at = f'project="{project}"'
            usual = near(f"journey:rejected:usual{{{at}}}", judged.usual[number, step])
            today.holds(minute, usual)
            today.holds(minute, told("journey:rejected", at, alone[number, step]))
            for which, window in enumerate(SETTINGS.windows):
                series = f'journey:rejected:limit{{{at},window="{span(window)}"}}'
                today.holds(minute, near(series, judged.limit[which, number, step]))
    today.check()


def test_silence_is_judged_as_prometheus_judges_it(day: Day) -> None:
    """What is told of each project and of all together, over days with two outages in them."""
    dice = np.random.default_rng(6)
    started = dice.poisson(np.array([[100.0], [40.0], [6.0]]), (3, STEPS)).astype(float)
    started[:, 0] = 0
    started[:, 28 * 6 : 34 * 6] *= dice.random((3, 36)) < 0.02
    # A day later, when what was silent must not count as usual: an eighth is silence again.
    later = slice(52 * 6, 58 * 6)
    started[:, later] = dice.binomial(started[:, later].astype(int), 0.125)
    started[2, later] = 0
    alone, everywhere = silence(started, SETTINGS)
    assert alone.any(axis=1).all()
    assert everywhere.any()
    today = day(SETTINGS, only=("JourneyNoSessions",))
    for number, project in enumerate(PROJECTS):
        series = f'journey_sessions_started_total{{project="{project}"}}'
        today.reaches(series, np.cumsum(started[number]))
    for step in range(5, STEPS, 3):
        minute = int(step * STEP)
        today.holds(minute, told("journey:sessions", 'scope="all"', everywhere[step]))
        for number, project in enumerate(PROJECTS):
            at = f'project="{project}"'
            today.holds(minute, told("journey:sessions", at, alone[number, step]))
    today.check()
