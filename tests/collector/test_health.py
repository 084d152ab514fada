from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from journeytrace.conventions import (
    COLLECTOR_COMMIT_SECONDS,
    COLLECTOR_EXPORT_FAILURES_TOTAL,
    COLLECTOR_QUEUED_BYTES,
)
from journeytrace_collector.health import Health


def test_threads_lose_no_rise() -> None:
    """Counts from many threads add up."""
    health = Health()

    def fail(_: int) -> None:
        for _ in range(1000):
            health.add(COLLECTOR_EXPORT_FAILURES_TOTAL, ("otlp", "retryable"))
            health.observe(COLLECTOR_COMMIT_SECONDS, 0.5)

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(fail, range(4)))
    rises = health.tally().rises
    assert rises[COLLECTOR_EXPORT_FAILURES_TOTAL.name, ("otlp", "retryable")] == 4000
    assert rises[COLLECTOR_COMMIT_SECONDS.name + "_bucket", ("0.5",)] == 4000
    assert rises[COLLECTOR_COMMIT_SECONDS.name + "_sum", ()] == 2000


def test_a_gauge_is_read_when_somebody_looks() -> None:
    """It tells of that moment, not of the one in which it was set up."""
    health = Health()
    waiting = [1, 2]
    health.watch(COLLECTOR_QUEUED_BYTES, lambda: sum(waiting))
    waiting.append(3)
    assert health.tally().rises == {(COLLECTOR_QUEUED_BYTES.name, ()): 6}


def test_what_was_given_out_stays_as_it_is() -> None:
    """Who renders a tally is not disturbed by what happens meanwhile."""
    health = Health()
    health.add(COLLECTOR_EXPORT_FAILURES_TOTAL, ("otlp", "permanent"), 0)
    given = health.tally()
    health.add(COLLECTOR_EXPORT_FAILURES_TOTAL, ("otlp", "permanent"))
    assert given.rises == {(COLLECTOR_EXPORT_FAILURES_TOTAL.name, ("otlp", "permanent")): 0}
