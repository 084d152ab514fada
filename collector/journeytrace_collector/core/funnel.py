"""The funnel: how many sessions came at least as far as each stage. Here alone it is defined.

A session counts for a stage when its highest ordered stage is that one or a later one: whoever
skips an optional stage has passed it. So no stage has more sessions than the one before it. The
counter `STAGE_REACHED_TOTAL`, the API and the command line all go by this.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final

import msgspec

__all__ = ["Funnel", "Step", "funnel", "further", "passed"]


NOBODY: Final[Mapping[str | None, int]] = MappingProxyType({})


class Step(msgspec.Struct, frozen=True):
    """One stage of a funnel."""

    stage: str
    """Its name."""
    sessions: int
    """How many came at least this far."""
    of_before: float | None
    """The share, 0 to 1, of those who came to the stage before; of the first stage: of all
    sessions. None: there were none."""
    of_all: float | None
    """The share, 0 to 1, of all sessions. None: there were none."""
    dropped: int = 0
    """The drop-off: how many ended DROPPED with this as their highest stage."""


class Funnel(msgspec.Struct, frozen=True):
    """How far a number of sessions came."""

    sessions: int
    """All of them, also those that came to no ordered stage."""
    steps: list[Step]
    """Every ordered stage, in the order of the journey."""


def passed(before: str | None, after: str | None, stages: Sequence[str]) -> Sequence[str]:
    """Give the stages that a session has newly come to, or past, in their order.

    `before` and `after` are its highest stage then and now; None, or one that is not among the
    ordered `stages`: it has come to none. However the way from None to a stage is divided, the
    parts join into the same stages, each once: so a count of them asks for no order of arrival.
    """
    return stages[_count(before, stages) : _count(after, stages)]


def further(stage: str, stages: Sequence[str]) -> Sequence[str]:
    """Give `stage` and those after it: who has one of them as the highest came at least so far.

    Empty: it is not among the ordered `stages`, and nobody counts for it.
    """
    return stages[_count(stage, stages) - 1 :] if stage in stages else ()


def funnel(
    highest: Mapping[str | None, int],
    stages: Sequence[str],
    dropped: Mapping[str | None, int] = NOBODY,
) -> Funnel:
    """Make the funnel of sessions that are counted by their `highest` stage; None: no ordered one.

    `stages` are the ordered ones, first to last; `dropped` counts those that ended DROPPED, too.
    """
    everybody = before = sum(highest.values())
    steps = []
    for stage in stages:
        count = sum(highest.get(one, 0) for one in further(stage, stages))
        shares = _share(count, before), _share(count, everybody)
        steps.append(Step(stage, count, *shares, dropped.get(stage, 0)))
        before = count
    return Funnel(everybody, steps)


def _count(stage: str | None, stages: Sequence[str]) -> int:
    return stages.index(stage) + 1 if stage in stages else 0


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None
