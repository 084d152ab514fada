"""How far a log has been stored, told in time: pure (DESIGN section 11).

A watermark is a moment before which nothing lies unread: all that was appended before it has been
stored. The lowest of all partitions is the clock that settles sessions, so somebody whose events
wait in a backlog is told no end that they have not come to.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Mapping
from typing import Final

__all__ = ["MOST_MARKS", "WHOLE", "Partition", "Progress", "reached", "surveyed"]

Partition = tuple[str, int]
"""(topic, number)"""

WHOLE: Final = -1
"""In place of a number: the topic as such. Its watermark is when it was last looked at which
partitions it has; one that was added afterwards holds everything back at that moment."""

MOST_MARKS: Final = 64
"""Ends of a log that are remembered until they have been stored."""


class Progress:
    """How far one partition has been stored, as its consumer sees it."""

    def __init__(self) -> None:
        self.offset = 0
        """Everything before it is stored."""
        self.end = 0
        """Where the log ended when it was last looked at."""
        self.at = 0
        """The watermark in ns; 0: nothing is known yet."""
        self._marks: deque[tuple[int, int]] = deque()

    @property
    def lag(self) -> int:
        """Messages that are not stored yet."""
        return max(0, self.end - self.offset)

    def store(self, offset: int, appended: int | None) -> None:
        """Note that everything before `offset` is stored.

        `appended`: when the log took the last message before it, in ns. A log keeps its messages in
        that order. None: the time that the message carries is not the log's.
        """
        self.offset = max(self.offset, offset)
        if appended is not None:
            self.at = max(self.at, appended)
        while self._marks and self._marks[0][0] <= self.offset:
            self.at = max(self.at, self._marks.popleft()[1])

    def look(self, end: int, at: int) -> None:
        """Note that the log ended at `end` when it was asked at `at` (ns), or later."""
        self.end = end
        if end <= self.offset:
            # Drained: the wall's time counts.
            self.at = max(self.at, at)
            self._marks.clear()
            return
        if len(self._marks) == MOST_MARKS:
            # Less is known of the moments between, and nothing is claimed too early.
            self._marks.pop()
        self._marks.append((end, at))


def reached(marks: Mapping[Partition, int], topics: Collection[str] = ()) -> int | None:
    """Give the moment (ns) before which nothing lies unread; None: nothing is read from a log.

    `topics` are those that somebody is set up to read: one of which nothing is known holds all.
    """
    if any((topic, WHOLE) not in marks for topic in topics):
        return 0
    return min(marks.values(), default=None)


def surveyed(
    known: Mapping[Partition, int], found: Mapping[str, int | None], at: int
) -> dict[Partition, int]:
    """Give the watermarks to note, once it was asked at `at` (ns) which partitions there are.

    `found` is their number for each topic; None: there is no such topic. A partition that nobody
    knows came after the last look at its topic. A topic that is gone though partitions of it are
    known holds them: brokers that have just started may not know it yet.
    """
    notes: dict[Partition, int] = {}
    for topic, count in found.items():
        if count is None and any(one[0] == topic and one[1] != WHOLE for one in known):
            continue
        since = known.get((topic, WHOLE), 0)
        for number in range(count or 0):
            if (topic, number) not in known:
                notes[topic, number] = since
        notes[topic, WHOLE] = at
    return notes
