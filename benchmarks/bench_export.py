"""Ingest with every span forwarded against ingest without, in one run.

A round ends when the last span has been forwarded, so that no work is left to the next one.
"""

from __future__ import annotations

import asyncio
import sqlite3
import time
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from benchmarks.load import Load, child, send
from journeytrace_collector.store.sqlite import FILE_NAME

ROUNDS = 5
SECONDS = 4.0
TARGET = 0.8


def main() -> None:
    with (
        TemporaryDirectory() as folder,
        child("benchmarks.decode_only", "take") as (_, backend),
        child("benchmarks.collector", f"{folder}/with", backend) as (_, forwarding),
        child("benchmarks.collector", f"{folder}/without") as (_, plain),
    ):
        loads = {forwarding: Load(), plain: Load()}
        rates: dict[str, list[float]] = {forwarding: [], plain: []}
        for _ in range(ROUNDS):
            for addresses, load in loads.items():
                first, start = load.sent, time.perf_counter()
                asyncio.run(send(addresses.split()[0], load, SECONDS))
                if addresses == forwarding:
                    wait_until_forwarded(Path(folder) / "with")
                rates[addresses].append((load.sent - first) / (time.perf_counter() - start))
        ratio = median(a / b for a, b in zip(rates[forwarding], rates[plain], strict=True))
        print(
            f"export: {median(rates[forwarding]):,.0f} events/s with exporters,"
            f" {median(rates[plain]):,.0f} without, ratio {ratio:.2f} (target >= {TARGET})"
        )


def wait_until_forwarded(folder: Path) -> None:
    connection = sqlite3.connect(f"file:{folder / FILE_NAME}?mode=ro", uri=True)
    while connection.execute("SELECT 1 FROM outbox LIMIT 1").fetchone():
        time.sleep(0.01)
    connection.close()


if __name__ == "__main__":
    main()
