"""The desk over a million sessions: how long a page takes, from the request to its last byte.

The stores are filled as `bench_filters` fills them. Arguments ask for another number of sessions,
and for one store.
"""

# ruff: noqa: S608 - made of our own words

from __future__ import annotations

import re
import sqlite3
import sys
import time
from collections.abc import Callable, Iterable
from contextlib import closing
from html import unescape
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import urlencode

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
    backends,
    copy_postgresql,
    copy_sqlite,
    fill,
    filters,
)
from journeytrace.catalogue import builtin_catalogue
from journeytrace_collector.process import Collector
from journeytrace_collector.settings import Address
from journeytrace_collector.store import SqliteStore
from journeytrace_collector.store.postgresql import PostgresqlStore
from journeytrace_collector.store.sqlite import FILE_NAME

ASKED = 200
TARGET_MS = 100

# Nothing is to settle or to be erased meanwhile.
_AT_REST = f"UPDATE sessions SET pending = NULL, expires_at = expires_at + {DAYS * 1440 * MINUTE}"


def measure(name: str, data: Path, now: int, cpu: Callable[[], float], **settings: Any) -> None:
    """Ask a collector's desk for pages; `cpu` tells the seconds of CPU of what is not us."""
    chosen = free_settings(data, desk=Address("127.0.0.1", 0), **settings)
    with enter_in_background() as enter, requests.Session() as client:
        collector: Collector = enter(Collector(chosen))
        desk = f"http://{collector.desk}"

        def ask(what: str, paths: Iterable[str], target: int | None = None) -> None:
            found = []
            for path in paths:
                begun, start = time.process_time() + cpu(), time.perf_counter()
                client.get(desk + path).raise_for_status()
                took = time.perf_counter() - start
                found.append((1000 * (time.process_time() + cpu() - begun), 1000 * took, path))
            costs, clock = sorted(found), sorted(one[1] for one in found)
            half, most = len(found) // 2, len(found) * 95 // 100
            print(
                f"desk: {name}, {what}: by the clock {clock[half]:.0f} ms (p50),"
                f" {clock[most]:.0f} ms (p95), {clock[-1]:.0f} ms (worst of {len(found)}); of CPU"
                f" {costs[half][0]:.0f} ms, {costs[most][0]:.0f} ms, {costs[-1][0]:.0f} ms"
                f" ({costs[-1][2][:100]})" + (f" (target < {target} ms)" if target else ""),
                flush=True,
            )

        asked = [urlencode(one) for one in filters(now)[1 : ASKED + 1]]
        ids = [f"018f3b5e-0000-7000-8000-{number:012x}" for number in range(ASKED)]
        ask("first page", ["/sessions"] * ASKED, TARGET_MS)
        ask("filtered page", [f"/sessions?{one}" for one in asked], TARGET_MS)
        ask("counts", [f"/sessions/counts?{one}" for one in asked])
        text = client.get(f"{desk}/sessions").text
        keys = re.findall(r'name="row" value="(\w+)"', text)
        live = unescape(re.findall(r'id="live" hx-get="([^"]*)"', text)[0])
        # Without saying what was there before, so that it is sent whole.
        ask("an open list", ["&row=".join([live, *keys])] * ASKED, TARGET_MS)
        ask("a session", [f"/session?id={one}" for one in ids], TARGET_MS)


def sqlite(data: Path, times: Times) -> None:
    """Fill and measure one store."""
    with closing(SqliteStore(data, builtin_catalogue(), IDLE_TIMEOUT)) as store:
        fill(store, times)
    copy_sqlite(data, times)
    with closing(sqlite3.connect(data / FILE_NAME)) as connection, connection:
        connection.execute(_AT_REST)
    measure("SQLite", data, times.now, lambda: 0)


def postgresql(url: str, data: Path, times: Times) -> None:
    """Fill and measure the other."""
    catalogue = builtin_catalogue()
    with closing(PostgresqlStore(url, catalogue, IDLE_TIMEOUT, collector_id="one")) as store:
        fill(store, times)
    with psycopg.connect(url, autocommit=True) as connection:
        copy_postgresql(connection, times)
        connection.execute(_AT_REST)
        connection.execute("VACUUM ANALYZE sessions, events")
        store_url = SecretStr(url)
        measure("PostgreSQL", data, times.now, lambda: backends(connection), store=store_url)


def main(sessions: str = str(SESSIONS), only: str = "") -> None:
    print(f"desk: {int(sessions):,} sessions", flush=True)
    times = Times(time.time_ns(), DAYS * 1440 * MINUTE // int(sessions), int(sessions) // MADE - 1)
    with TemporaryDirectory() as folder:
        if only != "postgresql":
            sqlite(Path(folder) / "sqlite", times)
        if only != "sqlite":
            with running_server("-c shared_buffers=1GB -c max_wal_size=8GB -c fsync=off") as server:
                postgresql(server.empty(), Path(folder) / "postgresql", times)


if __name__ == "__main__":
    main(*sys.argv[1:])
