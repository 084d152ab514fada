"""A collector for the benchmarks; prints its OTLP/gRPC and admin addresses."""

from __future__ import annotations

import asyncio
import signal
import sys
from pathlib import Path

from journeytrace_collector.config import Address, Settings
from journeytrace_collector.process import Collector


async def main(folder: Path) -> None:
    free = Address("127.0.0.1", 0)
    settings = Settings(data=folder, otlp_grpc=free, otlp_http=free, admin=free)
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    async with Collector(settings) as collector:
        print(collector.otlp_grpc, collector.admin, flush=True)
        await stop.wait()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
