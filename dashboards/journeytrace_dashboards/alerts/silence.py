"""Hardly any sessions, where there used to be some at this hour of the week."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from journeytrace import conventions as names
from journeytrace_dashboards.alerts.model import Alert, Group, Recording, span
from journeytrace_dashboards.alerts.promql import middle, rise
from journeytrace_dashboards.alerts.settings import Settings
from journeytrace_dashboards.alerts.statistics import ALL, PROJECT
from journeytrace_dashboards.alerts.texts import WHO, project_of
from journeytrace_dashboards.uids import JOURNEYS_UID

__all__ = ["silence"]

_S: Final = "journey:sessions"
_PROJECT_ONLY: Final = f'scope="{PROJECT}"'
_FEW: Final = 5
"""Sessions that must be usual in a window, for it to say that silence is over."""


def silence(settings: Settings) -> Group:
    """Give the one alert. Its value is how many sessions there were in the shortest window."""
    # With no collector to count, silence says nothing; that has an alert of its own.
    running = f"count({names.COLLECTOR_BUILD_INFO.name})"
    alert = Alert(
        name="JourneyNoSessions",
        topic="silence",
        severity="critical",
        expr=f"{_S}:told\n  and on ()\n{running}",
        by=("scope", "project"),
        summary=f'{WHO}: {{{{ printf "%.0f" $value }}}} sessions have started in the last'
        " {{ $seconds | humanizeDuration }}; at this hour of the last weeks it was"
        ' {{ printf "%.0f" $usual }}',
        description="Either nobody can reach the form, or its services no longer send. On a public"
        " holiday it may be neither.",
        dashboard=f"{JOURNEYS_UID}?{project_of('$__all')}&from=now-24h&to=now",
        hold=settings.hold,
        keep=settings.keep,
        usual=f"{_S}:usually",
        seconds=f"{_S}:seconds",
    )
    recorded = (*_counted(settings), *_expected(settings), *_judged(settings), *_shown(settings))
    return Group(alert.name, (*recorded, alert))


def _counted(settings: Settings) -> list[Recording]:
    first, *longer = settings.windows
    now = rise(names.SESSIONS_STARTED_TOTAL, first, ("project",))
    found = [Recording(f"{_S}:started", now, _at(first))]
    for window in longer:
        spanned = span(window - timedelta(milliseconds=1))
        parts = f'{_S}:started{{window="{span(first)}"}}[{spanned}:{span(first)}]'
        found.append(Recording(f"{_S}:started", f"sum_over_time({parts})", _at(window)))
    return found


def _at(window: timedelta) -> tuple[tuple[str, str], ...]:
    return (("scope", PROJECT), ("window", span(window)))


def _expected(settings: Settings) -> list[Recording]:
    expected, found = (f"{_S}:{name}{{{_PROJECT_ONLY}}}" for name in ("expected", "found"))
    # Without the worst one, for that has an alert of its own.
    parts = [
        Recording(
            f"{_S}:{name}",
            f"sum by (window) (\n  {series}\n    and\n  {expected}\n    unless\n  {_S}:worst\n)",
            (("scope", ALL),),
        )
        for name, series in (("found", found), ("expected", expected))
    ]
    return [
        Recording(f"{_S}:expected", middle(f"{_S}:calm", settings.weeks)),
        # A counter that is gone counts nothing: a collector may have lost its store.
        Recording(f"{_S}:found", f"{_S}:started\n  or\n{expected} * 0"),
        Recording(f"{_S}:worst", f"topk by (window) (1,\n  {expected} - {found}\n)"),
        *parts,
    ]


def _judged(settings: Settings) -> list[Recording]:
    few = f"{_S}:found < {settings.silence_share:g} * {_S}:expected"
    variance = f"{_S}:expected + {_S}:found + 1 + ({settings.dispersion:g} * {_S}:expected) ^ 2"
    far = f"{_S}:expected - {_S}:found > {settings.silence_deviations:g} * sqrt({variance})"
    back = f"{_S}:found >= 0.5 * {_S}:expected\n  and\n{_S}:expected >= {_FEW}"
    return [
        Recording(f"{_S}:silent", f"{few}\n  and\n({far})"),
        Recording(f"{_S}:back", back),
        # What is silence does not come to be usual.
        Recording(f"{_S}:calm", f"{_S}:found{{{_PROJECT_ONLY}}}\n  unless\n{_S}:silent"),
    ]


def _shown(settings: Settings) -> list[Recording]:
    def at(series: str, number: int) -> str:
        return f'{_S}:{series}{{window="{span(settings.windows[number])}"}}'

    told = []
    for number in range(len(settings.windows)):
        shorter = (f" unless on (scope, project) {at('back', n)}" for n in range(number))
        told.append("(" + at("silent", number) + "".join(shorter) + ")")
    joined = "\n  or on (scope, project)\n"
    seconds = [
        f"{expr} * 0 + {window.total_seconds():g}"
        for expr, window in zip(told, settings.windows, strict=True)
    ]
    usual = [
        f"({at('expected', number)} and on (scope, project, window) {expr})"
        for number, expr in enumerate(told)
    ]
    return [
        Recording(f"{_S}:{name}", f"sum by (scope, project) (\n{joined.join(parts)}\n)")
        for name, parts in (("told", told), ("seconds", seconds), ("usually", usual))
    ]
