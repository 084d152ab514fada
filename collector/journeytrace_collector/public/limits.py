"""How much anybody may send: pure, the time is an argument, and memory is bounded."""

from __future__ import annotations

from collections import Counter, OrderedDict
from typing import Final

from journeytrace_collector.errors import OverloadedError

__all__ = ["MOST_KNOWN", "Buckets", "Counts", "Space", "Turns"]

MOST_KNOWN: Final = 50_000
"""Sessions, or addresses, that are remembered: some 10 MiB."""


class Buckets:
    """For each key so many in one go, and so many a second after that.

    What is remembered of a key is when its bucket is full again. Where there is no room for another
    key, the one that was seen least recently goes, and the newcomer takes its bucket over: so
    nobody gets a full one by pushing others out.
    """

    def __init__(self, rate: float, burst: float, most: int = MOST_KNOWN) -> None:
        self._rate = rate
        self._burst = burst
        self._most = most
        self._full_at: OrderedDict[str, float] = OrderedDict()

    def __len__(self) -> int:
        return len(self._full_at)

    def take(self, key: str, cost: float, now: float) -> float:
        """Take `cost` at `now`, in seconds; gives the seconds until there is as much, 0: taken."""
        full_at = max(now, self._of(key, now)) + cost / self._rate
        wait = full_at - now - self._burst / self._rate
        # What floating point leaves over is no time to wait for.
        if wait > 1e-6:
            return wait
        self._full_at[key] = full_at
        return 0.0

    def _of(self, key: str, now: float) -> float:
        known = self._full_at.get(key)
        if known is None:
            known = now
            if len(self._full_at) >= self._most:
                _, known = self._full_at.popitem(last=False)
            self._full_at[key] = known
        self._full_at.move_to_end(key)
        return known


class Counts:
    """How many events each session has sent in all, of the sessions that were seen last.

    One that was forgotten is told by the store when it comes again, so that being forgotten buys
    nothing, nor does a restart.
    """

    def __init__(self, limit: int, most: int = MOST_KNOWN) -> None:
        self._limit = limit
        self._most = most
        self._counts: OrderedDict[str, int] = OrderedDict()

    def __contains__(self, key: str) -> bool:
        return key in self._counts

    def __len__(self) -> int:
        return len(self._counts)

    def learn(self, key: str, count: int) -> None:
        """Note what the store knows of a session that is not known here."""
        if key not in self._counts:
            while len(self._counts) >= self._most:
                self._counts.popitem(last=False)
            self._counts[key] = count

    def take(self, key: str, count: int) -> bool:
        """Count `count` more; False: there is no room for them."""
        total = self._counts.get(key, 0) + count
        if total > self._limit:
            return False
        self.learn(key, 0)
        self._counts[key] = total
        self._counts.move_to_end(key)
        return True

    def give_back(self, key: str, count: int) -> None:
        """Count them no longer: they were not stored, and come again."""
        if key in self._counts:
            self._counts[key] = max(0, self._counts[key] - count)


class Turns:
    """How many requests of each session are on their way: few, or one page took all there is."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._taken: Counter[str] = Counter()

    def __len__(self) -> int:
        return len(self._taken)

    def take(self, key: str) -> bool:
        """Take a turn, to be given back; False: there is none."""
        if self._taken[key] >= self._most:
            return False
        self._taken[key] += 1
        return True

    def give_back(self, key: str) -> None:
        """Give back a turn that was taken."""
        self._taken[key] -= 1
        if not self._taken[key]:
            del self._taken[key]


class Space:
    """Bytes of pages that may be on their way: apart from those of services, which lose none."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._held = 0

    def hold(self, size: int) -> None:
        """Count bytes; below zero: no longer.

        Raises:
            OverloadedError: they are more than there may be.
        """
        if size > 0 and self._held + size > self._most:
            raise OverloadedError("too many requests of pages are on their way to the store")
        self._held += size
