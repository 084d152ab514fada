"""Two cohorts for a person to compare: what they are, the shifts in words, the table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from rich.console import Console
from rich.text import Text

from journeytrace_collector.cli.client import Comparison, Diff, Side
from journeytrace_collector.cli.columns import Claim, Column, one_line_table
from journeytrace_collector.cli.terminal import NOTHING, plain
from journeytrace_collector.insight.diff_words import Kind, changed, interval, valued

__all__ = ["print_diff"]

_FURTHER: Final = 10
"""Rows that are shown of what may be chance."""
_ALPHA: Final = "more than chance (p is corrected for all that is compared, and at most 0.05)"


def print_diff(out: Console, found: Diff, *, every: bool) -> None:
    """Print what was compared; `every`: also the long rest that may be chance."""
    for letter, side in (("A", found["a"]), ("B", found["b"])):
        name = plain(side["name"]) or "all others"
        out.print(Text.assemble((f"{letter}  ", "bold"), (name, "bold"), f"  {_sessions(side)}"))
    if found["both"]:
        out.print(Text(f"   {found['both']:,} are in both, and count in A alone.", style="dim"))
    out.print()
    for number, words in enumerate(found["words"], 1):
        named = any(one["named"] for one in found["comparisons"])
        out.print(Text(f"{number}. {plain(words)}" if named else plain(words), style="bold"))
    rows = found["comparisons"] if every else list(_first(found["comparisons"]))
    if not rows:
        return
    out.print()
    table, _ = one_line_table(out, rows, _COLUMNS, _CLAIMS)
    out.print(table)
    out.print()
    out.print(Text(_foot(found["comparisons"], len(rows)), style="dim italic"))


def _sessions(side: Side) -> str:
    said = f"{side['sessions']:,} session{'' if side['sessions'] == 1 else 's'}"
    if side["sampled"]:
        said += f", a sample of about {_round(side['of']):,}"
    if side["going_on"]:
        said += f"; {side['going_on']:,} go on and are left out"
    return said


def _round(number: int) -> int:
    """Give an estimate with the digits that can be meant."""
    return round(number, 2 - len(str(number)))


def _first(rows: Sequence[Comparison]) -> Iterator[Comparison]:
    further = 0
    for row in rows:
        further += not row["named"]
        if row["p"] is None or further > _FURTHER:
            return
        yield row


def _foot(rows: Sequence[Comparison], shown: int) -> str:
    compared = sum(row["p"] is not None for row in rows)
    rare = len(rows) - compared
    hidden = len(rows) - shown
    left = f"; {_many(hidden, 'row')} left out: --all shows all" if hidden else ""
    return (
        f"● {_ALPHA}. {_many(compared, 'comparison')}, {rare} too rare to compare{left}. Intervals"
        " are of each row alone. A difference says nothing of its cause."
    )


def _many(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def _mark(row: Comparison) -> Text:
    return Text("●" if row["named"] else "", style="bold")


def _what(row: Comparison) -> Text:
    name, kind = plain(row["name"]), row["kind"]
    if kind == Kind.STEP:
        name = f"{plain(row['of'] or '')} → {name}".lstrip()
    elif kind == Kind.CHECK:
        name += " failed"
    elif kind == Kind.DURATION:
        name += " took"
    return Text(name, style="bold" if row["named"] else "")


def _value(row: Comparison, side: float | None) -> Text:
    return Text(NOTHING if side is None else valued(Kind(row["kind"]), side))


def _change(row: Comparison, change: float | None) -> Text:
    if change is None:
        return Text("too few", style="dim")
    return Text(changed(Kind(row["kind"]), change), style="bold" if row["named"] else "")


def _interval(row: Comparison) -> Text:
    if row["low"] is None or row["high"] is None:
        return Text("")
    return Text(interval(Kind(row["kind"]), row["low"], row["high"]))


def _p(row: Comparison) -> Text:
    if row["p"] is None:
        return Text("")
    return Text("< 0.001" if row["p"] < 0.001 else f"{row['p']:.3f}")


_MARK: Final = Column[Comparison]("", _mark)
_KIND: Final = Column[Comparison]("Of", lambda row: Text(row["kind"], style="dim"))
_WHAT: Final = Column[Comparison]("What", _what)
_A: Final = Column[Comparison]("A", lambda row: _value(row, row["a"]))
_B: Final = Column[Comparison]("B", lambda row: _value(row, row["b"]))
_CHANGE: Final = Column[Comparison]("Change", lambda row: _change(row, row["change"]))
_INTERVAL: Final = Column[Comparison]("95 % interval", _interval)
_P: Final = Column[Comparison]("p", _p)
_OF: Final = Column[Comparison](
    "Sessions", lambda row: Text(f"{row['a_of']:,} / {row['b_of']:,}", style="dim")
)
_COLUMNS: Final = (_MARK, _KIND, _WHAT, _A, _B, _CHANGE, _INTERVAL, _P, _OF)
_CLAIMS: Final = (
    Claim(_MARK),
    Claim(_WHAT, 20),
    *(Claim(column) for column in (_A, _B, _CHANGE)),
    Claim(_WHAT, 30),
    Claim(_P),
    Claim(_WHAT),
    *(Claim(column) for column in (_INTERVAL, _KIND, _OF)),
)
