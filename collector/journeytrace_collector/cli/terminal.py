"""How the command line writes: colours, safe text, and tables that fold instead of cutting."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Generic, TypeVar

from rich.console import Console
from rich.table import Column as TableColumn
from rich.table import Table
from rich.text import Text

__all__ = [
    "NOTHING",
    "NO_EDGE",
    "Field",
    "Layout",
    "Stack",
    "best_table",
    "chip",
    "console",
    "moment",
    "parse_time",
    "plain",
    "styled",
]

# A pipe has no edge to fold at. Rich pads to this width only what asks for all of it.
NO_EDGE: Final = 10_000

_GAP: Final = 2

NOTHING: Final = "—"
"""Stands where a value is missing."""

_STYLES: Final = {
    "BLOCKED": "red",
    "REJECTED": "red",
    "FAIL": "red",
    "RETAKE": "yellow",
    "PENDING": "magenta",
    "APPROVED": "green",
    "COMPLETED": "green",
    "PASS": "green",
    "NONE": "dim",
}
_CHIPS: Final = {
    "COMPLETED": "black on green",
    "IN_PROGRESS": "white on blue",
    "DROPPED": "black on dark_orange",
    "ERROR": "white on red",
}

Row = TypeVar("Row")


@dataclass(frozen=True)
class Field(Generic[Row]):
    """One value of a row."""

    label: str
    cell: Callable[[Row], Text]


@dataclass(frozen=True)
class Stack(Generic[Row]):
    """A column of a table: of its fields those that are not empty stand below each other."""

    fields: tuple[Field[Row], ...]
    """The first one names the column."""
    folds: bool = False
    """Whether long text goes on in the next line to let the table fit."""


Layout = Sequence[Stack[Row]]


def console() -> Console:
    """Give the standard output: colours and folding on a terminal, whole plain lines in a pipe."""
    out = Console(highlight=False, markup=False, emoji=False)
    if not out.is_terminal:
        out.width = NO_EDGE
    return out


def plain(text: str) -> str:
    """Give `text` with everything that could steer a terminal made visible, as ``\\x1b``."""
    if text.isprintable():
        return text
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode() for char in text
    )


def styled(value: str | None, style: str | None = None) -> Text:
    """Give a word in its colour; `style` None: the colour of its meaning, if it has one."""
    # A span, for a text's own style would also colour the room around it and what is appended.
    return Text.assemble((plain(value or ""), style or _STYLES.get(value or "", "")))


def chip(status: str) -> Text:
    """Give a session's status on its own background."""
    return styled(status, _CHIPS.get(status))


def parse_time(text: str) -> datetime:
    """Read a time of the API."""
    return datetime.fromisoformat(text).astimezone(UTC)


def moment(text: str | None) -> Text:
    """Write a time of the API for people, in UTC."""
    return Text(f"{parse_time(text):%Y-%m-%d %H:%M:%S}" if text else NOTHING)


def best_table(out: Console, rows: Sequence[Row], layouts: Sequence[Layout[Row]]) -> Table:
    """Give `rows` in the first of the layouts that fits, else in the last one."""
    tables = [_as_table(rows, layout) for layout in layouts]
    return next((table for table in tables if _fits(out, table)), tables[-1])


def _as_table(rows: Sequence[Row], layout: Layout[Row]) -> Table:
    table = Table(box=None, padding=(0, _GAP, 0, 0), pad_edge=False, header_style="bold")
    for stack in layout:
        table.add_column(stack.fields[0].label, no_wrap=not stack.folds, overflow="fold")
    for row in rows:
        table.add_row(*(_stacked(row, stack) for stack in layout))
    return table


def _fits(out: Console, table: Table) -> bool:
    """Whether nothing is cut, and no word broken in what folds."""
    needed = sum(_least(out, column) for column in table.columns)
    return needed + _GAP * (len(table.columns) - 1) <= out.width


def _least(out: Console, column: TableColumn) -> int:
    # Rich itself would count the longest word, of what is never wrapped as well.
    roomy = out.options.update(width=NO_EDGE)
    cells = [out.measure(cell, options=roomy) for cell in (column.header, *column.cells)]
    return max(cell.maximum if column.no_wrap else cell.minimum for cell in cells)


def _stacked(row: Row, stack: Stack[Row]) -> Text:
    cells = (field.cell(row) for field in stack.fields)
    return Text("\n").join(cell for cell in cells if cell.plain)
