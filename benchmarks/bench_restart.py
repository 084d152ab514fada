"""From the start of a collector to its being ready, with a million sessions stored (SQLite).

After a clean stop, and after a kill -9 under load with 10,000 sessions open: then what the rows of
sessions were behind is folded anew first.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from contextlib import closing, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import grpc
from tests.support.events import IDLE_TIMEOUT, MINUTE

from benchmarks.bench_filters import DAYS, MADE, SESSIONS, Times, copy_sqlite, fill
from benchmarks.load import Layout, Load, send
from journeytrace.catalogue import builtin_catalogue
from journeytrace_collector.store import SqliteStore

EVENTS = 150_000
"""Sent before the kill, so that most of the sessions have some."""
TARGET_SECONDS = 5


def main(sessions: str = str(SESSIONS)) -> None:
    step = DAYS * 1440 * MINUTE // int(sessions)
    times = Times(time.time_ns(), step, int(sessions) // MADE - 1)
    with TemporaryDirectory() as name:
        folder = Path(name)
        with closing(SqliteStore(folder, builtin_catalogue(), IDLE_TIMEOUT)) as store:
            fill(store, times)
        copy_sqlite(folder, times)
        tell("a clean stop", *started(folder))
        process, address, _ = started(folder)
        asyncio.run(loaded(process, address))
        tell("a kill under load", *started(folder))


def started(folder: Path) -> tuple[subprocess.Popen[str], str, float]:
    """Give a collector, its address, and after how many seconds it told it."""
    begun = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.collector", str(folder)],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout
    address = process.stdout.readline().split()[0]
    return process, address, time.perf_counter() - begun


async def loaded(process: subprocess.Popen[str], address: str) -> None:
    """Kill a collector while it has much to do."""
    load = Load(Layout.SHUFFLED)
    await send(address, load, events=EVENTS, in_flight=16)
    sending = asyncio.create_task(send(address, load, seconds=60.0, in_flight=16))
    await asyncio.sleep(2)
    process.kill()
    process.wait()
    with suppress(grpc.aio.AioRpcError):
        await sending


def tell(after: str, process: subprocess.Popen[str], _: str, seconds: float) -> None:
    process.terminate()
    process.wait()
    print(
        f"restart: ready {seconds:.1f} s after the start, after {after}"
        f" (target < {TARGET_SECONDS} s)",
        flush=True,
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
