"""A session as a picture: a lane for each source, stages above, silences folded, failures found.

Everything is laid out here, in numbers; the template only writes it down.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from journeytrace_collector.core.model import Event
from journeytrace_collector.core.operations import began
from journeytrace_desk.access.looks import LOOKS
from journeytrace_desk.views.axis import Axis, Gap
from journeytrace_desk.views.times import briefly, since, took
from journeytrace_desk.views.words import Tone, tone

__all__ = ["LANES", "Band", "Lane", "Mark", "More", "Timeline", "timeline"]

LANES: Final = ("FE", "BE", "OP")
"""From top to bottom; what a person did at the desk has a lane once there is any."""

WIDTH: Final = 1200
_LEFT, _RIGHT = 48.0, 1176.0
_BAND_ROW, _BAND_ROWS = 17, 4
_MARK_ROW, _MARK_ROWS = 12, 6
_MARK: Final = 7.0
"""Width of something that took no time."""
_LETTER: Final = 6.6
"""Width of a letter of a stage's name."""
_PAD: Final = 12
_AXIS: Final = 22
_UNSURE: Final = " (order not certain)"


@dataclass(frozen=True, slots=True)
class Band:
    """A stage, from its first event to its last."""

    name: str
    x: float
    y: int
    width: float
    label_x: float | None
    """Where its name stands; None: there is no room for it."""
    title: str


@dataclass(frozen=True, slots=True)
class Mark:
    """An event: a bar as long as it took, or a dot."""

    x: float
    y: int
    width: float
    """0: a dot."""
    tone: Tone
    title: str
    event_id: str


@dataclass(frozen=True, slots=True)
class More:
    """Events for which there is no room."""

    x: float
    y: int
    count: int


@dataclass(frozen=True, slots=True)
class Lane:
    """The events of one source."""

    name: str
    y: int
    """Of its middle."""
    end: int
    """Of its lower edge."""
    marks: list[Mark]
    more: list[More]


@dataclass(frozen=True, slots=True)
class Timeline:
    """The whole picture."""

    width: int
    height: int
    left: float
    bands: list[Band]
    top: int
    """Where the lanes begin."""
    bottom: int
    lanes: list[Lane]
    gaps: list[tuple[Gap, str]]
    """With how long each is, in words."""
    ticks: list[tuple[float, str]]


def timeline(
    events: Sequence[Event],
    stages: Mapping[str, tuple[int, int, int]],
    unsure: Collection[bytes] = (),
) -> Timeline:
    """Lay out the events of one session, at least one; `stages` as in `SessionState`.

    `unsure`: ids of those that may have happened before the one that stands before them.

    That somebody looked is left out: it would be more than all else, and comes long after it.
    """
    events = [event for event in events if event.name not in LOOKS] or events
    spans = ((event.at, event.at + event.duration) for event in events)
    axis = Axis(spans, _LEFT, _RIGHT, began(events))
    bands = _bands(axis, stages)
    top = y = max((band.y + _BAND_ROW for band in bands), default=0) + 6
    lanes = []
    for name in LANES:
        own = [event for event in events if event.source == name]
        if own or name != LANES[-1]:
            lane = _lane(name, own, axis, y, unsure)
            lanes.append(lane)
            y = lane.end
    return Timeline(
        width=WIDTH,
        height=y + _AXIS,
        left=_LEFT,
        bands=bands,
        top=top,
        bottom=y,
        lanes=lanes,
        gaps=[(gap, briefly(gap.ns)) for gap in axis.gaps()],
        ticks=[(tick.x, since(tick.ns).lstrip("+").partition(".")[0]) for tick in axis.ticks()],
    )


class _Rows:
    """Which places are taken, row by row, to the unit."""

    def __init__(self, rows: int) -> None:
        self._taken = [bytearray(WIDTH + 1) for _ in range(rows)]

    def take(self, start: float, end: float) -> int | None:
        """Take a place in the first row that has it free; None: none has."""
        first, last = max(int(start), 0), min(int(end) + 1, WIDTH)
        for number, row in enumerate(self._taken):
            if not any(row[first:last]):
                row[first:last] = b"\1" * (last - first)
                return number
        return None


def _bands(axis: Axis, stages: Mapping[str, tuple[int, int, int]]) -> list[Band]:
    rows = _Rows(_BAND_ROWS)
    bands = []
    for name, (_, start, end) in sorted(stages.items(), key=lambda item: (item[1][1], item[1][0])):
        x, right = axis.x(start), axis.x(end)
        width = max(right - x, 3.0)
        label = len(name) * _LETTER + 10
        label_x: float | None = x + 5
        begins, ends = x, x + max(width, label) + 2
        if ends > WIDTH:
            # What begins at the very end has its name before it.
            label_x, begins, ends = x - label + 5, x - label, x + width
        row = rows.take(begins, ends)
        if row is None:
            label_x = None
            row = rows.take(x, x + width)
        title = f"{name}: {since(start - axis.start)} to {since(end - axis.start)}"
        bands.append(Band(name, x, 4 + (row or 0) * _BAND_ROW, width, label_x, title))
    return bands


def _lane(
    name: str, events: Iterable[Event], axis: Axis, top: int, unsure: Collection[bytes]
) -> Lane:
    rows = _Rows(_MARK_ROWS - 1)
    marks: list[Mark] = []
    hidden: dict[int, int] = {}
    lowest = 0
    # What went wrong is found at a glance, however much there is beside it.
    for event in sorted(events, key=lambda one: (tone(one.result, one.impact) == "plain", one.at)):
        x, right = axis.x(event.at), axis.x(event.at + event.duration)
        width = right - x if right - x >= _MARK else 0.0
        row = rows.take(x - _MARK / 2, (x + width if width else x + _MARK / 2) + 1)
        if row is None:
            place = round(x / 28)
            hidden[place] = hidden.get(place, 0) + 1
            continue
        lowest = max(lowest, row)
        y = top + _PAD + row * _MARK_ROW
        marks.append(
            Mark(
                x,
                y,
                width,
                tone(event.result, event.impact),
                _title(event, axis) + _UNSURE * (event.event_id in unsure),
                event.event_id.hex(),
            )
        )
    y = top + _PAD + (lowest + 1) * _MARK_ROW
    more = [More(place * 28, y, count) for place, count in sorted(hidden.items())]
    end = y + (_MARK_ROW if more else 0) + 2
    end = max(end, top + 40)
    marks.sort(key=lambda mark: mark.x)
    return Lane(name, (top + end) // 2, end, marks, more)


def _title(event: Event, axis: Axis) -> str:
    impact = "" if event.impact == "NONE" else event.impact
    duration = took(event.duration, is_check=event.result is not None)
    code = event.error_code or ""
    words = (event.name, event.result or "", impact, code, since(event.at - axis.start), duration)
    return " ".join(word for word in words if word)
