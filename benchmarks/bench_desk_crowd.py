"""Fifty people click about the desk while two thousand events a second come in.

The collector holds the demo's journeys, on each of the stores in its turn. Everybody looks for
something else: lists, filters, sessions, persons, the overview, and a second or two to read. What
a page costs is counted from the click to the last byte; what was acknowledged is counted again in
the store when all is over.
"""

from __future__ import annotations

import asyncio
import random
import re
import signal
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack, closing
from dataclasses import replace
from pathlib import Path
from statistics import median, quantiles
from tempfile import TemporaryDirectory
from urllib.parse import urlencode

import aiohttp
import grpc
import grpc.aio
from pydantic import SecretStr
from tests.desk.test_desk_proof import played
from tests.support.postgresql import running_server

from benchmarks.load import EXPORT, SESSIONS_BEGIN, Load, child
from journeytrace.catalogue import builtin_catalogue
from journeytrace_collector.process import Collector
from journeytrace_collector.settings import Address, Settings
from journeytrace_collector.store.base import SessionQuery
from journeytrace_collector.store.opening import open_store

PEOPLE = 50
READING_SECONDS = 2.0
"""Of a page, on average, before the next click."""
EVENTS_A_SECOND = 2_000
SECONDS = 60
TARGET_MS = 300
EVENTS_A_POST = 64
"""As a service's batches are, not as large as they can be."""
SEED = 3

FILTERS = (
    {"status": "DROPPED"},
    {"decision": "REJECTED"},
    {"decision": "PENDING", "last": "24h"},
    {"impact": "BLOCKED"},
    {"project": "acme-kyc", "status": "COMPLETED"},
    {"event": "IP_RISK_CHECK", "result": "FAIL"},
    {"search": "u-1", "field": "user_id"},
)


def settings(folder: Path, url: str | None) -> Settings:
    free = Address("127.0.0.1", 0)
    return Settings(
        data=folder,
        store=SecretStr(url) if url else None,
        otlp_grpc=free,
        otlp_http=free,
        admin=free,
        desk=free,
        exporters={"prometheus": {}},
    )


async def serve(folder: Path, url: str | None) -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    async with Collector(settings(folder, url)) as collector:
        print(collector.otlp_grpc, collector.desk, flush=True)
        await stop.wait()


class Person:
    """Somebody who works at the desk."""

    def __init__(self, number: int, desk: str, took: dict[str, list[float]]) -> None:
        self._chance = random.Random(f"{SEED} {number}")
        self._desk = desk
        self._took = took
        self._sessions: list[str] = []
        self._people: list[str] = []

    async def work(self, http: aiohttp.ClientSession, until: float) -> None:
        # They do not come all at once.
        await asyncio.sleep(self._chance.uniform(0, READING_SECONDS))
        while time.monotonic() < until:
            kind, path = self._next()
            start = time.perf_counter()
            async with http.get(f"http://{self._desk}{path}") as answer:
                text = await answer.text()
                assert answer.status == 200, (path, answer.status, text[:2_000])
            self._took[kind].append((time.perf_counter() - start) * 1e3)
            self._sessions = re.findall(r'/session\?id=([\w.%-]+)"', text) or self._sessions
            self._people = re.findall(r'"(/person\?[^"]+)"', text) or self._people
            await asyncio.sleep(self._chance.expovariate(1 / READING_SECONDS))

    def _next(self) -> tuple[str, str]:
        dice = self._chance.random()
        if dice < 0.4 and self._sessions:
            return "session", f"/session?id={self._chance.choice(self._sessions)}"
        if dice < 0.5 and self._people:
            return "person", self._chance.choice(self._people).replace("&amp;", "&")
        if dice < 0.6:
            return "overview", "/"
        if dice < 0.8:
            return "filtered", f"/sessions?{urlencode(self._chance.choice(FILTERS))}"
        return "list", "/sessions"


class Sender:
    """Services that send at the rate that was asked for, whatever the desk does."""

    def __init__(self, address: str) -> None:
        self._address = address
        self._load = Load(events=EVENTS_A_POST)
        self.acknowledged = 0
        self.refused: Counter[str] = Counter()
        """Requests that had to be sent again, by why."""
        self.slowest = 0.0
        """Of an answer, in s."""

    async def send(self, until: float) -> None:
        async with grpc.aio.insecure_channel(self._address) as channel, asyncio.TaskGroup() as all_:
            export = channel.unary_unary(EXPORT)
            start = time.monotonic()
            while time.monotonic() < until:
                due = start + self._load.sent / EVENTS_A_SECOND
                await asyncio.sleep(max(0.0, due - time.monotonic()))
                all_.create_task(self._one(export, self._load.request()))

    async def _one(self, export: Callable[[bytes], Awaitable[object]], body: bytes) -> None:
        start = time.monotonic()
        while True:
            try:
                await export(body)
            except grpc.aio.AioRpcError as error:
                # As the SDK's exporters do with what may succeed later.
                if error.code() is not grpc.StatusCode.UNAVAILABLE:
                    raise
                self.refused[error.details() or ""] += 1
                await asyncio.sleep(0.2)
            else:
                break
        self.acknowledged += EVENTS_A_POST
        self.slowest = max(self.slowest, time.monotonic() - start)


async def crowd(grpc_address: str, desk: str) -> tuple[dict[str, list[float]], Sender]:
    took: dict[str, list[float]] = defaultdict(list)
    sender = Sender(grpc_address)
    until = time.monotonic() + SECONDS
    # Everybody has a browser of their own.
    async with asyncio.TaskGroup() as everybody, AsyncExitStack() as browsers:
        sending = everybody.create_task(sender.send(until))
        working = []
        for number in range(PEOPLE):
            browser = await browsers.enter_async_context(aiohttp.ClientSession())
            person = Person(number, desk, took)
            working.append(everybody.create_task(person.work(browser, until)))
        await asyncio.gather(sending, *working)
    return took, sender


def stored(folder: Path, url: str | None) -> int:
    """Count the events of the sessions that the load consists of."""
    query = SessionQuery(search=SESSIONS_BEGIN, fields=("session_id",), limit=1_000)
    with closing(open_store(settings(folder, url), builtin_catalogue())) as store:
        found = 0
        while True:
            page = store.sessions(query, time.time_ns())
            found += sum(known.state.events for known in page.sessions)
            if page.next is None:
                return found
            query = replace(query, after=page.next)


def try_out(kind: str, url: str | None) -> None:
    with TemporaryDirectory() as name:
        folder = Path(name)
        with closing(open_store(settings(folder, url), builtin_catalogue())) as store:
            store.write(list(played(time.time_ns())))
        arguments = ["serve", name, *([url] if url else [])]
        with child("benchmarks.bench_desk_crowd", *arguments) as (_, addresses):
            took, sender = asyncio.run(crowd(*addresses.split()))
        kept = stored(folder, url)
    pages = sorted(ms for kind in took.values() for ms in kind)
    p95 = quantiles(pages, n=20)[-1]
    print(
        f"{kind}: {len(pages)} pages in {SECONDS} s by {PEOPLE} people: p95 {p95:.0f} ms"
        f" (target < {TARGET_MS}); {sender.acknowledged:,} events acknowledged,"
        f" {sender.acknowledged - kept} of them lost, {sender.refused.total()} requests sent again,"
        f" slowest answer {sender.slowest * 1e3:.0f} ms"
    )
    for why, number in sender.refused.items():
        print(f"  sent again {number} times: {why}")
    for page, times in sorted(took.items()):
        print(
            f"  {page:9} {len(times):5} times: median {median(times):5.0f} ms,"
            f" p95 {quantiles(times, n=20)[-1]:5.0f} ms, worst {max(times):5.0f} ms"
        )


def main() -> None:
    try_out("SQLite", None)
    with running_server(options="") as server:
        server.make_template()
        try_out("PostgreSQL", server.fresh())


if __name__ == "__main__":
    if sys.argv[1:2] == ["serve"]:
        asyncio.run(serve(Path(sys.argv[2]), sys.argv[3] if len(sys.argv) > 3 else None))
    else:
        main()
