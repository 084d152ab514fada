"""A loss-corrected funnel for a person to read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from rich.console import Console
from rich.text import Text

from journeytrace_collector.cli.client import Funnel, LossGroup, LossShare, LossStep, Step
from journeytrace_collector.cli.terminal import NOTHING, Field, Layout, Stack, best_table, plain

__all__ = ["print_losses"]

_FOOTNOTE: Final = (
    "Sessions that have come to rest. Seen: of which an event of the action came, or of a later"
    " stage. Really: with those of whom every trace was lost, and where the truth lies 95 times in"
    " 100. Left: since the stage before that has a figure; by the screen: what its beacons alone"
    " would say. docs/insight/loss.md says when not to believe it."
)


def print_losses(out: Console, funnel: Funnel) -> None:
    """Print the funnel of each group."""
    groups = [group for group in funnel["loss"] or [] if group["sessions"]]
    if not groups:
        _print_steps(out, funnel)
        return
    everywhere = set.intersection(*(set(_refusals(one)) for one in groups))
    for group in groups:
        if funnel["by"]:
            out.print(Text(_title(funnel["by"], group), style="bold underline"))
        _print_group(out, group, everywhere)
        out.print()
    if everywhere:
        _print_refusals(out, [said for said in _refusals(groups[0]) if said in everywhere])
        out.print()
    out.print(Text(_FOOTNOTE, style="dim italic"))


def _print_steps(out: Console, funnel: Funnel) -> None:
    """Print what there is to say while no session has come to rest: how far they all came."""
    if funnel["sessions"]:
        out.print(best_table(out, funnel["steps"], (_STEPS,)))
        out.print()
    out.print(
        Text(
            "No session of this time has come to rest: what was lost on the way is told of those"
            " alone.",
            style="dim italic",
        )
    )


def _title(by: str, group: LossGroup) -> str:
    if group["others"]:
        name = "all others"
    else:
        name = f"no {by} told" if group["name"] is None else plain(group["name"])
    count = group["sessions"]
    return f"{name}: {count:,} session{'' if count == 1 else 's'}"


def _print_group(out: Console, group: LossGroup, everywhere: set[tuple[str, str]]) -> None:
    """Print one group; what is said of every group is said once, at the end."""
    shown = [step for step in group["steps"] if step["screen"] is not None]
    if shown:
        out.print(best_table(out, shown, _LAYOUTS))
    _print_refusals(out, [said for said in _refusals(group) if said not in everywhere])
    for step in shown:
        if words := _leaving(step):
            out.print(Text.assemble((plain(step["stage"]), "bold"), f": {words}"))


def _refusals(group: LossGroup) -> list[tuple[str, str]]:
    return [(step["stage"], step["refusal"]) for step in group["steps"] if step["refusal"]]


def _print_refusals(out: Console, refusals: Sequence[tuple[str, str]]) -> None:
    stages: dict[str, list[str]] = {}
    for stage, why in refusals:
        stages.setdefault(why, []).append(stage)
    for why, several in stages.items():
        out.print(Text.assemble((plain(", ".join(several)), "bold"), f": {plain(why)}"))


def _leaving(step: LossStep) -> str | None:
    """Say that beacons of those who leave are lost more often, where that is certain."""
    every, leaving = step["screen_loss"], step["screen_loss_leaving"]
    if every is None or leaving is None or leaving["low"] <= every["high"]:
        return None
    return (
        f"Of those who leave here {leaving['estimate']:.0%} of the screen's beacons are lost, of"
        f" all {every['estimate']:.0%}."
    )


def _count(number: int | None) -> str:
    return NOTHING if number is None else f"{number:,}"


def _share(share: float | None) -> Text:
    return Text(NOTHING if share is None else f"{share:.1%}", justify="right")


def _really(step: LossStep) -> Text:
    if step["estimate"] is None:
        return Text(NOTHING)
    reach = f" ({step['low']:,} to {step['high']:,})"
    return Text.assemble((f"{step['estimate']:,}", "bold"), (reach, "dim"))


def _percent(share: LossShare | None, *, reach: bool = True) -> Text:
    if share is None:
        return Text(NOTHING)
    text = Text(f"{100 * share['estimate']:.1f} %")
    if reach:
        text.append(f" ({100 * share['low']:.1f} to {100 * share['high']:.1f})", style="dim")
    return text


def _by_screen(step: LossStep) -> Text:
    share = step["left_by_screen"]
    return Text(NOTHING if share is None else f"{100 * share:.1f} %", style="dim")


_STAGE = Field[LossStep]("Stage", lambda step: Text(plain(step["stage"]), style="bold"))
_ACTION = Field[LossStep](
    "Seen as",
    lambda step: Text(
        f"{plain(step['screen'] or '')} ↔ {plain(step['server'] or '')}", style="dim"
    ),
)
_SEEN = Field[LossStep]("Seen", lambda step: Text(_count(step["known"]), justify="right"))
_REALLY = Field[LossStep]("Really", _really)
_LOST = Field[LossStep]("Beacons lost", lambda step: _percent(step["screen_loss"]))
_LOST_ALONE = Field[LossStep]("Lost", lambda step: _percent(step["screen_loss"], reach=False))
_LEFT = Field[LossStep]("Left", lambda step: _percent(step["left"]))
_SCREEN = Field[LossStep]("By the screen", _by_screen)

_STEPS: Final[Layout[Step]] = tuple(
    Stack((one,))
    for one in (
        Field[Step]("Stage", lambda step: Text(plain(step["stage"]), style="bold")),
        Field[Step]("Sessions", lambda step: Text(_count(step["sessions"]), justify="right")),
        Field[Step]("Of all", lambda step: _share(step["of_all"])),
        Field[Step]("Of the stage before", lambda step: _share(step["of_before"])),
    )
)
_LAYOUTS: Final[Sequence[Layout[LossStep]]] = (
    tuple(Stack((one,)) for one in (_STAGE, _SEEN, _REALLY, _LOST, _LEFT, _SCREEN, _ACTION)),
    tuple(Stack((one,)) for one in (_STAGE, _SEEN, _REALLY, _LOST, _LEFT, _SCREEN)),
    tuple(Stack((one,)) for one in (_STAGE, _SEEN, _REALLY, _LOST_ALONE, _LEFT)),
)
