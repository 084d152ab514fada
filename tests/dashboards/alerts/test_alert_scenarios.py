"""Days on which rules of an earlier make were wrong, each with the outcome that is right."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import timedelta
from itertools import accumulate
from random import Random
from typing import Any

from journeytrace_dashboards.alerts import Settings

Day = Callable[..., Any]

STEP = 5
SETTINGS = replace(Settings(), interval=timedelta(minutes=STEP))
"""As shipped, but evaluated every fifth minute, so that promtool plays a week in seconds."""

HOUR = 60
DAY = 24 * HOUR

STARTED = 'journey_sessions_started_total{{project="{project}"}}'
BLOCKED = (
    'journey_events_total{{project="{project}",event="IP_RISK_CHECK",source="BE",'
    'stage="PRE_CHECKS",impact="BLOCKED"}}'
)
DECIDED = 'journey_decisions_total{{project="{project}",decision="{decision}",reason=""}}'


def firing(alert: str, **labels: str) -> str:
    """Say that an alert fires."""
    listed = "".join(f',{name}="{value}"' for name, value in labels.items())
    return f'count(ALERTS{{alertname="{alert}",alertstate="firing"{listed}}}) >= bool 1'


def nothing(but: str = "") -> str:
    """Say that no alert fires, or none but some."""
    found = f'count(ALERTS{{alertstate="firing",alertname!~"{but}"}})'
    return f"({found} or vector(0)) == bool 0"


def decide(today: Any, rate: float, *phases: tuple[int, float], project: str = "acme") -> None:
    """Let `rate` decisions be made a minute, of which some share is REJECTED, phase by phase."""
    rejected = ((minutes, rate * share) for minutes, share in phases)
    approved = ((minutes, rate * (1 - share)) for minutes, share in phases)
    today.counts(DECIDED.format(project=project, decision="REJECTED"), *rejected)
    today.counts(DECIDED.format(project=project, decision="APPROVED"), *approved)


def test_fifty_small_projects_that_are_all_blocked_are_told_of_together(day: Day) -> None:
    """No project has the volume to tell in half an hour; all of them have, as one alert."""
    today = day(SETTINGS, only=("JourneyBlockedSpike",))
    for number in range(50):
        project, rate = f"p{number:02}", 50 / 60
        today.counts(STARTED.format(project=project), (28 * HOUR, rate), (3 * HOUR, rate))
        today.counts(BLOCKED.format(project=project), (28 * HOUR, rate * 0.05), (3 * HOUR, rate))
    today.holds(28 * HOUR, nothing())
    for minute in (25, 60, 120, 175):
        today.holds(28 * HOUR + minute, firing("JourneyBlockedSpike", scope="all"))
    today.check()


def test_a_weekday_project_s_outage_on_a_monday_is_told(day: Day) -> None:
    """The day before was a Sunday without any session; weekends and nights are silent."""
    today = day(SETTINGS, only=("JourneyNoSessions",))
    working = ((8 * HOUR, 0.0), (12 * HOUR, 200 / 60), (4 * HOUR, 0.0))
    weekend = ((2 * DAY, 0.0),)
    week = (*working * 5, *weekend)
    today.counts(STARTED.format(project="acme"), *week, *week, (DAY, 0.0))
    for hour in (10, 22, 5 * 24 + 12, 7 * 24 + 3, 7 * 24 + 12, 12 * 24 + 12, 14 * 24 + 7):
        today.holds(hour * HOUR, nothing())
    for hour in (9, 12, 15, 19):
        today.holds((14 * 24 + hour) * HOUR, firing("JourneyNoSessions", project="acme"))
    today.check()


def test_near_silence_is_told_as_long_as_it_lasts(day: Day) -> None:
    """102 sessions in half an hour become 2, for two days, until they are back."""
    today = day(SETTINGS, only=("JourneyNoSessions",))
    phases = ((8 * DAY, 102 / 30), (2 * DAY, 2 / 30), (DAY, 102 / 30))
    today.counts(STARTED.format(project="acme"), *phases)
    today.holds(8 * DAY, nothing())
    for minute in range(45, 2 * DAY, 60):
        today.holds(8 * DAY + minute, firing("JourneyNoSessions", project="acme"))
    today.holds(10 * DAY + 60, nothing())
    today.check()


def test_a_spike_on_the_first_day_does_not_end_itself(day: Day) -> None:
    """Twelve hours of 5 % are all that is known; then it is 60 % for ten hours."""
    today = day(SETTINGS, only=("JourneyRejectedSpike",))
    decide(today, 200 / 60, (12 * HOUR, 0.05), (10 * HOUR, 0.6))
    today.holds(12 * HOUR, nothing())
    for minute in range(45, 10 * HOUR, 30):
        today.holds(12 * HOUR + minute, firing("JourneyRejectedSpike", project="acme"))
    today.check()


def test_a_spike_of_two_days_does_not_end_itself(day: Day) -> None:
    """After a week of 5 % it fires for all 48 hours of 60 %, and is over an hour later."""
    today = day(SETTINGS, only=("JourneyRejectedSpike",))
    decide(today, 200 / 60, (7 * DAY, 0.05), (2 * DAY, 0.6), (5 * HOUR, 0.05))
    today.holds(7 * DAY, nothing())
    for minute in range(30, 2 * DAY, 60):
        today.holds(7 * DAY + minute, firing("JourneyRejectedSpike", project="acme"))
    today.holds(9 * DAY + 65, nothing())
    today.check()


def test_an_incident_does_not_poison_what_is_usual(day: Day) -> None:
    """Six hours of 60 % five days ago; now 34 % instead of 5 % are told."""
    today = day(SETTINGS, only=("JourneyRejectedSpike",))
    before = ((2 * DAY, 0.05), (6 * HOUR, 0.6), (5 * DAY - 6 * HOUR, 0.05))
    decide(today, 200 / 60, *before, (3 * HOUR, 0.34))
    today.holds(7 * DAY, nothing())
    for minute in range(45, 3 * HOUR, 15):
        today.holds(7 * DAY + minute, firing("JourneyRejectedSpike", project="acme"))
    today.check()


def test_three_ordinary_days_of_six_projects_are_silent(day: Day) -> None:
    """0.1 blocked a session by chance alone, 2,000 sessions an hour by day and 70 by night."""
    today = day(
        SETTINGS, only=("JourneyBlockedSpike", "JourneyBlockedEventSpike", "JourneyNoSessions")
    )
    dice = Random(1)

    def drawn(rates: Iterable[float]) -> list[float]:
        return list(accumulate((_poisson(dice, rate) for rate in rates), initial=0.0))

    steps = range(3 * DAY // STEP)
    sessions = [
        (2000 if 7 * HOUR <= step * STEP % DAY < 22 * HOUR else 70) * STEP / HOUR for step in steps
    ]
    for number in range(6):
        project = f"p{number}"
        today.reaches(STARTED.format(project=project), drawn(sessions))
        today.reaches(BLOCKED.format(project=project), drawn(rate * 0.1 for rate in sessions))
    for minute in range(0, 3 * DAY, STEP):
        today.holds(minute, nothing())
    today.check()


def _poisson(dice: Random, mean: float) -> int:
    limit, count, product = math.exp(-mean), 0, dice.random()
    while product > limit:
        count += 1
        product *= dice.random()
    return count
