"""A collector for the benchmarks; prints its OTLP/gRPC and admin addresses.

Its arguments are the folder of the store and, to forward all spans, the address of a backend.
"""

from __future__ import annotations

import asyncio
import signal
import sys
from pathlib import Path

from journeytrace_collector.process import Collector, tune_python
from journeytrace_collector.settings import Address, Settings


async def main(folder: Path, backend: str | None) -> None:
    free = Address("127.0.0.1", 0)
    exporters = {"otlp": {"endpoint": f"http://{backend}", "email": "drop"}} if backend else {}
    settings = Settings(
        data=folder, otlp_grpc=free, otlp_http=free, admin=free, desk=None, exporters=exporters
    )
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    async with Collector(settings) as collector:
        tune_python()
        print(collector.otlp_grpc, collector.admin, flush=True)
        await stop.wait()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else None))
