"""Settling 100,000 sessions that are due, and what a sender notices of it meanwhile."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import grpc.aio
from tests.support.events import IDLE_TIMEOUT

from benchmarks.bench_queries import SESSIONS, fill
from benchmarks.load import EXPORT, Load, child
from journeytrace_collector.store.sqlite import FILE_NAME

REQUESTS_A_SECOND = 10
MAX_SECONDS = 30
"""With the rules that are shipped; they are held against each session that settles."""
MAX_P99_MS = 100
PATIENCE_SECONDS = 600
# Through the indexes of what is still to settle, so that looking costs next to nothing.
WAITING = (
    "SELECT count(*) FROM sessions WHERE pending = 'QUIET' AND no <= ?",
    "SELECT count(*) FROM sessions WHERE pending = 'IDLE' AND no <= ?",
)


def alone() -> None:
    """Measure a collector that has nothing else to do."""
    with TemporaryDirectory() as folder:
        fill(Path(folder), time.time_ns())
        with child("benchmarks.collector", folder):
            start = time.perf_counter()
            seconds = wait_until_settled(Path(folder)) - start
    print(
        f"settling: {SESSIONS:,} sessions in {seconds:.1f} s (target < {MAX_SECONDS})", flush=True
    )


async def beside_work() -> None:
    """Measure one that forwards all spans, and takes in what a sender has."""
    with TemporaryDirectory() as folder:
        fill(Path(folder), time.time_ns())
        with (
            child("benchmarks.decode_only", "take") as (_, backend),
            child("benchmarks.collector", folder, backend) as (_, addresses),
        ):
            start = time.perf_counter()
            settling = asyncio.create_task(asyncio.to_thread(wait_until_settled, Path(folder)))
            answers = []
            async with grpc.aio.insecure_channel(addresses.split()[0]) as channel:
                export = channel.unary_unary(EXPORT)
                load = Load()
                while not settling.done():
                    sent = time.perf_counter()
                    await export(load.request())
                    answers.append((time.perf_counter() - sent) * 1000)
                    await asyncio.sleep(1 / REQUESTS_A_SECOND)
            seconds = await settling - start
    answers.sort()
    print(
        f"settling, spans forwarded, {len(answers) * load.events / seconds:,.0f} events a second"
        f" beside it: {SESSIONS:,} sessions in {seconds:.1f} s (target < {MAX_SECONDS}), meanwhile"
        f" answers after {answers[len(answers) // 2]:.0f} ms (median),"
        f" {answers[int(len(answers) * 0.99)]:.0f} ms (p99 of {len(answers)},"
        f" target < {MAX_P99_MS})"
    )


def wait_until_settled(folder: Path) -> float:
    """Give the time when the last of the sessions stored beforehand has settled."""
    connection = sqlite3.connect(f"file:{folder / FILE_NAME}?mode=ro", uri=True)
    # Those of the last minutes are not due yet.
    recent = "SELECT count(*) FROM sessions WHERE idle_at > ? AND pending IS NOT NULL AND no <= ?"
    (left,) = connection.execute(recent, (time.time_ns() - IDLE_TIMEOUT, SESSIONS)).fetchone()
    end = time.monotonic() + PATIENCE_SECONDS
    while sum(connection.execute(sql, (SESSIONS,)).fetchone()[0] for sql in WAITING) > left:
        assert time.monotonic() < end, f"waited {PATIENCE_SECONDS} s for sessions to settle"
        time.sleep(0.2)
    connection.close()
    return time.perf_counter()


if __name__ == "__main__":
    alone()
    asyncio.run(beside_work())
