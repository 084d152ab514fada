"""What it costs to make events of a request, beside a plain dict of each span's attributes.

``python -m benchmarks.bench_decode``; it is what `benchmarks.decode_only` does that the other side
does here. Both are timed on the processor, in one process, request by request in turns.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from statistics import median

from benchmarks.decode_only import plain
from benchmarks.load import Load
from journeytrace.catalogue import builtin_catalogue
from journeytrace_collector.core.decode import Decoder
from journeytrace_collector.receiver.otlp import signals

REQUESTS = 100
TARGET = 1.25


def main() -> None:
    received = time.time_ns()
    for name, carry in (("decode", False), ("decode what is forwarded", True)):
        read = signals(Decoder(builtin_catalogue(), carry=carry))[0].protobuf
        load = Load()
        ours, theirs = [], []
        for _ in range(REQUESTS):
            body = load.request()
            ours.append(microseconds(partial(read, body, received), load.events))
            theirs.append(microseconds(partial(plain, body), load.events))
        ratio = median(a / b for a, b in zip(ours, theirs, strict=True))
        target = "" if carry else f" (target <= {TARGET})"
        print(
            f"{name}: {median(ours):.1f} us an event, as plain dicts {median(theirs):.1f} us,"
            f" ratio {ratio:.2f}{target}"
        )


def microseconds(call: Callable[[], object], events: int) -> float:
    start = time.thread_time_ns()
    call()
    return (time.thread_time_ns() - start) / events / 1000


if __name__ == "__main__":
    main()
