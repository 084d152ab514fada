"""Lost beacons told apart from lost users: what the page shows of each group."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from journeytrace_collector.admin.api import BadParameterError
from journeytrace_collector.insight.loss import BY, LossGroup, LossStep, Share
from journeytrace_desk.views import overview
from journeytrace_desk.views.asked import link

__all__ = ["APART", "Asked", "Board", "Group", "Row", "board", "read"]

APART: Final = {"": "nothing", **{one: one for one in BY}}
"""What sessions can be told apart by; empty: nothing."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A page that is asked for."""

    overview: overview.Asked
    by: str
    """Empty: nothing."""

    def to(self, **changes: str | None) -> str:
        """Give the address of the page, changed."""
        return link("/losses", {**self.overview.given, "by": self.by, **changes})


@dataclass(frozen=True, slots=True)
class Row:
    """One stage."""

    step: LossStep
    lost: str
    """How much the screen's beacons are lost, with the interval."""
    left: str
    """How many users left, with the interval."""
    leaving: str | None
    """That beacons of those who leave are lost more often; None: that is not certain."""


@dataclass(frozen=True, slots=True)
class Group:
    """Some sessions."""

    name: str
    """Empty: all."""
    sessions: int
    rows: list[Row]
    refusals: list[tuple[str, str]]
    """Stages, and why there is no figure."""


@dataclass(frozen=True, slots=True)
class Board:
    """What the page shows."""

    groups: list[Group]
    refusals: list[tuple[str, str]]
    """Those that hold for every group: they are said once."""


def read(parameters: Mapping[str, str], now: int) -> Asked:
    """Read the parameters of the page; `now` in ns.

    Raises:
        BadParameterError: see there.
    """
    rest = dict(parameters)
    by = rest.pop("by", "")
    if by not in APART:
        raise BadParameterError("by", f"is {by!r}", ", ".join(BY))
    if "per" in rest:
        raise BadParameterError("per", "is no parameter here", "days, project, by")
    return Asked(overview.read(rest, now), by)


def board(found: Iterable[LossGroup], by: str) -> Board:
    """Describe what was found."""
    shown = [one for one in found if one.sessions]
    every = [{(step.stage, step.refusal) for step in one.steps} for one in shown]
    common = set.intersection(*every) if every else set()
    return Board(
        groups=[
            Group(
                name=_name(one, by),
                sessions=one.sessions,
                rows=[_row(step) for step in one.steps if step.screen is not None],
                refusals=_refusals(
                    step for step in one.steps if (step.stage, step.refusal) not in common
                ),
            )
            for one in shown
        ],
        refusals=_refusals(step for step in shown[0].steps if (step.stage, step.refusal) in common)
        if shown
        else [],
    )


def _name(group: LossGroup, by: str) -> str:
    if group.others:
        return "all others"
    if not by:
        return ""
    return f"no {by} told" if group.name is None else group.name


def _row(step: LossStep) -> Row:
    every, leaving = step.screen_loss, step.screen_loss_leaving
    more = None
    if every and leaving and leaving.low > every.high:
        more = (
            f"Of those who leave here {leaving.estimate:.0%} of the screen's beacons are lost, of"
            f" all {every.estimate:.0%}."
        ).replace("%", " %")
    return Row(step, _share(every), _share(step.left), more)


def _share(share: Share | None) -> str:
    if share is None:
        return ""
    low, high = 100 * share.low, 100 * share.high
    return f"{100 * share.estimate:.1f} % ({low:.1f} to {high:.1f})"


def _refusals(steps: Iterable[LossStep]) -> list[tuple[str, str]]:
    stages: dict[str, list[str]] = {}
    for step in steps:
        if step.refusal:
            stages.setdefault(step.refusal, []).append(step.stage)
    return [(", ".join(several), why) for why, several in stages.items()]
