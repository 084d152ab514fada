"""The overview: figures of a time, each with the address of the list that it counts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from journeytrace.conventions import Decision, Impact, Status
from journeytrace_collector.admin.api import UNDECIDED, WITHOUT, BadParameterError, parse_cohort
from journeytrace_collector.core.attempts import Per
from journeytrace_collector.core.overview import Blocks, Overview
from journeytrace_collector.store.base import Cohort
from journeytrace_desk.views.asked import link

__all__ = ["DAYS", "MOST_ROWS", "Asked", "Board", "Figure", "board", "read"]

DAYS: Final = {"1": "Today", "7": "Last 7 days", "30": "Last 30 days"}
"""By value of ``days``: so many days in UTC, of which today is one."""
USUAL: Final = "7"
MOST_ROWS: Final = 12
"""Of reasons of one decision, and of events."""


@dataclass(frozen=True, slots=True)
class Asked:
    """An overview that is asked for."""

    days: str
    project: str
    """As in the address; empty: all."""
    per: Per
    cohort: Cohort
    since: str
    """The first day."""

    @property
    def given(self) -> dict[str, str]:
        """The parameters of its address; what is usual is left out."""
        return {
            "days": "" if self.days == USUAL else self.days,
            "project": self.project,
            "per": "" if self.per is Per.SESSION else self.per.value,
        }

    def list_of(self, **filters: str) -> str:
        """Give the address of a list of its sessions."""
        return link("/sessions", {"since": self.since, **self.given, "days": None, **filters})


@dataclass(frozen=True, slots=True)
class Figure:
    """How many, and the list of these."""

    name: str
    number: int
    address: str
    share: float | None = None
    """0 to 1; None: of nothing."""
    note: str | None = None
    """What the name means."""


@dataclass(frozen=True, slots=True)
class Step:
    """One stage of the funnel."""

    reached: Figure
    """The share is of all."""
    of_before: float | None
    dropped: Figure
    """The share is of those who came here."""


@dataclass(frozen=True, slots=True)
class Board:
    """What the page shows."""

    started: Figure
    attempts: Figure | None
    """All sessions of the people that are counted; None: sessions are."""
    status: list[Figure]
    decision: list[Figure]
    completion: float | None
    approval: float | None
    steps: list[Step]
    reasons: Mapping[str, list[Figure]]
    """By decision."""
    blocks: list[Figure]

    @property
    def figures(self) -> Iterator[Figure]:
        """All that are shown, in their order."""
        yield self.started
        if self.attempts:
            yield self.attempts
        yield from (*self.status, *self.decision)
        for step in self.steps:
            yield from (step.reached, step.dropped)
        for reasons in self.reasons.values():
            yield from reasons
        yield from self.blocks


def read(parameters: Mapping[str, str], now: int) -> Asked:
    """Read the parameters of an overview; `now` in ns.

    Raises:
        BadParameterError: see there.
    """
    rest = dict(parameters)
    days = rest.pop("days", USUAL)
    if days not in DAYS:
        raise BadParameterError("days", f"is {days!r}", ", ".join(DAYS))
    for name in rest:
        if name not in {"project", "per"}:
            raise BadParameterError(name, "is no parameter here", "days, project, per")
    today = datetime.fromtimestamp(now // 1_000_000_000, UTC).date()
    since = (today - timedelta(days=int(days) - 1)).isoformat()
    cohort = parse_cohort({**rest, "since": since})
    return Asked(days, rest.get("project", ""), cohort.per, cohort, since)


def board(asked: Asked, found: Overview, blocks: Blocks, attempts: int | None) -> Board:
    """Describe the figures; `attempts` are all sessions where people are counted."""
    every = found.sessions

    def figure(name: str, number: int, whole: int = every, /, **filters: str) -> Figure:
        return Figure(name, number, asked.list_of(**filters), _share(number, whole))

    steps = [
        Step(
            figure(one.stage, one.sessions, reached=one.stage),
            one.of_before,
            figure(
                Status.DROPPED,
                one.dropped,
                one.sessions,
                status=Status.DROPPED.value,
                stage=one.stage,
            ),
        )
        for one in found.funnel.steps
    ]
    reasons: dict[str, list[Figure]] = {Decision.REJECTED: [], Decision.PENDING: []}
    for why in found.reasons.reasons:
        filters = {"decision": why.decision.value, "reason": why.reason or WITHOUT}
        name = why.reason or "none given"
        reasons[why.decision].append(
            Figure(name, why.sessions, asked.list_of(**filters), why.of_decision, why.meaning)
        )
    blocked = [
        Figure(
            one.event,
            one.sessions,
            asked.list_of(event=one.event, impact=Impact.BLOCKED.value),
            one.of_all,
            one.meaning,
        )
        for one in blocks.blocks
    ]
    return Board(
        started=figure("Started", every),
        attempts=None if attempts is None else Figure("attempts", attempts, asked.list_of(per="")),
        status=[figure(one, count, status=one.value) for one, count in found.status.items()],
        decision=[
            *(figure(one, count, decision=one.value) for one, count in found.decision.items()),
            figure(UNDECIDED, found.undecided, decision=UNDECIDED),
        ],
        completion=found.completion,
        approval=found.approval,
        steps=steps,
        reasons={name: several[:MOST_ROWS] for name, several in reasons.items()},
        blocks=blocked[:MOST_ROWS],
    )


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None
