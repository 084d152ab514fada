"""What an alert is, before it is written down for Prometheus or for Grafana."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final, Literal, TypeAlias

__all__ = ["Alert", "Group", "Recording", "Rule", "Severity", "span"]

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
class Recording:
    """An expression that Prometheus keeps the result of."""

    record: str
    expr: str
    labels: tuple[tuple[str, str], ...] = ()
    """Set on what is recorded, by name."""


@dataclass(frozen=True, slots=True)
class Alert:
    """Something that somebody has to know. Texts are Go templates, alike in both systems.

    In them ``$value`` is the value of `expr`, ``$usual`` that of `usual`, ``$last`` that of `last`,
    and ``$seconds`` that of `seconds`.
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
    sessions: str = ""
    """Variables and times of the list of the very sessions. Empty: it is about no sessions."""
    usual: str | None = None
    """Recorded series, with the labels `by`, that say what is usual. None: no text asks."""
    last: str | None = None
    """The same of the same hours of last week; what it records is below 0 where nobody knows."""
    seconds: str | None = None
    """How long the window is that `expr` is about; the list of sessions goes back so far."""
    lead: timedelta = timedelta(0)
    """How long before that the sessions may have begun: the list goes back so much further."""


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
