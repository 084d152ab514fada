"""How the collector itself is doing since it started: kept in memory, and gone with the process.

What must survive a restart is counted in the store instead. A restart shows here as a counter
reset, which Prometheus knows how to read.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping

from journeytrace.conventions import Metric
from journeytrace_collector.core.change import Series, Tally
from journeytrace_collector.core.series import observe

__all__ = ["Health"]


class Health:
    """Counters, observations and gauges; thread-safe, and cheap enough for every transaction."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._tally = Tally()
        self._gauges: dict[Series, Callable[[], float]] = {}
        self._shown: dict[str, dict[Series, float]] = {}

    def add(self, metric: Metric, labels: tuple[str, ...] = (), by: float = 1) -> None:
        """Let a counter rise. By 0: it shows from now on, so that its first rise will, too."""
        with self._lock:
            self._tally.add(metric.name, labels, by)

    def observe(self, metric: Metric, value: float, labels: tuple[str, ...] = ()) -> None:
        """Put one value, in the histogram's unit, into its bucket."""
        with self._lock:
            observe(self._tally, metric, labels, value)

    def watch(
        self, metric: Metric, read: Callable[[], float], labels: tuple[str, ...] = ()
    ) -> None:
        """Let a gauge be read whenever somebody looks; `read` is called in any thread."""
        self._gauges[metric.name, labels] = read

    def show(self, metric: Metric, values: Mapping[tuple[str, ...], float]) -> None:
        """Let these be all values of a gauge, by their labels, until the next ones are shown."""
        found = {(metric.name, labels): value for labels, value in values.items()}
        with self._lock:
            self._shown[metric.name] = found

    def tally(self) -> Tally:
        """Give everything as it stands, in the form in which a store gives its counters."""
        gauges = {series: read() for series, read in self._gauges.items()}
        with self._lock:
            for found in self._shown.values():
                gauges |= found
            return Tally(self._tally.rises | gauges)
