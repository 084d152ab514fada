"""Writing to PostgreSQL by layout: CPU of both sides, round trips, and how often a row moves.

With the folder of another checkout it is measured by turns, in the same run and on the same server.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from statistics import median
from typing import Any

import psycopg
from tests.support.events import IDLE_TIMEOUT, NOON, event
from tests.support.postgresql import Server, running_server

from benchmarks.bench_filters import backends
from journeytrace.catalogue import builtin_catalogue
from journeytrace_collector.core.measure import Measure
from journeytrace_collector.core.model import Event
from journeytrace_collector.health import Health
from journeytrace_collector.outbox.effects import effects
from journeytrace_collector.store.postgresql import PostgresqlStore

ROUNDS = 3
REQUESTS = 60
EVENTS_A_REQUEST = 512
EVENTS_A_SESSION = 20
DUE = 10_000
SETTLE_AT_ONCE = 100
SETTLE_SECONDS = 10
LAYOUTS = {"whole": 26, "1,000 open": 1_000, "shuffled": 3_000}
"""How many sessions are open at once."""

_NAMES = ("STEP_VIEW", "ID_RECOGNITION", "API_CALL", "FACE_COMPARE", "PAGE_HIDDEN", "IP_RISK_CHECK")
_METADATA = '{"path":"/verify/id-front","device":"iPhone 17","score":0.93,"attempt":2}'


def requests(at_once: int) -> Iterator[list[Event]]:
    """Give requests in which so many sessions run at once, a second apart."""
    rng = random.Random(1)
    block = at_once * EVENTS_A_SESSION
    made: list[Event] = []
    number = 0
    while True:
        order = [n % at_once for n in range(block)]
        if at_once == LAYOUTS["shuffled"]:
            rng.shuffle(order)
        for position, session in enumerate(order):
            at = NOON + (number + position) * 1_000_000
            made.append(
                event(
                    _NAMES[position % len(_NAMES)],
                    at,
                    session_id=f"018f3b5e-0000-7000-8000-{number + session:012x}",
                    user_id=f"user-{number + session}",
                    project_id="acme-kyc",
                    source="BE",
                    result="PASS",
                    duration=5_000_000,
                    metadata=_METADATA,
                )
            )
            if len(made) == EVENTS_A_REQUEST:
                yield made
                made = []
        number += block


def write(url: str, layout: str) -> None:
    """Write one layout, and print what it took, as JSON."""
    catalogue = builtin_catalogue()
    with (
        closing(PostgresqlStore(url, catalogue, IDLE_TIMEOUT, collector_id="one")) as store,
        psycopg.connect(url, autocommit=True) as connection,
    ):
        store.follow(effects(Measure(catalogue), {}, Health()))
        made = requests(LAYOUTS[layout])
        batches = [next(made) for _ in range(REQUESTS)]
        start, mine, theirs = time.perf_counter(), time.thread_time(), backends(connection)
        for batch in batches:
            store.write(batch)
        events = REQUESTS * EVENTS_A_REQUEST
        found = {
            "ours": 1e6 * (time.thread_time() - mine) / events,
            "server": 1e6 * (backends(connection) - theirs) / events,
            "seconds": time.perf_counter() - start,
        }
    time.sleep(1)
    with psycopg.connect(url, autocommit=True) as connection:
        sql = (
            "SELECT n_tup_upd, n_tup_hot_upd, pg_total_relation_size(relid)"
            " FROM pg_stat_user_tables WHERE relname = 'sessions'"
        )
        ((updates, hot, size),) = connection.execute(sql).fetchall()
    print(json.dumps(found | {"hot": hot / max(1, updates), "bytes": size}))


def settle(url: str) -> None:
    """Let many sessions settle that are due at once, and print what it took, as JSON."""
    catalogue = builtin_catalogue()
    with (
        closing(PostgresqlStore(url, catalogue, IDLE_TIMEOUT, collector_id="one")) as store,
        psycopg.connect(url, autocommit=True) as connection,
    ):
        store.follow(effects(Measure(catalogue), {}, Health()))
        for first in range(0, DUE, 1_000):
            ids = [f"018f3b5e-0000-7000-8000-{first + n:012x}" for n in range(1_000)]
            store.write(
                [event(name, NOON, session_id=one) for one in ids for name in ("CLICK", *_NAMES)]
            )
        connection.execute("VACUUM ANALYZE sessions")
        start, mine, theirs = time.perf_counter(), time.thread_time(), backends(connection)
        while store.settle(NOON + 2 * IDLE_TIMEOUT, SETTLE_AT_ONCE) == SETTLE_AT_ONCE:
            pass
        found = {
            "ours": 1e6 * (time.thread_time() - mine) / DUE,
            "server": 1e6 * (backends(connection) - theirs) / DUE,
            "seconds": time.perf_counter() - start,
        }
    print(json.dumps(found))


def run(server: Server, folder: Path, layout: str) -> dict[str, float]:
    """Write one layout with the code of this checkout, into a database of its own."""
    parts = ("instrumentation", "collector", "exporters", "dashboards", "desk")
    path = os.pathsep.join(str(folder / part) for part in parts)
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.bench_postgresql", server.empty(), layout],
        env={**os.environ, "PYTHONPATH": path},
        check=True,
        stdout=subprocess.PIPE,
    )
    found: dict[str, float] = json.loads(done.stdout)
    return found


def by_turns(server: Server, folders: list[Path], layout: str) -> Iterator[tuple[str, Any]]:
    """Give what each of the checkouts takes, named: the median of some runs."""
    found: dict[Path, list[dict[str, Any]]] = {folder: [] for folder in folders}
    for _ in range(ROUNDS):
        for folder, runs in found.items():
            runs.append(run(server, folder, layout))
    for name, runs in zip(("this", "the other"), found.values(), strict=False):
        yield name, {key: median(one[key] for one in runs) for key in runs[0]}


def main(other: str = "") -> None:
    folders = [Path(__file__).parents[1], *([Path(other)] if other else [])]
    options = "-c shared_buffers=512MB -c max_wal_size=4GB"
    with running_server(options) as server:
        for layout in LAYOUTS:
            for name, of in by_turns(server, folders, layout):
                print(
                    f"postgresql: {layout}, {name}: {of['ours']:.0f} us of CPU an event,"
                    f" {of['server']:.0f} us of the server's,"
                    f" {REQUESTS * EVENTS_A_REQUEST / of['seconds']:,.0f} events/s,"
                    f" {of['hot']:.0%} of the updates in place,"
                    f" {of['bytes'] / 1e6:.0f} MB of sessions",
                    flush=True,
                )
        for name, of in by_turns(server, folders, "settle"):
            print(
                f"postgresql: settling, {name}: {of['ours']:.0f} us of CPU a session,"
                f" {of['server']:.0f} us of the server's, 100,000 in"
                f" {of['seconds'] * 100_000 / DUE:.1f} s (target < {SETTLE_SECONDS})",
                flush=True,
            )


if __name__ == "__main__":
    if len(sys.argv) > 2:
        settle(sys.argv[1]) if sys.argv[2] == "settle" else write(*sys.argv[1:])
    else:
        main(*sys.argv[1:])
