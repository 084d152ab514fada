"""What an alert is, before it is written down for Prometheus or for Grafana."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final, Literal, TypeAlias

__all__ = ["Alert", "Group", "Recording", "Rule", "Settings", "Severity", "span"]

_UNITS: Final = ((86_400_000, "d"), (3_600_000, "h"), (60_000, "m"), (1_000, "s"), (1, "ms"))

Severity: TypeAlias = Literal["critical", "warning"]
"""critical: somebody is woken. warning: somebody looks at it in the morning."""


def span(length: timedelta) -> str:
    """Write a duration as PromQL does: ``90m``, ``7d``. Zero is ``0ms``."""
    milliseconds = round(length / timedelta(milliseconds=1))
    for size, unit in _UNITS:
        if milliseconds and milliseconds % size == 0:
            return f"{milliseconds // size}{unit}"
    return "0ms"


@dataclass(frozen=True, slots=True)
class Settings:
    """All that may differ from one installation to the next, and what a test shortens."""

    interval: timedelta = timedelta(minutes=1)
    """How often rules are evaluated."""
    window: timedelta = timedelta(minutes=30)
    """What counts as now. Shorter notices sooner, longer lets smaller projects reach the volume."""
    drop_window: timedelta = timedelta(hours=1)
    """The same for drop-off, which is known only once the idle timeout has passed."""
    idle_timeout: timedelta = timedelta(minutes=20)
    """The collector's own setting of that name."""
    baseline: timedelta = timedelta(days=7)
    """What counts as usual."""
    gap: timedelta = timedelta(hours=1)
    """Between now and the baseline, so that a spike does not at once become usual."""
    step: timedelta = timedelta(minutes=10)
    """How finely the baseline is looked at; finer costs Prometheus more and tells nothing new."""
    history: timedelta = timedelta(hours=6)
    """Time with enough volume that the baseline must hold, or there is none, and no alert."""
    seasons: tuple[timedelta, ...] = (timedelta(days=1), timedelta(days=7))
    """How long ago it was all like now. Silence alarms only if none of these was silent."""
    volume: int = 30
    """Sessions, runs or decisions in a window below which nothing is said about shares."""
    margin: float = 0.05
    """How far, at least, a spike lies above the usual: as a share, or as events a session."""
    deviations: float = 3
    """How many standard deviations of the baseline it lies above the usual."""
    hold: timedelta = timedelta(minutes=10)
    """How long a condition holds before it is told."""
    keep: timedelta = timedelta(minutes=15)
    """How long an alert stays after its condition has gone, so that it does not flap."""
    down: timedelta = timedelta(minutes=2)
    """How long a collector may be away: longer than a restart takes."""
    outbox_age: timedelta = timedelta(minutes=5)
    """How long something may wait for delivery."""
    rejected_share: float = 0.01
    """Share of what came in that may be of no use before it is told."""
    job: str = "journeytrace"
    """Under which Prometheus scrapes the collectors."""
    grafana_url: str = "http://127.0.0.1:3000"
    """Where the links in notifications lead, without a slash at the end."""
    runbooks_url: str = "docs/runbooks"
    """Folder with the runbook pages; as it stands a path in this repository."""


@dataclass(frozen=True, slots=True)
class Recording:
    """An expression that Prometheus keeps the result of."""

    record: str
    expr: str


@dataclass(frozen=True, slots=True)
class Alert:
    """Something that somebody has to know. Texts are Go templates, alike in both systems.

    In them ``$value`` is the value of `expr`, and ``$usual`` that of `usual`.
    """

    name: str
    """As it is shown; also the name of its runbook page."""
    topic: str
    """Alerts of one topic and project tell of the same trouble: the critical one is enough."""
    severity: Severity
    expr: str
    """Gives the series that are in trouble, and no others."""
    by: tuple[str, ...]
    """Labels that tell the series of `expr` apart."""
    summary: str
    """One line with the numbers."""
    description: str
    """What it means and where to look first."""
    dashboard: str
    """Path and variables of the dashboard to open."""
    hold: timedelta
    keep: timedelta = timedelta(0)
    """Zero: it ends with its condition."""
    usual: str | None = None
    """Recorded series, with the labels `by`, that say what is usual. None: no text asks."""


Rule: TypeAlias = Alert | Recording


@dataclass(frozen=True, slots=True)
class Group:
    """Rules that are evaluated in this order, at one moment."""

    name: str
    rules: tuple[Rule, ...] = field(default=())

    @property
    def recordings(self) -> tuple[Recording, ...]:
        """What is recorded, in order."""
        return tuple(rule for rule in self.rules if isinstance(rule, Recording))

    @property
    def alerts(self) -> tuple[Alert, ...]:
        """What is told, in order."""
        return tuple(rule for rule in self.rules if isinstance(rule, Alert))
