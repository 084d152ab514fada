"""Durable ingest over gRPC against a server that only decodes, in one run."""

from __future__ import annotations

import asyncio
from statistics import median
from tempfile import TemporaryDirectory

from benchmarks.load import Load, child, send

ROUNDS = 5
SECONDS = 3.0
TARGET = 0.25


def main() -> None:
    with (
        TemporaryDirectory() as folder,
        child("benchmarks.collector", folder) as (_, addresses),
        child("benchmarks.decode_only") as (_, yardstick),
    ):
        collector = addresses.split()[0]
        ours, theirs, load = [], [], Load()
        for _ in range(ROUNDS):
            theirs.append(asyncio.run(send(yardstick, Load(), SECONDS)))
            ours.append(asyncio.run(send(collector, load, SECONDS)))
        ratio = median(a / b for a, b in zip(ours, theirs, strict=True))
        print(
            f"ingest: {median(ours):,.0f} events/s durable, {median(theirs):,.0f} decoded only,"
            f" ratio {ratio:.2f} (target >= {TARGET})"
        )


if __name__ == "__main__":
    main()
