"""Three million events in 100,000 sessions: memory of the process, and cost of one event more."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from statistics import median
from tempfile import TemporaryDirectory

from benchmarks.load import EVENTS_A_SESSION, Load, child, peak_memory_mib, send

MANY = 3_000_000
FEW = 30_000
ROUNDS = 7
MAX_MEMORY_MIB = 300
MAX_RATIO = 1.3


@contextmanager
def loaded(events: int) -> Iterator[tuple[int, str, Load]]:
    """Give pid and address of a collector that has stored so many events, and the load's state."""
    with (
        TemporaryDirectory() as folder,
        child("benchmarks.collector", folder) as (process, addresses),
    ):
        load = Load()
        address = addresses.split()[0]
        asyncio.run(send(address, load, events=events))
        yield process.pid, address, load


def main() -> None:
    few, many = [], []
    with loaded(MANY) as (pid, address, load):
        for _ in range(ROUNDS):
            # A fresh small store each round: measuring makes it larger.
            with loaded(FEW) as (_, small, small_load):
                few.append(1e6 / asyncio.run(send(small, small_load, events=FEW)))
            many.append(1e6 / asyncio.run(send(address, load, events=FEW)))
        sessions = load.sent // EVENTS_A_SESSION
        print(
            f"memory: {peak_memory_mib(pid):.0f} MiB at most with {sessions:,} sessions and"
            f" {load.sent:,} events stored (target < {MAX_MEMORY_MIB})"
        )
    print(
        f"cost of an event: {median(few):.1f} us with {FEW:,} stored, {median(many):.1f} us with"
        f" {MANY:,}, ratio {median(many) / median(few):.2f} (target <= {MAX_RATIO})"
    )


if __name__ == "__main__":
    main()
