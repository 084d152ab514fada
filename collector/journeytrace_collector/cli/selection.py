"""Which events of a session are shown, and how many are left out."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final

from journeytrace_collector.cli.client import Event
from journeytrace_collector.cli.terminal import parse_time
from journeytrace_collector.settings.durations import parse_duration

__all__ = ["Selection", "counted", "instant", "select"]

_OFFSET: Final = re.compile(r"([+-])(?:(\d+):)?(\d+):(\d+(?:\.\d+)?)", re.ASCII)
_CLOCK: Final = re.compile(r"\d\d:\d\d(?::\d\d(?:\.\d{1,6})?)?", re.ASCII)
_FORMS: Final = (
    "is no time: give what the timeline shows (+01:08.123), a time of day in UTC (14:31), "
    "RFC 3339 (2026-11-20T14:31:08Z), or a span back from now (2h)"
)


@dataclass(frozen=True, slots=True)
class Selection:
    """What is shown, and how many events are left out of it."""

    events: Sequence[Event]
    before: int = 0
    """Earlier than the time asked for."""
    after: int = 0
    """Later than it."""
    quiet: int = 0
    """Neither failed nor had an impact."""
    elsewhere: int = 0
    """Of another source."""

    def left_out(self) -> Iterator[str]:
        """Tell what was left out by its kind; what is before and after is told where it stood."""
        if self.quiet:
            yield f"{counted(self.quiet)} that neither failed nor had an impact"
        if self.elsewhere:
            yield f"{counted(self.elsewhere)} of another source"


def counted(count: int) -> str:
    """Give a number of events in words."""
    return f"{count} event" if count == 1 else f"{count} events"


def select(
    events: Sequence[Event],
    *,
    source: str | None = None,
    failed: bool = False,
    around: datetime | None = None,
    within: timedelta = timedelta(minutes=1),
) -> Selection:
    """Choose from the events of a session, which stay in order.

    `source`: only its own. `failed`: only those that failed or had an impact. `around`: only those
    at most `within` from this time; None: of any time.
    """
    own = [event for event in events if source is None or event["source"] == source]
    elsewhere = len(events) - len(own)
    kept = [event for event in own if not failed or _matters(event)]
    quiet = len(own) - len(kept)
    if around is None:
        return Selection(kept, quiet=quiet, elsewhere=elsewhere)
    # Differences, for a span of years would lead out of the calendar.
    away = [parse_time(event["at"]) - around for event in kept]
    return Selection(
        [event for event, span in zip(kept, away, strict=True) if abs(span) <= within],
        before=sum(span < -within for span in away),
        after=sum(span > within for span in away),
        quiet=quiet,
        elsewhere=elsewhere,
    )


def _matters(event: Event) -> bool:
    return event["result"] == "FAIL" or event["impact"] != "NONE"


def instant(text: str, start: datetime, end: datetime, now: datetime) -> datetime:
    """Read a time in a session that lasts from `start` to `end`.

    It is an offset from the start, as timelines show it; a time of day in UTC, of the day on which
    it is nearest to the session; RFC 3339, in UTC where it does not say; or a span back from now.

    Raises:
        ValueError: it is none of these; the message shows them.
    """
    try:
        if offset := _OFFSET.fullmatch(text):
            sign, hours, minutes, seconds = offset.groups()
            span = timedelta(hours=int(hours or 0), minutes=int(minutes), seconds=float(seconds))
            return start - span if sign == "-" else start + span
        if _CLOCK.fullmatch(text):
            return _nearest(time.fromisoformat(text), start, end)
        if "-" in text:
            at = datetime.fromisoformat(text)
            return (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC)
        return now - parse_duration(text)
    except (ValueError, OverflowError):
        raise ValueError(f"{text!r} {_FORMS}") from None


def _nearest(clock: time, start: datetime, end: datetime) -> datetime:
    def day(of: date) -> datetime:
        return datetime.combine(of, clock, UTC)

    first, last = start.date(), end.date()
    one = timedelta(days=1)
    days = {first - one, first, last, last + one}
    return min(
        (day(of) for of in sorted(days)),
        key=lambda at: max(start - at, at - end, timedelta(0)),
    )
