"""How long a session is kept (DESIGN section 5): pure.

What its SESSION_CREATED says holds. Else it is the period that its project had in force when the
session was created, so a project's periods are kept with their history. The settings fix the period
of the projects that they name; of others it is what somebody has chosen at the desk. An old date
cannot erase what has just come in: the days count from no earlier than `GRACE` before the first
arrival.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Final, NamedTuple

from journeytrace.conventions import DEFAULT_RETENTION_DAYS
from journeytrace_collector.core.sessionize import SessionState

__all__ = ["GRACE", "NO_PERIODS", "NS_PER_DAY", "Period", "Retention", "changes"]

NS_PER_DAY: Final = 86_400 * 1_000_000_000
GRACE: Final = 7 * NS_PER_DAY


class Period(NamedTuple):
    """From a time on, the sessions of a project are kept so many days."""

    project_id: str
    """Empty: of those without a project."""
    since: int
    """ns; sessions created at or after it."""
    days: int
    chosen: bool = False
    """Whether somebody has chosen it at the desk: else the settings, or their silence, did."""


class Retention:
    """The periods of all projects; none: every session is kept the default number of days."""

    def __init__(self, periods: Iterable[Period] = ()) -> None:
        self._periods: dict[str, list[Period]] = {}
        for period in sorted(periods, key=lambda period: period.since):
            self._periods.setdefault(period.project_id, []).append(period)

    def __len__(self) -> int:
        return sum(len(periods) for periods in self._periods.values())

    def days(self, state: SessionState) -> int:
        """Give the days that a session is kept."""
        if state.created is not None and state.created[2]:
            return state.created[2]
        return self.days_of(state.project or "", _kept_from(state)[0])

    def days_of(self, project_id: str, created_at: int) -> int:
        """Give the days that a session of a project is kept that was created then (ns)."""
        held = (
            p.days for p in reversed(self._periods.get(project_id, ())) if p.since <= created_at
        )
        return next(held, DEFAULT_RETENTION_DAYS)

    def expires_at(self, state: SessionState) -> int:
        """Give the time in ns at which a session is to be erased."""
        kept_from, first_received = _kept_from(state)
        counted_from = max(kept_from, first_received - GRACE)
        return counted_from + self.days(state) * NS_PER_DAY

    def latest(self) -> dict[str, int]:
        """Give the days in force now, by project."""
        return {project: periods[-1].days for project, periods in self._periods.items()}

    def newest(self, project_id: str) -> Period | None:
        """Give the period in force now; None: the default is."""
        return self._periods[project_id][-1] if project_id in self._periods else None

    def was_chosen(self, project_id: str) -> bool:
        """Whether somebody has chosen a period for a project: it holds unless the settings fix."""
        return any(period.chosen for period in self._periods.get(project_id, ()))

    def unconfigured(self, project_id: str) -> int:
        """Give the days that hold for a project while the settings say nothing of it."""
        chosen = (p.days for p in reversed(self._periods.get(project_id, ())) if p.chosen)
        return next(chosen, DEFAULT_RETENTION_DAYS)

    def next(self, project_id: str, since: int, days: int, *, chosen: bool = False) -> Period:
        """Give the period of a project that begins at `since` (ns), and after all others.

        A clock that was set back changes nothing of what is past.
        """
        periods = self._periods.get(project_id)
        begins = max(since, periods[-1].since + 1) if periods else since
        return Period(project_id, begins, days, chosen)


def _kept_from(state: SessionState) -> tuple[int, int]:
    """Give when a session was created and its earliest arrival, in ns.

    One that has not begun is kept from its invitation on, else from what people did first.
    """
    if state.operations is None or state.begun:
        return state.created_at, state.first_received
    return state.operations.kept_from, state.operations.first_received


NO_PERIODS: Final = Retention()


def changes(known: Retention, configured: Mapping[str, int], since: int) -> Iterator[Period]:
    """Give the periods that begin at `since` (ns) where the settings say something new.

    What they name they fix. For a project that they name no more, what was chosen last at the desk
    holds again, else the default.
    """
    latest = known.latest()
    for project in sorted({*latest, *configured}):
        days = configured.get(project, known.unconfigured(project))
        if days != latest.get(project, DEFAULT_RETENTION_DAYS):
            yield known.next(project, since, days)
