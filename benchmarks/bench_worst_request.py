"""The worst request: a search for the body that costs a collector most, in seconds or memory.

Each body is sent over HTTP to a collector of its own, whose time on the processor and whose peak
of memory are read from the system. With a number as argument the search takes so many steps; with
the word ``export`` the collector also forwards all spans.
"""

from __future__ import annotations

import asyncio
import http.client
import os
import random
import re
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from benchmarks.hostile import Body, Shape, known
from benchmarks.load import child
from journeytrace_collector.process import Collector
from journeytrace_collector.settings import Address, Settings

SECONDS = 2.0
MIB = 150.0
STEPS = 30
SEED = 7
TYPES = {"protobuf": "application/x-protobuf", "json": "application/json"}
TICK = os.sysconf("SC_CLK_TCK")


class Cost(NamedTuple):
    """What a body cost."""

    seconds: float
    """Of one core, until the collector was at rest again."""
    mib: float
    """Above what it held before."""
    status: int
    body: Body

    @property
    def score(self) -> float:
        """How near it comes to a limit, or how far beyond."""
        return max(self.seconds / SECONDS, self.mib / MIB)

    def __str__(self) -> str:
        size = len(self.body.content)
        what = f"{self.body.form}, {size:,} bytes, answered {self.status}: {self.body.name}"
        return f"{self.seconds:5.2f} s {self.mib:6.1f} MiB  {what}"


def measure(body: Body, backend: str | None) -> Cost:
    """Send a body to a collector that has taken one small request before."""
    with TemporaryDirectory() as folder, _collector(folder, backend) as (pid, address):
        _post(address, replace(Shape(), spans=2).body())
        _rest(pid)
        Path(f"/proc/{pid}/clear_refs").write_text("5", "ascii")
        before, seconds = _memory(pid, "VmRSS"), _seconds(pid)
        status = _post(address, body)
        _rest(pid)
        spent, most = _seconds(pid) - seconds, _memory(pid, "VmHWM") - before
        return Cost(spent, most, status, body)


@contextmanager
def _collector(folder: str, backend: str | None) -> Iterator[tuple[int, str]]:
    arguments = ["serve", folder, *([backend] if backend else [])]
    with child("benchmarks.bench_worst_request", *arguments) as (process, address):
        yield process.pid, address


def _post(address: str, body: Body) -> int:
    headers = {"Content-Type": TYPES[body.form]}
    if body.gzip:
        headers["Content-Encoding"] = "gzip"
    with closing(http.client.HTTPConnection(address, timeout=300)) as connection:
        # It may be refused before all of it is read.
        with suppress(OSError):
            connection.request("POST", "/v1/traces", body.content, headers)
        try:
            return connection.getresponse().status
        except (OSError, http.client.HTTPException):
            return 0


def _rest(pid: int) -> None:
    """Wait until it does nothing for a fifth of a second."""
    before = -1.0
    while (now := _seconds(pid)) - before > 0.02:
        before = now
        time.sleep(0.2)


def _seconds(pid: int) -> float:
    parts = Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()
    return (int(parts[11]) + int(parts[12])) / TICK


def _memory(pid: int, what: str) -> float:
    status = Path(f"/proc/{pid}/status").read_text("ascii")
    return int(re.findall(rf"{what}:\s+(\d+) kB", status)[0]) / 1024


def search(steps: int, backend: str | None) -> list[Cost]:
    """Try what is known, then go from the worst shapes to worse ones."""
    found = [measure(body, backend) for body in known()]
    chance = random.Random(SEED)
    shapes = [
        Shape(),
        Shape(spans=19_900, sessions=20_000),
        Shape(spans=1, attributes=0, events=19_900),
        Shape(spans=19_900, attributes=13, size=20),
        Shape(json=True, spans=4_000, attributes=60, value="empty"),
        Shape(spans=1, attributes=1, value="array", size=290_000),
        Shape(spans=19_900, faulty=2, journey=True, attributes=1),
        Shape(spans=19_900, attributes=12, journey=False, value="empty"),
    ]
    costs = {shape: measure(shape.body(), backend) for shape in shapes}
    for _ in range(steps):
        best = sorted(costs, key=lambda shape: costs[shape].score)[-4:]
        shape = chance.choice(best).neighbour(chance)
        if shape not in costs:
            costs[shape] = measure(shape.body(), backend)
    return found + list(costs.values())


async def serve(folder: Path, backend: str | None) -> None:
    free = Address("127.0.0.1", 0)
    exporters = {"otlp": {"endpoint": f"http://{backend}", "email": "drop"}} if backend else {}
    settings = Settings(
        data=folder, otlp_grpc=free, otlp_http=free, admin=free, desk=None, exporters=exporters
    )
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    async with Collector(settings) as collector:
        print(collector.otlp_http, flush=True)
        await stop.wait()


def main() -> None:
    steps = next((int(word) for word in sys.argv[1:] if word.isdigit()), STEPS)
    if "export" in sys.argv:
        with child("benchmarks.decode_only", "take") as (_, backend):
            costs = search(steps, backend)
    else:
        costs = search(steps, None)
    slowest = max(costs, key=lambda cost: cost.seconds)
    largest = max(costs, key=lambda cost: cost.mib)
    print(
        f"worst of {len(costs)} requests: {slowest.seconds:.2f} s of one core"
        f" (target <= {SECONDS:.0f}), {largest.mib:.0f} MiB (target <= {MIB:.0f})"
    )
    for cost in sorted(costs, key=lambda cost: cost.score)[:-9:-1]:
        print(f"  {cost}")


if __name__ == "__main__":
    if sys.argv[1:2] == ["serve"]:
        asyncio.run(serve(Path(sys.argv[2]), sys.argv[3] if len(sys.argv) > 3 else None))
    else:
        main()
