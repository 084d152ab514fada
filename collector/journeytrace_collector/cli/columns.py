"""Tables of one line a row: what there is room for, the most important first.

A table is described by claims. Each asks that a column be so wide, and is granted while there is
room, in the order in which the claims stand; a column of which no claim was granted is left out.
So the same rows show more the wider the terminal is, and no line is ever wider than it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from journeytrace_collector.cli.terminal import NO_EDGE

__all__ = ["Claim", "Column", "one_line_table", "widths"]

_GAP: Final = 2

Row = TypeVar("Row")


@dataclass(frozen=True)
class Column(Generic[Row]):
    """One value of every row."""

    label: str
    cell: Callable[[Row], Text]
    is_id: bool = False
    """Cut without a mark when it does not fit: what is left is a beginning to copy."""


@dataclass(frozen=True)
class Claim(Generic[Row]):
    """Asks for room for a column."""

    column: Column[Row]
    width: int | None = None
    """Cells; None: as many as its longest value takes. It never gets more than that."""


def widths(
    claims: Sequence[Claim[Row]], longest: Mapping[Column[Row], int], room: int
) -> dict[Column[Row], int]:
    """Give the width of each column that there is room for.

    `longest` is what a column's longest value or its label takes. The first claim is granted
    whatever the room is, if need be cut to it; what nobody claimed goes to the id that was cut.
    """
    granted: dict[Column[Row], int] = {}
    for claim in claims:
        column, most = claim.column, longest[claim.column]
        wanted = most if claim.width is None else min(claim.width, most)
        more = wanted - granted.get(column, 0)
        gap = _GAP if granted and column not in granted else 0
        if not granted:
            granted[column] = min(wanted, room)
        elif 0 < more <= room - _taken(granted) - gap:
            granted[column] = wanted
    for column, width in granted.items():
        if column.is_id:
            spare = max(0, room - _taken(granted))
            granted[column] = min(longest[column], width + spare)
    return granted


def _taken(granted: Mapping[Column[Row], int]) -> int:
    return sum(granted.values()) + _GAP * max(0, len(granted) - 1)


def one_line_table(
    out: Console,
    rows: Sequence[Row],
    order: Sequence[Column[Row]],
    claims: Sequence[Claim[Row]],
) -> tuple[Table, dict[Column[Row], int]]:
    """Give the table, its columns in `order`, and how wide each of them has become.

    Where there is no edge, as in a pipe, every column is there, and nothing is cut.
    """
    cells = {column: [column.cell(row) for row in rows] for column in order}
    longest = {
        column: max(cell_len(column.label), *(cell.cell_len for cell in cells[column]), 1)
        for column in order
    }
    granted = longest if out.width >= NO_EDGE else widths(claims, longest, out.width)
    shown = [column for column in order if column in granted]
    table = Table(box=None, padding=(0, _GAP, 0, 0), pad_edge=False, header_style="bold")
    for column in shown:
        table.add_column(
            column.label,
            width=granted[column],
            no_wrap=True,
            overflow="crop" if column.is_id else "ellipsis",
        )
    for number in range(len(rows)):
        table.add_row(*(cells[column][number] for column in shown))
    return table, granted
