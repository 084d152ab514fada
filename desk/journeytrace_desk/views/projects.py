"""Projects, and how long they have their sessions kept."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from journeytrace.conventions import DEFAULT_RETENTION_DAYS
from journeytrace_collector.admin.api import WITHOUT
from journeytrace_collector.core.derive import rfc3339
from journeytrace_collector.core.retention import Period, Retention
from journeytrace_collector.store.base import Scope
from journeytrace_desk.views.asked import link

__all__ = ["Project", "rows"]

_NEVER: Final = 0


@dataclass(frozen=True, slots=True)
class Project:
    """One project, or all that has none."""

    id: str
    """Empty: what has none."""
    name: str
    sessions: str
    """Address of its sessions."""
    days: int
    """That new sessions are kept."""
    since: str | None
    """From when on, RFC 3339; None: from the beginning."""
    by: str
    """Who says so: ``chosen``, ``fixed`` or ``default``."""
    differs: int | None
    """The days in force where they are others than the configuration says; None: they are not."""


def rows(
    known: Iterable[str], retention: Retention, fixed: Mapping[str, int], scope: Scope
) -> list[Project]:
    """Describe those of the projects that are in scope, and what has none."""
    named = sorted({*known, *fixed} - {""}, key=lambda name: (name.casefold(), name))
    found = [_row(name, retention, fixed) for name in named if name in scope]
    return [*found, _row("", retention, fixed)] if None in scope else found


def _row(name: str, retention: Retention, fixed: Mapping[str, int]) -> Project:
    period: Period | None = retention.newest(name)
    in_force = period.days if period else DEFAULT_RETENTION_DAYS
    days = fixed.get(name, in_force)
    by = "chosen" if period and retention.was_chosen(name) else "default"
    return Project(
        id=name,
        name=name or "without a project",
        sessions=link("/sessions", {"project": name or WITHOUT}),
        days=days,
        since=rfc3339(period.since) if period and period.since > _NEVER else None,
        by="fixed" if name in fixed else by,
        differs=in_force if in_force != days else None,
    )
