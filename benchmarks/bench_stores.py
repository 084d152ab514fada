"""Durable ingest over gRPC into PostgreSQL and into SQLite, by turns in one run; fsync on for both.

With arguments it is one of the two collectors: a folder and, for PostgreSQL, an address.
"""

from __future__ import annotations

import asyncio
import signal
import sys
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from pydantic import SecretStr
from tests.support.postgresql import running_server

from benchmarks.load import Load, child, send
from journeytrace_collector.process import Collector
from journeytrace_collector.settings import Address, Settings

ROUNDS = 5
SECONDS = 3.0
TARGET = 0.5


def main() -> None:
    with running_server("-c shared_buffers=256MB -c max_wal_size=4GB") as server:
        (fsync,) = server.execute("SHOW fsync")[0]
        assert fsync == "on"
        compare(server.empty())


def compare(url: str) -> None:
    with (
        TemporaryDirectory() as folder,
        child("benchmarks.bench_stores", f"{folder}/a") as (_, sqlite),
        child("benchmarks.bench_stores", f"{folder}/b", url) as (_, postgresql),
    ):
        loads = Load(), Load()
        theirs, ours = [], []
        for _ in range(ROUNDS):
            theirs.append(asyncio.run(send(sqlite, loads[0], SECONDS)))
            ours.append(asyncio.run(send(postgresql, loads[1], SECONDS)))
    ratio = median(a / b for a, b in zip(ours, theirs, strict=True))
    print(
        f"stores: {median(ours):,.0f} events/s durable in PostgreSQL,"
        f" {median(theirs):,.0f} in SQLite, ratio {ratio:.2f} (target >= {TARGET})"
    )


async def collect(folder: str, url: str | None = None) -> None:
    """Run a collector and print where it takes OTLP over gRPC."""
    free = Address("127.0.0.1", 0)
    store = SecretStr(url) if url else None
    settings = Settings(
        data=Path(folder), store=store, otlp_grpc=free, otlp_http=free, admin=free, desk=None
    )
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    async with Collector(settings) as collector:
        print(collector.otlp_grpc, flush=True)
        await stop.wait()


if __name__ == "__main__":
    if len(sys.argv) > 1:
        asyncio.run(collect(*sys.argv[1:]))
    else:
        main()
