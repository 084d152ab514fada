"""Durable ingest over gRPC against a server that only decodes, in one run and by layout.

What a session costs that a request touches depends on how many sessions share it: so each layout
has a target of its own. Both are asked with 4 and with 16 requests in flight; the targets are for
16, for services send at the same time, and a group of requests is what a transaction holds.
"""

from __future__ import annotations

import asyncio
import time
from itertools import count
from statistics import median
from tempfile import TemporaryDirectory

import grpc.aio

from benchmarks.load import EXPORT, Layout, Load, child, peak_memory_mib, send

ROUNDS = 5
SECONDS = 3.0
IN_FLIGHT = (4, 16)
TARGETS = {Layout.WHOLE: 0.40, Layout.OPEN: 0.33, Layout.SHUFFLED: 0.25}
MAX_P99_MS = 100
MAX_MEMORY_MIB = 300
SECONDS_AT_HALF = 15.0


def main() -> None:
    for layout, target in TARGETS.items():
        measure(layout, target)


def measure(layout: Layout, target: float) -> None:
    with (
        TemporaryDirectory() as folder,
        child("benchmarks.collector", folder) as (process, addresses),
        child("benchmarks.decode_only") as (_, yardstick),
    ):
        collector = addresses.split()[0]
        load, bare = Load(layout), Load(layout)
        rate = 0.0
        # As many sessions are open from the beginning as will be from now on.
        asyncio.run(send(collector, load, events=5 * layout.value))
        for in_flight in IN_FLIGHT:
            ours, theirs = [], []
            for _ in range(ROUNDS):
                theirs.append(asyncio.run(send(yardstick, bare, SECONDS, in_flight=in_flight)))
                ours.append(asyncio.run(send(collector, load, SECONDS, in_flight=in_flight)))
            ratio = median(a / b for a, b in zip(ours, theirs, strict=True))
            rate = median(ours)
            wanted = f" (target >= {target})" if in_flight == IN_FLIGHT[-1] else ""
            print(
                f"ingest, {layout.name.lower()}, {in_flight} in flight: {rate:,.0f} events/s"
                f" durable, {median(theirs):,.0f} decoded only, ratio {ratio:.2f}{wanted}",
                flush=True,
            )
        answers = sorted(asyncio.run(steadily(collector, load, rate / 2, SECONDS_AT_HALF)))
        print(
            f"ingest, {layout.name.lower()}: at {rate / 2:,.0f} events/s answers after"
            f" {answers[len(answers) // 2]:.0f} ms (median),"
            f" {answers[int(len(answers) * 0.99)]:.0f} ms"
            f" (p99 of {len(answers)}, target < {MAX_P99_MS});"
            f" {peak_memory_mib(process.pid):.0f} MiB at most (target < {MAX_MEMORY_MIB})",
            flush=True,
        )


async def steadily(address: str, load: Load, rate: float, seconds: float) -> list[float]:
    """Send requests at an even rate of events a second; give the ms after which each is answered.

    Counted from when it should have been sent, so that none that had to wait for another is left
    out.
    """
    answers: list[float] = []
    async with grpc.aio.insecure_channel(address) as channel, asyncio.TaskGroup() as requests:
        export = channel.unary_unary(EXPORT)
        start = time.perf_counter()

        async def request(due: float) -> None:
            await export(load.request())
            answers.append((time.perf_counter() - due) * 1000)

        for n in count():
            due = start + n * load.events / rate
            if due > start + seconds:
                break
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            requests.create_task(request(due))
    return answers


if __name__ == "__main__":
    main()
