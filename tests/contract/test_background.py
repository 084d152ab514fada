"""What runs in the background outlives whatever happens to the store."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from tests.support.events import IDLE_TIMEOUT, NOON, event
from tests.support.waiting import wait_until

from journeytrace.conventions import (
    COLLECTOR_BACKGROUND_FAILURES_TOTAL,
    COLLECTOR_EXPORT_FAILURES_TOTAL,
)
from journeytrace_collector.background import keep_doing
from journeytrace_collector.chores import Chores
from journeytrace_collector.core.change import Change, Followup, Parcel, Tally
from journeytrace_collector.core.retention import NS_PER_DAY
from journeytrace_collector.errors import OverloadedError
from journeytrace_collector.health import Health
from journeytrace_collector.ingest import Ingest
from journeytrace_collector.outbox.delivery import Delivery
from journeytrace_collector.outbox.exporter import Exporter
from journeytrace_collector.store import Carried, Store

SECONDS = 30


class Recorder(Exporter):
    """Takes everything."""

    def __init__(self) -> None:
        self.taken: list[bytes] = []

    def destinations(self) -> tuple[str, ...]:
        return ("audit",)

    async def deliver(self, parcel: Parcel) -> None:
        self.taken.append(parcel.payload)


def put(store: Store, *payloads: bytes, at: int = NOON) -> None:
    """Put parcels into the outbox."""
    parcels = [Parcel("audit", payload) for payload in payloads]

    def follow(_: Change) -> Followup:
        return Followup(Tally(), parcels)

    store.follow(follow)
    store.write((), Carried(at=at))
    store.follow(lambda _: Followup(Tally()))


def failures(health: Health, task: str) -> float:
    """Give how often a task failed."""
    return health.tally().rises.get((COLLECTOR_BACKGROUND_FAILURES_TOTAL.name, (task,)), 0)


async def until(holds: Callable[[], Any], what: str) -> None:
    """Wait until something has happened, while the loop goes on."""
    await asyncio.to_thread(wait_until, what, holds)


async def beside(work: Awaitable[None], then: Callable[[], Awaitable[None]]) -> None:
    """Run work that never ends beside what is tried meanwhile."""
    task = asyncio.ensure_future(work)
    try:
        await then()
        assert not task.done(), "it has ended"
    finally:
        task.cancel()
        await asyncio.wait([task])


def test_chores_outlive_a_table_that_is_away(place: Any, store: Store) -> None:
    """Without sessions nothing settles, but parcels are erased; once they are back all goes on."""
    store.write([event("PAGE_HIDDEN")])
    put(store, b"old", at=NOON - 31 * NS_PER_DAY)
    ingest, health = Ingest(store, 1_000), Health()
    chores = Chores(store, ingest, lambda: NOON + IDLE_TIMEOUT, health)

    async def meanwhile() -> None:
        await until(lambda: failures(health, "settle"), "settling failed")
        await until(lambda: failures(health, "erase sessions"), "erasing sessions failed")
        await until(lambda: not store.outbox(), "an old parcel was erased all the same")
        place.execute("ALTER TABLE away RENAME TO sessions")
        await until(settled, "a session settled")

    def settled() -> bool:
        known = store.session(event("PAGE_HIDDEN").session_id)
        return known is not None and known.settled_at is not None

    place.execute("ALTER TABLE sessions RENAME TO away")
    try:
        asyncio.run(beside(chores.run(), meanwhile))
    finally:
        ingest.close()


def test_delivery_outlives_a_table_that_is_away(place: Any, store: Store) -> None:
    """While the outbox cannot be read nothing leaves; once it can, what waits does."""
    put(store, b"one", b"two")
    ingest, health, recorder = Ingest(store, 1_000), Health(), Recorder()
    delivery = Delivery({"audit": recorder}, store, ingest, health)

    async def meanwhile() -> None:
        await until(lambda: failures(health, "deliver audit"), "delivery failed")
        place.execute("ALTER TABLE away RENAME TO outbox")
        await until(lambda: recorder.taken == [b"one", b"two"], "both parcels arrived")
        await until(lambda: not store.outbox(), "that was noted")

    place.execute("ALTER TABLE outbox RENAME TO away")
    try:
        asyncio.run(beside(delivery.run(), meanwhile))
    finally:
        ingest.close()


def test_parcels_beyond_their_time_are_counted(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    """What could not be delivered in time is erased, counted by destination, and told."""
    put(store, b"1", b"2", b"3")
    put(store, b"4", at=NOON + 1)
    store.park(store.waiting("audit", 1)[0].id, "no")
    ingest, health = Ingest(store, 1_000), Health()
    chores = Chores(store, ingest, lambda: NOON + 8, health, outbox_retention=7)
    try:
        asyncio.run(chores.step())
    finally:
        ingest.close()
    assert [row.parcel.payload for row in store.waiting("audit", 9)] == [b"4"]
    series = (COLLECTOR_EXPORT_FAILURES_TOTAL.name, ("audit", "expired"))
    assert health.tally().rises[series] == 2
    assert "audit: 2 parcels had waited for longer than they may be kept" in caplog.text
    assert "1 parked parcels may be kept no longer" in caplog.text


def test_a_failure_is_told_once_and_counted_each_time(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each distinct failure has one line, an unforeseen one its traceback too; then it recovers."""
    monkeypatch.setattr("journeytrace_collector.background.backoff", lambda *_: 0.0)
    errors = iter([ZeroDivisionError("bug"), OverloadedError("busy")] * 3)
    health = Health()
    done = asyncio.Event()

    async def step() -> float:
        error = next(errors, None)
        if error is not None:
            raise error
        done.set()
        return 60.0

    async def meanwhile() -> None:
        await asyncio.wait_for(done.wait(), SECONDS)
        await asyncio.sleep(0)

    asyncio.run(beside(keep_doing("task", step, health), meanwhile))
    assert failures(health, "task") == 6
    bug, busy, recovered = caplog.records
    assert bug.exc_info is not None
    assert (busy.levelname, busy.exc_info) == ("WARNING", None)
    assert recovered.getMessage() == "task: goes on again"
