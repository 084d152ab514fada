"""Rules as a table, and what they would say of the past."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from rich.console import Console
from rich.text import Text

from journeytrace_collector.cli.client import Replayed, ReplayedRule, Rule
from journeytrace_collector.cli.terminal import (
    Field,
    Layout,
    Stack,
    best_table,
    moment,
    plain,
)

__all__ = ["print_replayed", "print_rules"]

_NAME = Field[Rule]("Rule", lambda row: Text(plain(row["name"]), style="bold"))
_DEMANDS = Field[Rule]("Demands", lambda row: Text(row["demands"]))
_FROM = Field[Rule]("From", lambda row: Text("your file" if row["own"] else "built in"))
_NOW = Field[Rule]("Sessions", lambda row: _number(row["sessions"], more=row["more"]))
_MEANING = Field[Rule]("A session violates it", lambda row: Text(plain(row["meaning"])))
_ASKED: Final[Sequence[Layout[Rule]]] = (
    tuple(Stack((field,)) for field in (_NAME, _NOW, _DEMANDS, _FROM, _MEANING)),
    (Stack((_NAME, _MEANING), folds=True), *(Stack((field,)) for field in (_NOW, _FROM))),
)
_READ: Final[Sequence[Layout[Rule]]] = (
    tuple(Stack((field,)) for field in (_NAME, _DEMANDS, _FROM, _MEANING)),
    (Stack((_NAME, _MEANING), folds=True), *(Stack((field,)) for field in (_DEMANDS, _FROM))),
)

_REPLAYED = Field[ReplayedRule]("Rule", lambda row: Text(plain(row["name"]), style="bold"))
_WOULD = Field[ReplayedRule]("Sessions", lambda row: _number(row["sessions"], more=False))
_MEANT = Field[ReplayedRule]("A session would violate it", lambda row: Text(plain(row["meaning"])))
_WHAT: Final[Sequence[Layout[ReplayedRule]]] = (
    tuple(Stack((field,)) for field in (_REPLAYED, _WOULD, _MEANT)),
    (Stack((_REPLAYED, _MEANT), folds=True), Stack((_WOULD,))),
)


def print_rules(out: Console, rules: Sequence[Rule], *, counted: bool) -> None:
    """Print the rules; `counted`: and how many sessions violate each of them."""
    if not rules:
        out.print("No rule is in force.")
        return
    out.print(best_table(out, rules, _ASKED if counted else _READ))
    if counted:
        out.print()
        hint = "`sessions --violates RULE` lists those that violate one."
        out.print(Text(hint, style="dim italic"))


def print_replayed(out: Console, found: Replayed) -> None:
    """Print how many sessions of how many would violate each rule, then the newest of them."""
    checked = f"{found['checked']:,} session{'' if found['checked'] == 1 else 's'} at rest"
    out.print(Text(f"Of {checked}, as they are now:"))
    out.print()
    out.print(best_table(out, found["rules"], _WHAT))
    for rule in found["rules"]:
        if rule["newest"]:
            more = rule["sessions"] - len(rule["newest"])
            out.print()
            out.print(Text(f"{plain(rule['name'])}, the newest:", style="bold"))
            for one in rule["newest"]:
                line = moment(one["created_at"]).append(f"  {plain(one['session_id'])}")
                out.print(line, soft_wrap=True)
            if more:
                out.print(Text(f"and {more:,} more", style="dim"))


def _number(count: int, *, more: bool) -> Text:
    return Text(f"{count:,}{'+' if more else ''}", style="bold red" if count else "")
