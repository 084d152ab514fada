"""The loss-corrected funnel over a million sessions of seven days, and what settling costs more.

A few thousand sessions are stored and settle as always; then their rows are multiplied, each with
sightings of its own. Funnels are asked for while somebody writes, so that it shows whether writes
have to wait.
"""

from __future__ import annotations

import random
import sqlite3
import threading
import time
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.support.events import IDLE_TIMEOUT, MINUTE, SECOND, event

from journeytrace.catalogue import builtin_catalogue
from journeytrace_collector.admin.losses import loss_of
from journeytrace_collector.core.model import Event
from journeytrace_collector.store import Cohort, SqliteStore
from journeytrace_collector.store.sqlite import FILE_NAME

CATALOGUE = builtin_catalogue()
SEED = 2_000
TIMES = 500
DAYS = 7
TARGET_SECONDS = 2
TARGET_WAIT_MS = 100
PAIRS = [pair for pair in CATALOGUE.pairs if pair.stage]


def journey(number: int, at: int, rng: random.Random) -> list[Event]:
    own = {"session_id": f"018f3b5e-0000-7000-8000-{number:012x}"}
    told = f'{{"browser":"{rng.choice(("Safari", "Edge", "Chrome"))}","country":"KR"}}'
    found = [event("LIVEFORM_HASH_CREATED", at, project_id="acme", metadata=told, **own)]
    for place, pair in enumerate(PAIRS[: rng.randint(1, len(PAIRS))]):
        for name, lost in ((pair.screen, 0.2), (pair.server, 0.05)):
            if rng.random() >= lost:
                found.append(event(name, at + place * SECOND, **own))
    return found


def fill(folder: Path, now: int) -> float:
    """Give what settling took for a session, in microseconds of the processor."""
    rng = random.Random(1)
    with closing(SqliteStore(folder, CATALOGUE, IDLE_TIMEOUT)) as store:
        for first in range(0, SEED, 500):
            at = now - DAYS * 1440 * MINUTE + MINUTE
            store.write(
                [e for n in range(first, first + 500) for e in journey(n, at, rng)],
            )
        begun = time.process_time()
        while store.settle(now, 100):
            pass
        taken = time.process_time() - begun
    with closing(sqlite3.connect(folder / FILE_NAME)) as file:
        columns = [row[1] for row in file.execute("PRAGMA table_info(sessions)")]
        step = DAYS * 1440 * MINUTE // TIMES - MINUTE
        changed = {
            "no": "no + ? * 10000000",
            "session_id": "session_id || ?",
            "created_at": f"created_at + ? * {step} + no * 1000",
            # What was lost is another in each.
            "seen": "seen & ~((1 << (random() & 31)) | (1 << (random() & 31))) | 0 * ?",
        }
        read = ", ".join(changed.get(name, name) for name in columns)
        file.execute("PRAGMA synchronous = OFF")
        insert = f"INSERT INTO sessions SELECT {read} FROM sessions WHERE no < 9999999"  # noqa: S608
        for number in range(1, TIMES):
            given = [number] * len(changed)
            file.execute(insert, given)
        file.commit()
    return taken / SEED * 1e6


def waits(store: SqliteStore, now: int, over: threading.Event) -> list[float]:
    """Write until it is over; gives how long each took, in ms."""
    rng, found, number = random.Random(2), [], 10**9
    while not over.is_set():
        number += 1
        batch = journey(number, now, rng)
        begun = time.perf_counter()
        store.write(batch)
        found.append((time.perf_counter() - begun) * 1e3)
        time.sleep(0.01)
    return sorted(found)


def measured(store: SqliteStore, now: int, by: str | None) -> None:
    cohort = Cohort(since=now - DAYS * 1440 * MINUTE)
    found: list[float] = []
    over = threading.Event()
    writer = threading.Thread(target=lambda: found.extend(waits(store, now, over)))
    writer.start()
    times, cpu = [], []
    for _ in range(3):
        begun, spent = time.perf_counter(), time.thread_time()
        loss = loss_of(store, cohort, CATALOGUE, by)
        times.append(time.perf_counter() - begun)
        cpu.append(time.thread_time() - spent)
    over.set()
    writer.join()
    sessions = sum(one.sessions for one in loss or ())
    p99 = found[int(len(found) * 0.99)]
    print(
        f"funnel of {sessions:,} sessions by {by or 'nothing'}: {min(times):.2f} s"
        f" ({min(cpu):.2f} s of the processor; target < {TARGET_SECONDS}), meanwhile {len(found)}"
        f" writes, 99 % within {p99:.0f} ms (target < {TARGET_WAIT_MS})"
    )


def main() -> None:
    now = time.time_ns()
    with TemporaryDirectory() as folder:
        path = Path(folder)
        path.chmod(0o700)
        print(f"settling: {fill(path, now):.0f} us of the processor for a session")
        with closing(SqliteStore(path, CATALOGUE, IDLE_TIMEOUT)) as store:
            for by in (None, "browser"):
                measured(store, now, by)
            begun = time.thread_time()
            store.sightings(Cohort(since=now - 1440 * MINUTE), "project", 50_000)
            print(f"for the gauge: {(time.thread_time() - begun) * 1e3:.0f} ms of the processor")


if __name__ == "__main__":
    main()
