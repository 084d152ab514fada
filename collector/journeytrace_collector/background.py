"""Work of the collector that never ends: a failure is told once, counted, and tried again."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable
from typing import Final

from journeytrace.conventions import COLLECTOR_BACKGROUND_FAILURES_TOTAL
from journeytrace_collector.errors import UnavailableError
from journeytrace_collector.health import Health

__all__ = ["Once", "backoff", "keep_doing"]

_log = logging.getLogger(__name__)

MOST_SECONDS: Final = 30.0
_MOST_REMEMBERED: Final = 1_000


class Once:
    """Tells what is new from what has been said already."""

    def __init__(self) -> None:
        self._said: set[str] = set()

    def first(self, text: str) -> bool:
        """Whether `text` is said for the first time. Beyond a bound nothing new is."""
        if text in self._said or len(self._said) >= _MOST_REMEMBERED:
            return False
        self._said.add(text)
        return True

    def forget(self) -> bool:
        """Begin anew; tells whether anything had been said."""
        had = bool(self._said)
        self._said.clear()
        return had


def backoff(failures: int, chance: float, most: float = MOST_SECONDS) -> float:
    """Give the seconds to wait after so many failures in a row, up to `most`.

    `chance` 0 to 1 spreads those who wait over the upper half.
    """
    ceiling = min(most, 0.5 * 2.0 ** min(failures, 20))
    return ceiling * (0.5 + chance / 2)


async def keep_doing(task: str, step: Callable[[], Awaitable[float]], health: Health) -> None:
    """Take a step again and again, until cancelled; each gives the seconds until the next.

    Whatever goes wrong with one, it is taken again: work that has ended would not come back.
    """
    health.add(COLLECTOR_BACKGROUND_FAILURES_TOTAL, (task,), 0)
    said = Once()
    failures = 0
    while True:
        try:
            pause = await step()
        except Exception as error:
            failures += 1
            health.add(COLLECTOR_BACKGROUND_FAILURES_TOTAL, (task,))
            if said.first(f"{type(error).__name__}: {error}"):
                _tell(task, error)
            pause = backoff(failures, random.random())  # noqa: S311
        else:
            failures = 0
            if said.forget():
                _log.warning("%s: goes on again", task)
        await asyncio.sleep(pause)


def _tell(task: str, error: Exception) -> None:
    if isinstance(error, UnavailableError):
        _log.warning("%s: is tried again, for now it cannot be done: %s", task, error)
    else:
        _log.error("%s: failed and is tried again", task, exc_info=error)
