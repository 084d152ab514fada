"""When a number of troubles is more than chance and habit explain; docs/alerts.md says why so.

Each kind of trouble has a few recorded series of its own name, with a label for the `window` and
one for the `scope`: a project alone, or all of them but the one that is worst.

- ``found`` and ``of``: troubles, and what they are a share of.
- ``usual``: the share of the last week, and of this hour of the days before.
- ``expected``: troubles that would be usual; ``limit``: more of them than this are a spike.
- ``over``: the share, where it is one; ``told``: the same of the shortest window, while it lasts,
  and ``seconds`` is how long that window is.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from journeytrace_dashboards.alerts.model import Recording, span
from journeytrace_dashboards.alerts.promql import middle
from journeytrace_dashboards.alerts.settings import Settings

__all__ = ["ALL", "PROJECT", "Trouble", "recordings"]

ALL: Final = "all"
PROJECT: Final = "project"
_A_WEEK: Final = timedelta(days=7)
_RHYTHM: Final = 2
"""So many times the volume it takes for one hour of one day to say what is usual then."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """Something that happens to some of many."""

    series: str
    """What the names of its recorded series begin with."""
    by: tuple[str, ...]
    """Labels that tell one from the other; the project is among them."""
    found: str
    """How many there were in the first window."""
    of: str
    """Of how many, with the same labels."""
    once: bool
    """Whether each of those can be in trouble only once: then it is a share, up to 1."""


def recordings(trouble: Trouble, settings: Settings) -> tuple[Recording, ...]:
    """Give what has to be recorded for it, in order."""
    return (
        *_counted(trouble, settings),
        *_usual(trouble, settings),
        *_expected(trouble),
        *_judged(trouble, settings),
        *_remembered(trouble, settings),
        *_shown(trouble, settings),
    )


def _counted(trouble: Trouble, settings: Settings) -> list[Recording]:
    first, *longer = settings.windows
    found = []
    for name, expr in (("found", trouble.found), ("of", trouble.of)):
        series = f"{trouble.series}:{name}"
        at = (("scope", PROJECT), ("window", span(first)))
        found.append(Recording(series, expr, at))
        for window in longer:
            # A moment less than the window, or at some moments one part too many is within.
            spanned = span(window - timedelta(milliseconds=1))
            parts = f"{_at(series, PROJECT, first)}[{spanned}:{span(first)}]"
            at = (("scope", PROJECT), ("window", span(window)))
            found.append(Recording(series, f"sum_over_time({parts})", at))
    return found


def _usual(trouble: Trouble, settings: Settings) -> list[Recording]:
    s = trouble.series
    week = f"{s}:calm[{span(settings.baseline)}:{span(settings.step)}] offset {span(settings.gap)}"
    samples = max(1, round(settings.history / settings.step))
    found = [
        Recording(f"{s}:known", f"count_over_time({week})"),
        Recording(f"{s}:week", f"quantile_over_time(0.5, {week})\n  and\n{s}:known >= {samples}"),
    ]
    if not settings.seasons:
        return [*found, Recording(f"{s}:usual", f"{s}:week")]
    half = _hours(settings) / 2
    then = middle(f"{s}:hour", tuple(season - half for season in settings.seasons))
    # The greater of the two: who is often in trouble at this hour is not in more than usual.
    larger = f"({s}:season > {s}:week)\n  or\n{s}:week"
    return [*found, Recording(f"{s}:season", then), Recording(f"{s}:usual", larger)]


def _expected(trouble: Trouble) -> list[Recording]:
    s, by = trouble.series, ", ".join(trouble.by)
    rest = ", ".join([*_rest(trouble), "window"])
    project, whole = (("scope", PROJECT),), (("scope", ALL),)
    usual = f"{_at(f'{s}:of', PROJECT)}\n  * on ({by}) group_left ()\n{s}:usual"
    # Each project has its own usual, so a change in their mix is no spike. Without the worst one,
    # for that has an alert of its own.
    worst = f"{_at(f'{s}:found', PROJECT)} - {_at(f'{s}:expected', PROJECT)}"
    parts = [
        Recording(
            f"{s}:{name}",
            f"sum by ({rest}) (\n  {_at(f'{s}:{name}', PROJECT)}"
            f"\n    and\n  {_at(f'{s}:expected', PROJECT)}\n    unless\n  {s}:worst\n)",
            whole,
        )
        for name in ("found", "of", "expected")
    ]
    return [
        Recording(f"{s}:expected", usual, project),
        Recording(f"{s}:worst", f"topk by ({rest}) (1,\n  {worst}\n)"),
        *parts,
    ]


def _judged(trouble: Trouble, settings: Settings) -> list[Recording]:
    s = trouble.series
    once = f"{s}:expected - {s}:expected ^ 2 / {s}:of"
    # Binomial where one can be in trouble only once; more than Poisson where users try again.
    often = f"{settings.clumping:g} * {s}:expected"
    variance = f"clamp_min({once}, 0)" if trouble.once else often
    limit = (
        f"{s}:expected\n  + {settings.deviations:g}"
        f" * sqrt({s}:variance + 1 + ({settings.dispersion:g} * {s}:variance) ^ 2)"
        f"\n  + {settings.margin:g} * {s}:of"
    )
    over = (
        f"{s}:found / {s}:of\n  and\n{s}:found > {s}:limit\n  and\n"
        f"{s}:found >= {settings.least}\n  and\n{s}:of >= {settings.volume}"
    )
    # What is back where it usually is, and of enough to say so, is over whatever came before.
    back = f"{s}:found <= {s}:expected + sqrt({s}:variance + 1)\n  and\n{s}:of >= {settings.volume}"
    return [
        Recording(f"{s}:variance", variance),
        Recording(f"{s}:limit", limit),
        Recording(f"{s}:over", over),
        Recording(f"{s}:back", back),
    ]


def _remembered(trouble: Trouble, settings: Settings) -> list[Recording]:
    """Keep what is no spike: what comes to be usual. A young baseline keeps all."""
    s, by, rest = trouble.series, ", ".join(trouble.by), ", ".join(_rest(trouble))
    trusted = f"{s}:known >= {max(1, round(settings.trusted / settings.step))}"
    spike = (
        f"({trusted} and on ({by}) {_at(f'{s}:over', PROJECT)})"
        f"\n    or\n  ({trusted} and on ({rest}) {_at(f'{s}:over', ALL)})"
    )
    kept = {
        "calm": (settings.windows[-1], settings.volume),
        "hour": (_hours(settings), settings.volume * _RHYTHM),
    }
    return [
        Recording(
            f"{s}:{name}",
            f"sum by ({by}) (\n  {_at(f'{s}:found', PROJECT, window)}"
            f" / ({_at(f'{s}:of', PROJECT, window)} >= {volume})\n)"
            f"\n  unless on ({by}) (\n  {spike}\n)",
        )
        for name, (window, volume) in kept.items()
        if name == "calm" or settings.seasons
    ]


def _shown(trouble: Trouble, settings: Settings) -> list[Recording]:
    s = trouble.series
    matched = ", ".join(("scope", *trouble.by))
    told = [f'{s}:over{{window="{span(window)}"}}' for window in settings.windows]
    for number in range(1, len(settings.windows)):
        for shorter in settings.windows[:number]:
            told[number] += f' unless on ({matched}) {s}:back{{window="{span(shorter)}"}}'
    shortest = f"\n  or on ({matched})\n".join(f"({expr})" for expr in told)
    ago = f"offset {span(_A_WEEK)}"
    last = [
        f'{s}:found{{window="{span(window)}"}} {ago}'
        f' / ({s}:of{{window="{span(window)}"}} {ago} >= {settings.volume})'
        for window in settings.windows[1:] or settings.windows
    ]
    seconds = f"\n  or on ({matched})\n".join(
        f"({expr}) * 0 + {window.total_seconds():g}"
        for expr, window in zip(told, settings.windows, strict=True)
    )
    grouped = f"sum by ({matched}) "
    usually = f'{s}:expected{{window="{span(settings.windows[-1])}"}} / {s}:of'
    was = f"\n  or on ({matched})\n".join([*last, f"{s}:usually * 0 - 1"])
    return [
        Recording(f"{s}:told", f"{grouped}(\n{shortest}\n)"),
        Recording(f"{s}:seconds", f"{grouped}(\n{seconds}\n)"),
        Recording(f"{s}:usually", f"{grouped}({usually})"),
        Recording(f"{s}:last_week", f"{grouped}(\n{was}\n)"),
    ]


def _at(series: str, scope: str, window: timedelta | None = None) -> str:
    within = f',window="{span(window)}"' if window else ""
    return f'{series}{{scope="{scope}"{within}}}'


def _hours(settings: Settings) -> timedelta:
    return settings.windows[min(1, len(settings.windows) - 1)]


def _rest(trouble: Trouble) -> tuple[str, ...]:
    return tuple(name for name in trouble.by if name != PROJECT)
