"""What insight costs over a million sessions, and what it costs those who send meanwhile.

The stores are filled as `bench_filters` fills them, in two releases by turns. A sender of its own
process sends all the time, and says how long its answers took. Arguments ask for another number of
sessions, and for one store.
"""

# ruff: noqa: S608 - made of our own words

from __future__ import annotations

import random
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final, cast

import psycopg
import requests
from pydantic import SecretStr
from tests.support.events import IDLE_TIMEOUT, MINUTE
from tests.support.postgresql import running_server
from tests.support.running import enter_in_background, free_settings

from benchmarks.bench_filters import (
    DAYS,
    MADE,
    SESSIONS,
    Times,
    copy_postgresql,
    copy_sqlite,
    fill,
)
from benchmarks.load import Load
from journeytrace.catalogue import builtin_catalogue
from journeytrace_collector.core.derive import rfc3339
from journeytrace_collector.process import Collector
from journeytrace_collector.store import SqliteStore
from journeytrace_collector.store.postgresql import PostgresqlStore
from journeytrace_collector.store.sqlite import FILE_NAME

ASKED = 200
TARGET_MS = 50
TARGET_SECONDS = 10
TARGET_ANSWER_MS = 100
_DAY: Final = 1440 * MINUTE

_RELEASES = (
    "UPDATE events SET metadata = '{\"service.version\":\"1.' || (session_no % 2 + 4) || '\"}'"
    " WHERE name = 'SESSION_CREATED'"
)
# Nothing is to settle or to be erased meanwhile.
_AT_REST = f"UPDATE sessions SET pending = NULL, expires_at = expires_at + {DAYS * _DAY}"


def measure(name: str, data: Path, now: int, **settings: Any) -> None:
    """Ask a collector, while somebody sends to it and while nobody does."""
    chosen = free_settings(data, **settings)
    with enter_in_background() as enter, requests.Session() as client:
        collector: Collector = enter(Collector(chosen))
        api = f"http://{collector.admin}/api/v1"
        rng = random.Random(3)
        ids = [f"018f3b5e-0000-7000-8000-{rng.randrange(MADE):012x}" for _ in range(ASKED)]
        then = rfc3339(now)
        for what, query in (("why", {}), ("as of", {"as_of": then})):
            found = []
            for one in ids:
                start = time.perf_counter()
                client.get(f"{api}/sessions/{one}", params=query).raise_for_status()
                found.append(1000 * (time.perf_counter() - start))
            found.sort()
            print(
                f"insight: {name}, {what} of a session: {found[len(found) // 2]:.1f} ms (p50),"
                f" {found[len(found) * 95 // 100]:.1f} ms (p95), {found[-1]:.1f} ms (worst)"
                f" (target < {TARGET_MS} ms)",
                flush=True,
            )
        week = [rfc3339(now - days * _DAY) for days in (14, 7)]
        asked = {
            "two releases": {"a": "release=1.4", "b": "release=1.5"},
            "two weeks": {"a": f"since={week[0]},until={week[1]}", "b": f"since={week[1]}"},
            "two projects": {"a": "project=acme", "b": "project=zebra"},
            "who failed a check": {"a": "event=FACE_COMPARE,result=FAIL"},
        }
        alone = sender(str(collector.otlp_http), lambda: time.sleep(10))
        print(f"insight: {name}, answers to a sender: {alone} while nobody asks", flush=True)
        for what, query in asked.items():
            took: list[float] = []

            def ask(query: dict[str, str] = query, took: list[float] = took) -> None:
                start, spent = time.perf_counter(), time.process_time()
                reply = client.get(f"{api}/diff", params=query)
                reply.raise_for_status()
                took.extend((time.perf_counter() - start, time.process_time() - spent))
                said = reply.json()
                took.append(said["a"]["sessions"] + said["b"]["sessions"])

            answers = sender(str(collector.otlp_http), ask)
            print(
                f"insight: {name}, diff of {what}: {took[0]:.1f} s ({took[1]:.1f} s of CPU with"
                f" what was sent) of {took[2]:,.0f} sessions (target < {TARGET_SECONDS} s);"
                f" answers to a sender meanwhile: {answers}"
                f" (target p99 < {TARGET_ANSWER_MS} ms)",
                flush=True,
            )


def sender(address: str, meanwhile: Callable[[], None]) -> str:
    """Send while something is done, from a process of its own; give how long answers took."""
    command = [sys.executable, "-m", "benchmarks.bench_diff", "send", address]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin
        assert process.stdout
        process.stdout.readline()
        meanwhile()
        process.stdin.close()
        return process.stdout.readline().strip()


def send(address: str) -> None:
    """Send twenty events fifty times a second, until nobody listens any more."""
    import threading  # noqa: PLC0415 - of this process alone

    load, found = Load(events=20), []
    ended = threading.Event()

    def listen() -> None:
        sys.stdin.read()
        ended.set()

    threading.Thread(target=listen, daemon=True).start()
    with requests.Session() as client:
        headers = {"Content-Type": "application/x-protobuf"}
        url = f"http://{address}/v1/traces"
        client.post(url, load.request(), headers=headers).raise_for_status()
        print("sending", flush=True)
        while not ended.wait(0.02):
            start = time.perf_counter()
            client.post(url, load.request(), headers=headers).raise_for_status()
            found.append(1000 * (time.perf_counter() - start))
    found.sort()
    print(
        f"{found[len(found) // 2]:.1f} ms (p50), {found[len(found) * 99 // 100]:.1f} ms (p99) of"
        f" {len(found)}",
        flush=True,
    )


def sqlite(data: Path, times: Times) -> None:
    """Fill and measure one store."""
    with closing(SqliteStore(data, builtin_catalogue(), IDLE_TIMEOUT)) as store:
        fill(store, times)
    with closing(sqlite3.connect(data / FILE_NAME)) as connection, connection:
        connection.execute(_RELEASES)
    copy_sqlite(data, times)
    with closing(sqlite3.connect(data / FILE_NAME)) as connection, connection:
        connection.execute(_AT_REST)
    measure("SQLite", data, times.now)


def postgresql(url: str, data: Path, times: Times) -> None:
    """Fill and measure the other."""
    catalogue = builtin_catalogue()
    with closing(PostgresqlStore(url, catalogue, IDLE_TIMEOUT, collector_id="one")) as store:
        fill(store, times)
    with psycopg.connect(url, autocommit=True) as connection:
        run = cast(Callable[[str], Any], connection.execute)
        run(_RELEASES)
        copy_postgresql(connection, times)
        run(_AT_REST)
        # What is sent has numbers of its own.
        run("SELECT setval('session_numbers', (SELECT max(no) FROM sessions))")
        run("VACUUM ANALYZE sessions, events")
    measure("PostgreSQL", data, times.now, store=SecretStr(url))


def main(sessions: str = str(SESSIONS), only: str = "") -> None:
    if sessions == "send":
        send(only)
        return
    print(f"insight: {int(sessions):,} sessions", flush=True)
    times = Times(time.time_ns(), DAYS * _DAY // int(sessions), int(sessions) // MADE - 1)
    with TemporaryDirectory() as folder:
        if only != "postgresql":
            sqlite(Path(folder) / "sqlite", times)
        if only != "sqlite":
            with running_server("-c shared_buffers=1GB -c max_wal_size=8GB -c fsync=off") as server:
                postgresql(server.empty(), Path(folder) / "postgresql", times)


if __name__ == "__main__":
    main(*sys.argv[1:])
