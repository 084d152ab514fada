"""The time axis of a timeline: long silences are folded, so that what happened keeps its room."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

__all__ = ["Axis", "Gap", "Tick"]

_SECOND: Final = 1_000_000_000
_STEPS: Final = tuple(
    step * _SECOND
    for step in (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1_800, 3_600, 7_200, 21_600, 86_400)
)
_SILENCE: Final = 20 * _SECOND
"""What is shorter is shown as it is."""
_PART: Final = 0.12
"""Of the whole; what is shorter than this leaves the rest room enough."""
_MOST_FOLDS: Final = 12
FOLD: Final = 48.0
"""Width of what is folded."""
_NARROWEST: Final = 14.0
_TICK_ROOM: Final = 52.0


@dataclass(frozen=True, slots=True)
class Gap:
    """A silence that was folded."""

    x: float
    width: float
    ns: int


@dataclass(frozen=True, slots=True)
class Tick:
    """A mark of the axis."""

    x: float
    ns: int
    """From the start on."""


@dataclass(frozen=True, slots=True)
class _Piece:
    start: int
    end: int
    x: float
    width: float

    def at(self, time: int) -> float:
        if self.end == self.start:
            return self.x + self.width / 2
        part = (min(max(time, self.start), self.end) - self.start) / (self.end - self.start)
        return self.x + part * self.width


class Axis:
    """Where on a page each moment is."""

    def __init__(
        self, spans: Iterable[tuple[int, int]], left: float, right: float, origin: int | None = None
    ) -> None:
        """Lay out what happened in `spans` (start and end in ns) between two places.

        Ticks count from `origin`; None: from the first of it.
        """
        pieces = _folded(_joined(sorted(spans)))
        self.start = pieces[0][0] if origin is None else origin
        room = right - left - FOLD * (len(pieces) - 1) - _NARROWEST * len(pieces)
        whole = sum(end - start for start, end in pieces)
        self._pieces: list[_Piece] = []
        x = left
        for start, end in pieces:
            part = (end - start) / whole if whole else 1 / len(pieces)
            width = _NARROWEST + part * room
            self._pieces.append(_Piece(start, end, x, width))
            x += width + FOLD
        self._starts = [piece.start for piece in self._pieces]

    def x(self, time: int) -> float:
        """Give the place of a moment, in ns; of one outside all that happened, the nearest."""
        found = bisect_right(self._starts, time) - 1
        return self._pieces[max(found, 0)].at(time)

    def gaps(self) -> Iterator[Gap]:
        """Give what was folded."""
        for before, after in pairwise(self._pieces):
            x = before.x + before.width
            yield Gap(x, FOLD, after.start - before.end)

    def ticks(self) -> Iterator[Tick]:
        """Give moments to mark, as far from each other as their labels need."""
        scale = max(
            (
                piece.width / (piece.end - piece.start)
                for piece in self._pieces
                if piece.end > piece.start
            ),
            default=0.0,
        )
        step = next((step for step in _STEPS if step * scale >= 2 * _TICK_ROOM), _STEPS[-1])
        last = -_TICK_ROOM
        for piece in self._pieces:
            begin = -(-(piece.start - self.start) // step) * step
            for ns in range(begin, piece.end - self.start + 1, step):
                x = piece.at(self.start + ns)
                if x - last >= _TICK_ROOM:
                    yield Tick(x, ns)
                    last = x


def _joined(spans: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Join what overlaps."""
    joined = [spans[0]]
    for start, end in spans[1:]:
        if start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(joined[-1][1], end))
        else:
            joined.append((start, end))
    return joined


def _folded(spans: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Join what only short silences keep apart."""
    whole = spans[-1][1] - spans[0][0]
    silences = [after[0] - before[1] for before, after in pairwise(spans)]
    long = sorted((one for one in silences if one > max(_SILENCE, whole * _PART)), reverse=True)
    least = long[:_MOST_FOLDS][-1] if long else None
    pieces = [spans[0]]
    for silence, span in zip(silences, spans[1:], strict=True):
        if least is not None and silence >= least:
            pieces.append(span)
        else:
            pieces[-1] = (pieces[-1][0], span[1])
    return pieces
