"""What became of a number of sessions, in figures. Here alone they are defined.

All of them are sums over groups of sessions that are alike, so they always add up. They count
sessions; where people are counted, the groups are of the sessions that stand for them
(`core.attempts`). The desk's overview and the API both go by this.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import TypeVar

import msgspec

from journeytrace.catalogue import Catalogue
from journeytrace.conventions import Decision, Status
from journeytrace_collector.core.funnel import Funnel, funnel

__all__ = ["Block", "Blocks", "Outcome", "Overview", "Reason", "Reasons", "blocks", "overview"]


_Name = TypeVar("_Name", str, str | None)


class Outcome(msgspec.Struct, frozen=True):
    """Sessions of which the same is true."""

    status: Status
    stage: str | None
    """The highest ordered one; None: none."""
    decision: Decision | None
    reason: str | None
    """Of the decision."""
    sessions: int
    """How many there are, at least one."""


class Reason(msgspec.Struct, frozen=True):
    """How often something was decided for one reason."""

    decision: Decision
    """REJECTED or PENDING."""
    reason: str | None
    """None: none was given."""
    meaning: str | None
    """What the reason means; None: the catalogue does not know it."""
    sessions: int
    """How many were decided so, or people where these are counted."""
    of_decision: float
    """The share, 0 to 1, of all with this decision."""


class Reasons(msgspec.Struct, frozen=True):
    """Why sessions are rejected or on hold."""

    sessions: int
    """All that were looked at, whatever was decided."""
    reasons: list[Reason]
    """REJECTED before PENDING, the most frequent first."""


class Block(msgspec.Struct, frozen=True):
    """An event that kept users from going on: one with the impact BLOCKED."""

    event: str
    """Its name."""
    meaning: str | None
    """What it means; None: the catalogue does not know it."""
    sessions: int
    """How many had it, however often."""
    of_all: float | None
    """The share, 0 to 1, of all sessions. None: there were none."""


class Blocks(msgspec.Struct, frozen=True):
    """What blocks most."""

    sessions: int
    """All that were looked at, blocked or not."""
    blocks: list[Block]
    """The most frequent first. A session can be in several."""


class Overview(msgspec.Struct, frozen=True):
    """What became of a number of sessions."""

    sessions: int
    """All of them: they were started."""
    status: dict[Status, int]
    """Every status, also of no session."""
    decision: dict[Decision, int]
    """Every decision, also of no session."""
    undecided: int
    completion: float | None
    """The share, 0 to 1, of COMPLETED in all that are over: COMPLETED, DROPPED and ERROR. Those
    that are IN_PROGRESS can still complete. None: none is over."""
    approval: float | None
    """The share, 0 to 1, of APPROVED in all that have a decision. None: none has."""
    funnel: Funnel
    reasons: Reasons


def overview(outcomes: Iterable[Outcome], catalogue: Catalogue) -> Overview:
    """Add up groups of sessions."""
    statuses: Counter[Status] = Counter()
    decisions: Counter[Decision | None] = Counter()
    highest: Counter[str | None] = Counter()
    dropped: Counter[str | None] = Counter()
    given: Counter[tuple[Decision, str | None]] = Counter()
    for one in outcomes:
        statuses[one.status] += one.sessions
        decisions[one.decision] += one.sessions
        highest[one.stage] += one.sessions
        if one.status is Status.DROPPED:
            dropped[one.stage] += one.sessions
        if one.decision is not None:
            given[one.decision, one.reason] += one.sessions
    everybody = statuses.total()
    return Overview(
        sessions=everybody,
        status={status: statuses[status] for status in Status},
        decision={decision: decisions[decision] for decision in Decision},
        undecided=decisions[None],
        completion=_share(statuses[Status.COMPLETED], everybody - statuses[Status.IN_PROGRESS]),
        approval=_share(decisions[Decision.APPROVED], everybody - decisions[None]),
        funnel=funnel(highest, catalogue.ordered_stages, dropped),
        reasons=Reasons(everybody, list(_reasons(given, catalogue))),
    )


def blocks(counts: Mapping[str, int], sessions: int, catalogue: Catalogue) -> Blocks:
    """Order the events that blocked, by how many of all `sessions` had each."""
    found = []
    for name, count in _most_first(counts):
        spec = catalogue.events.get(name)
        meaning = spec.meaning if spec else None
        found.append(Block(name, meaning, count, _share(count, sessions)))
    return Blocks(sessions, found)


def _reasons(
    given: Mapping[tuple[Decision, str | None], int], catalogue: Catalogue
) -> Iterable[Reason]:
    for decision in (Decision.REJECTED, Decision.PENDING):
        counts = {reason: count for (of, reason), count in given.items() if of is decision}
        for reason, count in _most_first(counts):
            spec = catalogue.reasons.get((decision, reason)) if reason is not None else None
            meaning = spec.meaning if spec else None
            yield Reason(decision, reason, meaning, count, count / sum(counts.values()))


def _most_first(counts: Mapping[_Name, int]) -> Sequence[tuple[_Name, int]]:
    return sorted(counts.items(), key=lambda one: (-one[1], one[0] or ""))


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None
