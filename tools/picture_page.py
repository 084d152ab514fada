"""A page of a collector's figures, as one SVG that fits a light and a dark page."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from html import escape
from typing import Final

from prometheus_client.parser import text_string_to_metric_families

from journeytrace.catalogue import builtin_catalogue
from journeytrace.conventions import EVENTS_TOTAL
from journeytrace_collector.cli.client import Summary
from journeytrace_collector.cli.terminal import parse_time

__all__ = ["Figures", "draw"]

WIDTH: Final = 1040
MARGIN: Final = 16
TALL: Final = 244
HALF: Final = (WIDTH - 3 * MARGIN) // 2
GREEN, BLUE, ORANGE, RED = "#2da44e", "#3b82f6", "#e8830c", "#e5484d"
YELLOW, PURPLE, CRIMSON = "#c99a0b", "#8e5bd6", "#b4232f"
STATUS: Final = {"COMPLETED": GREEN, "IN_PROGRESS": BLUE, "DROPPED": ORANGE, "ERROR": RED}
DECISION: Final = {"APPROVED": GREEN, "REJECTED": CRIMSON, "PENDING": PURPLE}
IMPACT: Final = {"BLOCKED": RED, "RETAKE": YELLOW, "REJECTED": CRIMSON, "PENDING": PURPLE}
STYLE: Final = (
    "text{font:13px system-ui,-apple-system,'DejaVu Sans',sans-serif;fill:#1f2328}"
    ".quiet{fill:#59636e;font-size:12px}.title{font-weight:600;font-size:14px}"
    ".head{font-weight:600;font-size:19px}.big{font-weight:600;font-size:27px}"
    ".page{fill:#f6f8fa}.panel{fill:#fff;stroke:#d1d9e0}.track{fill:#818b98;fill-opacity:.16}"
    "@media (prefers-color-scheme:dark){text{fill:#e6edf3}.quiet{fill:#9198a1}"
    ".page{fill:#0d1117}.panel{fill:#151b23;stroke:#3d444d}}"
)


@dataclass(frozen=True)
class Figures:
    """What a collector said."""

    sessions: list[Summary]
    metrics: str
    now: int
    """ns"""


Bar = tuple[str, float, str, str]
"""Label, share of the longest (0 to 1), what stands behind it, colour."""


def draw(figures: Figures) -> str:
    """Give the page."""
    sessions = figures.sessions
    second = 2 * MARGIN + HALF
    parts = [
        _text(MARGIN + 4, 36, "Journeys", "head"),
        _text(MARGIN + 104, 36, f"{len(sessions)} sessions of the demo, in three hours", "quiet"),
        *_cards(sessions, 56),
        *_panel(MARGIN, 146, "How far they came"),
        *_bars(MARGIN, 146, 110, _funnel(sessions)),
        *_panel(second, 146, "What was decided, and why"),
        *_bars(second, 146, 230, _reasons(sessions)),
        *_panel(MARGIN, 406, "Started, by where they are now"),
        *_columns(MARGIN, 406, sessions, figures.now),
        *_panel(second, 406, "What stood in the way most"),
        *_bars(second, 406, 230, _hurdles(figures.metrics)),
    ]
    height = 406 + TALL + MARGIN
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img">',
            "<title>Figures of a collector after the demo</title>",
            f"<style>{STYLE}</style>",
            f'<rect class="page" width="{WIDTH}" height="{height}" rx="8"/>',
            *parts,
            "</svg>\n",
        ]
    )


def _cards(sessions: Sequence[Summary], top: int) -> Iterator[str]:
    statuses = Counter(row["status"] for row in sessions)
    decisions = Counter(row["decision"] for row in sessions)
    cards = (
        ("Sessions", str(len(sessions)), BLUE),
        ("Completed", _share(statuses["COMPLETED"], len(sessions)), GREEN),
        ("Approved", _share(decisions["APPROVED"], len(sessions)), GREEN),
        ("Rejected", _share(decisions["REJECTED"], len(sessions)), CRIMSON),
        ("On hold", _share(decisions["PENDING"], len(sessions)), PURPLE),
        ("Dropped", _share(statuses["DROPPED"], len(sessions)), ORANGE),
        ("Error page", _share(statuses["ERROR"], len(sessions)), RED),
    )
    width = (WIDTH - (len(cards) + 1) * MARGIN) / len(cards)
    for number, (label, value, colour) in enumerate(cards):
        left = MARGIN + number * (width + MARGIN)
        yield _box("panel", left, top, width, 74)
        yield _rect(left, top + 12, 3, 50, colour)
        yield _text(left + 16, top + 26, label, "quiet")
        yield _text(left + 16, top + 58, value, "big")


def _funnel(sessions: Sequence[Summary]) -> list[Bar]:
    catalogue = builtin_catalogue()
    ranks = [catalogue.rank(row["stage"]) for row in sessions]
    bars: list[Bar] = []
    for rank, stage in enumerate(catalogue.ordered_stages):
        count = sum(1 for one in ranks if one is not None and one >= rank)
        share = count / len(sessions)
        bars.append((stage, share, f"{count}   {share:.0%}", BLUE))
    return bars


def _reasons(sessions: Sequence[Summary]) -> list[Bar]:
    found = Counter((row["decision"], row["reason"]) for row in sessions if row["decision"])
    decided = [
        (reason or "approved", count, DECISION[decision or ""])
        for (decision, reason), count in found.items()
    ]
    return _ranked(decided, 8)


def _hurdles(metrics: str) -> list[Bar]:
    found: Counter[tuple[str, str]] = Counter()
    catalogue = builtin_catalogue()
    for family in text_string_to_metric_families(metrics):
        for sample in family.samples:
            event, impact = sample.labels.get("event", ""), sample.labels.get("impact", "")
            check = event in catalogue.events and catalogue.events[event].is_check
            if sample.name == EVENTS_TOTAL.name and check and impact in IMPACT:
                found[event, impact] += int(sample.value)
    return _ranked([(event, n, IMPACT[impact]) for (event, impact), n in found.items() if n], 8)


def _ranked(rows: Sequence[tuple[str, int, str]], most: int) -> list[Bar]:
    ordered = sorted(rows, key=lambda row: (-row[1], row[0]))[:most]
    longest = max(count for _, count, _ in ordered)
    return [(label, count / longest, str(count), colour) for label, count, colour in ordered]


def _columns(left: int, top: int, sessions: Sequence[Summary], now: int) -> Iterator[str]:
    width, height = HALF, TALL
    slots, minutes = 18, 10
    end = datetime.fromtimestamp(now / 1e9, UTC)
    start = end - timedelta(minutes=slots * minutes)
    found: Counter[tuple[int, str]] = Counter()
    for row in sessions:
        slot = int((parse_time(row["created_at"]) - start) / timedelta(minutes=minutes))
        found[max(0, slot), row["status"]] += 1
    tallest = max(sum(found[slot, status] for status in STATUS) for slot in range(slots))
    step, room = (width - 36) / slots, height - 104
    for slot in range(slots):
        bottom = float(top + height - 58)
        for status, colour in STATUS.items():
            size = room * found[slot, status] / tallest
            if size:
                bottom -= size
                yield _rect(left + 18 + slot * step, bottom, step - 6, size, colour)
    for slot in range(0, slots + 1, 6):
        at = f"{start + timedelta(minutes=slot * minutes):%H:%M}"
        anchor = {0: "start", slots: "end"}.get(slot, "middle")
        yield _text(
            left + 18 + slot * step - (3 if slot else 0), top + height - 38, at, "quiet", anchor
        )
    for number, (status, colour) in enumerate(STATUS.items()):
        x = left + 18 + number * 118
        yield _rect(x, top + height - 23, 10, 10, colour)
        yield _text(x + 16, top + height - 14, status, "quiet")


def _panel(left: int, top: int, title: str) -> Iterator[str]:
    yield _box("panel", left, top, HALF, TALL)
    yield _text(left + 18, top + 28, title, "title")


def _bars(left: int, top: int, label: int, bars: Sequence[Bar]) -> Iterator[str]:
    step = 196 / max(len(bars), 7)
    room = HALF - label - 36 - 76
    for number, (name, share, value, colour) in enumerate(bars):
        middle = top + 54 + number * step
        yield _text(left + 18, middle + 4, name, "quiet")
        x = left + 18 + label
        yield _box("track", x, middle - 7, room, 14)
        yield _rect(x, middle - 7, max(3, room * share), 14, colour)
        yield _text(x + room + 10, middle + 4, value)


def _box(kind: str, x: float, y: float, width: float, height: float) -> str:
    return (
        f'<rect class="{kind}" x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}"'
        ' rx="4"/>'
    )


def _rect(x: float, y: float, width: float, height: float, colour: str) -> str:
    return (
        f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}"'
        f' rx="2" fill="{colour}"/>'
    )


def _text(x: float, y: float, text: str, kind: str = "", anchor: str = "start") -> str:
    return (
        f'<text class="{kind}" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"'
        f' xml:space="preserve">{escape(text)}</text>'
    )


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.0%}"
