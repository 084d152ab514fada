"""What a store takes: disk, memory and cores, time to copy it and to bring it up to date.

``python -m benchmarks.bench_sizing [EVENTS]``, 300,000 unless given.

The figures of docs/operate.md. Each event has 10 attributes, each session 30 events.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from sqlite3 import connect
from tempfile import TemporaryDirectory

import psycopg
from tests.support.postgresql import Server, running_server

from benchmarks.load import EVENTS_A_SESSION, Load, child, peak_memory_mib, send
from journeytrace.catalogue import builtin_catalogue
from journeytrace_collector.store.migrations import steps
from journeytrace_collector.store.migrations.refold import LACKING
from journeytrace_collector.store.postgresql import PostgresqlStore
from journeytrace_collector.store.sqlite import FILE_NAME, SqliteStore

EVENTS = int(sys.argv[1]) if sys.argv[1:] else 300_000
IDLE_TIMEOUT = 20 * 60 * 1_000_000_000
MIB = 1024 * 1024
PREVIOUS = LACKING - 1
"""The newest schema whose states have to be folded anew: the dearest step there is."""
AGED = ("sessions", "events")
COLUMNS = (
    "SELECT column_name::text FROM information_schema.columns"
    " WHERE table_name = %s ORDER BY ordinal_position"
)


def main() -> None:
    with TemporaryDirectory() as folder:
        sqlite(Path(folder))
    with (
        TemporaryDirectory() as folder,
        running_server("-c shared_buffers=256MB -c max_wal_size=4GB") as server,
    ):
        postgresql(server, Path(folder))


def sqlite(folder: Path) -> None:
    data = folder / "data"
    database, copy = data / FILE_NAME, folder / "copy.sqlite"
    with child("benchmarks.bench_stores", str(data)) as (process, address):
        report("SQLite", process.pid, address)
        copying = seconds(lambda: vacuum_into(database, copy))
    # A copy is the store without the room that SQLite has not given back, nor the log.
    disk("SQLite", copy.stat().st_size, copying)
    aged = folder / "aged"
    aged.mkdir(mode=0o700)
    age_sqlite(copy, aged / FILE_NAME)
    migration = seconds(lambda: SqliteStore(aged, builtin_catalogue(), IDLE_TIMEOUT).close())
    print(f"SQLite: schema {PREVIOUS} to the newest in {migration:.1f} s")


def postgresql(server: Server, folder: Path) -> None:
    url = server.empty()
    with child("benchmarks.bench_stores", str(folder / "data"), url) as (process, address):
        report("PostgreSQL", process.pid, address)
        copy = folder / "copy"
        dump = ["pg_dump", "--format=custom", f"--file={copy}", url]
        copying = seconds(lambda: subprocess.run(dump, check=True))
    size = int(str(server.execute("SELECT pg_database_size(current_database())", url)[0][0]))
    disk("PostgreSQL", size, copying)
    aged, catalogue = server.empty(), builtin_catalogue()
    age_postgresql(url, aged)
    migration = seconds(
        lambda: PostgresqlStore(aged, catalogue, IDLE_TIMEOUT, collector_id="one").close()
    )
    print(f"PostgreSQL: schema {PREVIOUS} to the newest in {migration:.1f} s")


def report(name: str, pid: int, address: str) -> None:
    before = processor_seconds(pid)
    rate = asyncio.run(send(address, Load(), events=EVENTS))
    used = processor_seconds(pid) - before
    print(
        f"{name}: {rate:,.0f} events/s, {used / EVENTS * 1e6:.0f} us of a core an event,"
        f" {peak_memory_mib(pid):.0f} MiB at most"
    )


def disk(name: str, size: int, copying: float) -> None:
    print(
        f"{name}: {size / MIB:.0f} MiB for {EVENTS:,} events, {size / EVENTS:.0f} bytes an event,"
        f" {size / EVENTS * EVENTS_A_SESSION / 1024:.0f} KiB a session of {EVENTS_A_SESSION};"
        f" a copy took {copying:.1f} s"
    )


def age_sqlite(newest: Path, path: Path) -> None:
    """Write what a store holds as a program of `PREVIOUS` had it."""
    path.touch(0o600)
    with closing(connect(path)) as old:
        for step in steps("sqlite")[:PREVIOUS]:
            old.executescript(step)
        old.execute("ATTACH ? AS newest", (str(newest),))
        for table in AGED:
            columns, known = (
                [row[1] for row in old.execute(f"PRAGMA {schema}.table_info({table})")]
                for schema in ("main", "newest")
            )
            shared = ", ".join(column for column in columns if column in known)
            old.execute(f"INSERT INTO {table} ({shared}) SELECT {shared} FROM newest.{table}")  # noqa: S608
        old.execute(f"PRAGMA user_version = {PREVIOUS}")
        old.commit()


def age_postgresql(newest: str, url: str) -> None:
    """Do the same in a database that is empty."""
    with psycopg.connect(newest) as new, psycopg.connect(url) as old:
        for step in steps("postgresql")[:PREVIOUS]:
            old.execute(step.encode())
        for table in AGED:
            columns, known = (
                [name for (name,) in found.execute(COLUMNS, (table,))] for found in (old, new)
            )
            shared = ", ".join(column for column in columns if column in known)
            with (
                new.cursor().copy(f"COPY {table} ({shared}) TO STDOUT".encode()) as out,
                old.cursor().copy(f"COPY {table} ({shared}) FROM STDIN".encode()) as into,
            ):
                for part in out:
                    into.write(part)
        old.execute("INSERT INTO settings VALUES ('schema_version', %s)", (PREVIOUS,))


def vacuum_into(database: Path, copy: Path) -> None:
    with closing(connect(database)) as store:
        store.execute("VACUUM INTO ?", (str(copy),))


def seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def processor_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    main()
