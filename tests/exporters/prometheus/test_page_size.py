"""The page stays small enough to be rendered, and is rendered once at a time."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from prometheus_client.openmetrics.parser import text_string_to_metric_families as open_metrics
from tests.support.events import IDLE_TIMEOUT, NOON, event

from journeytrace.catalogue import builtin_catalogue
from journeytrace_collector.core.change import Tally
from journeytrace_collector.core.measure import Measure
from journeytrace_collector.health import Health
from journeytrace_collector.outbox.effects import effects
from journeytrace_collector.outbox.exporter import Context
from journeytrace_collector.recording import Recorder
from journeytrace_collector.settings import Settings
from journeytrace_collector.store import SqliteStore
from journeytrace_exporters.prometheus import create

CATALOGUE = builtin_catalogue()
MIB = 1024 * 1024
WAIT = 60.0
PLAIN = {"Accept": "text/plain"}
OPEN_METRICS = {"Accept": "application/openmetrics-text;version=1.0.0"}


class SlowStore(SqliteStore):
    """The real store, which can be told to read its counters slowly, and remembers who reads."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, CATALOGUE, IDLE_TIMEOUT)
        self.reading = threading.Event()
        self.may_read = threading.Event()
        self.may_read.set()
        self.reads = 0
        self._now = 0
        self.most_at_once = 0

    def counters(self) -> Tally:
        self.reads += 1
        self._now += 1
        self.most_at_once = max(self.most_at_once, self._now)
        self.reading.set()
        assert self.may_read.wait(WAIT), "nobody let it read"
        counters = super().counters()
        self._now -= 1
        return counters


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SlowStore]:
    """Give an empty store that counts as a collector does."""
    store = SlowStore(tmp_path)
    store.follow(effects(Measure(CATALOGUE), {}, Health()))
    yield store
    store.close()


def served(store: SlowStore) -> TestClient[web.Request, web.Application]:
    """Serve the page of a store."""
    exporter = create(
        Context({}, Settings(), store, lambda: NOON, Health(), Recorder(lambda: NOON))
    )
    assert exporter is not None
    app = web.Application()
    for path, page in exporter.pages().items():
        app.router.add_get(path, page)
    return TestClient(TestServer(app))


async def _page(client: TestClient[web.Request, web.Application], accept: dict[str, str]) -> bytes:
    async with client.get("/metrics", headers=accept) as answer:
        assert answer.status == 200
        return await answer.read()


def test_the_longest_names_make_no_page_of_many_mib(store: SlowStore) -> None:
    """200 projects whose names a sender made as long as it may: 18 MiB at most, and it parses."""
    for number in range(200):
        short = number >= 100
        name = f"{number:03}" + "\N{GRINNING FACE}" * (61 if short else 509)
        store.write([event("STEP_VIEW", session_id=f"s{number}", project_id=name)])

    async def fetch() -> bytes:
        async with served(store) as client:
            return await _page(client, OPEN_METRICS)

    page = asyncio.run(fetch())
    assert len(page) < 18 * MIB
    families = open_metrics(page.decode())  # type: ignore[no-untyped-call]
    (started,) = [f for f in families if f.name == "journey_sessions_started"]
    counted = {s.labels["project"]: s.value for s in started.samples if s.name.endswith("_total")}
    assert len(counted) == 100 + 2
    assert counted["other"] == 100


def test_scrapes_that_come_together_get_the_same_page(store: SlowStore) -> None:
    """While a page is rendered, all who ask for it wait for that one."""

    async def fetch() -> list[bytes]:
        store.may_read.clear()
        async with served(store) as client:
            scrapes = [asyncio.create_task(_page(client, PLAIN)) for _ in range(8)]
            assert await asyncio.to_thread(store.reading.wait, WAIT), "no scrape began"
            await _arrived()
            store.may_read.set()
            return await asyncio.wait_for(asyncio.gather(*scrapes), WAIT)

    pages = asyncio.run(fetch())
    assert store.reads == 1
    assert len(set(pages)) == 1


def test_one_page_is_rendered_at_a_time(store: SlowStore) -> None:
    """One who asks for another format waits for his turn; one who hangs up spoils nothing."""

    async def fetch() -> list[bytes]:
        store.may_read.clear()
        async with served(store) as client:
            gone = asyncio.create_task(_page(client, PLAIN))
            assert await asyncio.to_thread(store.reading.wait, WAIT), "no scrape began"
            scrapes = [asyncio.create_task(_page(client, a)) for a in (PLAIN, OPEN_METRICS)]
            await _arrived()
            gone.cancel()
            store.may_read.set()
            return await asyncio.wait_for(asyncio.gather(*scrapes), WAIT)

    plain, open_metrics_page = asyncio.run(fetch())
    assert store.most_at_once == 1
    assert store.reads == 2
    assert open_metrics_page.endswith(b"# EOF\n")
    assert plain != open_metrics_page


async def _arrived() -> None:
    """Let requests that were begun reach the server, which runs in this loop."""
    for _ in range(50):
        await asyncio.sleep(0.002)
