"""Parcels that are delivered as one."""

from __future__ import annotations

import asyncio
from collections.abc import Hashable, Iterable, Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.events import IDLE_TIMEOUT, MINUTE, NOON, SECOND, event

from journeytrace.catalogue import builtin_catalogue
from journeytrace_collector.core.change import Change, Parcel
from journeytrace_collector.core.measure import Measure
from journeytrace_collector.errors import PermanentExportError, RetryableExportError
from journeytrace_collector.health import Health
from journeytrace_collector.ingest import Ingest
from journeytrace_collector.outbox.bundles import MAX_BYTES, bundles
from journeytrace_collector.outbox.delivery import Delivery
from journeytrace_collector.outbox.effects import effects
from journeytrace_collector.outbox.exporter import Exporter
from journeytrace_collector.store import SqliteStore
from journeytrace_collector.store.base import OutboxRow

LATER = NOON + 24 * 60 * MINUTE


class Joiner(Exporter):
    """Joins all parcels of one header, and takes no payload with a poison in it."""

    def __init__(self) -> None:
        self.tried: list[bytes] = []
        self.taken = b""
        self.poisons: dict[bytes, Exception] = {}

    def parcels(self, change: Change) -> Iterable[Parcel]:
        for session in change.sessions:
            for item in session.fresh:
                yield Parcel("joiner", item.name.encode(), item.session_id)

    def destinations(self) -> tuple[str, ...]:
        return ("joiner",)

    def joins(self, parcel: Parcel) -> Hashable | None:
        return parcel.headers.get("kind", "one")

    async def deliver(self, parcel: Parcel) -> None:
        self.tried.append(parcel.payload)
        for poison, error in self.poisons.items():
            if poison in parcel.payload:
                raise error
        self.taken += parcel.payload


class Setup:
    """A store, a writer, and the exporter behind them."""

    def __init__(self, folder: Path) -> None:
        self.joiner = Joiner()
        exporters = {"joiner": self.joiner}
        self.store = SqliteStore(folder, builtin_catalogue(), IDLE_TIMEOUT)
        self.store.follow(effects(Measure(builtin_catalogue()), exporters, Health()))
        self.ingest = Ingest(self.store, 1_000)
        self.now = NOON
        self.delivery = Delivery(
            exporters, self.store, self.ingest, Health(), clock=lambda: self.now
        )

    def write(self, *names: str) -> None:
        """Store events, each of a session of its own; A and a share one."""
        for number, name in enumerate(names):
            self.store.write([event(name, NOON + number, session_id=name.lower())])

    def step(self, *, again: bool = False) -> None:
        """Try once what comes first, or what has failed before."""
        asyncio.run(self.delivery.step("joiner", again=again))

    def left(self, now: int = LATER) -> list[bytes]:
        """Give what waits and may be tried by then."""
        rows = [*self.store.waiting("joiner", 100, now=now), *self.store.again("joiner", 100, now)]
        return [row.parcel.payload for row in sorted(rows, key=lambda row: row.id)]


@pytest.fixture
def setup(tmp_path: Path) -> Iterator[Setup]:
    """Give a store with the exporter."""
    setup = Setup(tmp_path)
    yield setup
    setup.ingest.close()
    setup.store.close()


def test_parcels_of_many_sessions_leave_in_one_delivery(setup: Setup) -> None:
    """Their payloads stand one behind the other, in the order of the line."""
    setup.write("A", "B", "C", "a")
    setup.step()
    assert setup.joiner.tried == [b"ABCa"]
    assert setup.left() == []


def test_one_parcel_that_is_refused_costs_its_neighbours_nothing(setup: Setup) -> None:
    """A bundle that fails goes one by one: the culprit alone is parked."""
    setup.write("A", "B", "C")
    setup.joiner.poisons[b"B"] = PermanentExportError("400: no B")
    setup.step()
    assert sorted(setup.joiner.taken) == sorted(b"AC")
    assert setup.left() == []
    (row,) = setup.store.parked(10)
    assert (row.parcel.session_id, row.reason) == ("b", "400: no B")


def test_one_parcel_that_has_to_wait_holds_up_its_session_alone(setup: Setup) -> None:
    """A bundle that has to wait is tried again one by one, in order within a session."""
    setup.write("A", "B", "C", "a")
    setup.joiner.poisons[b"A"] = RetryableExportError("busy")
    setup.step()
    assert setup.joiner.tried == [b"ABCa"]
    setup.now += MINUTE
    setup.step(again=True)
    assert sorted(setup.joiner.taken) == sorted(b"BC")
    assert setup.left() == [b"A", b"a"]
    setup.joiner.poisons.clear()
    setup.now += 10 * MINUTE
    setup.step(again=True)
    assert setup.joiner.tried[-2:] == [b"A", b"a"]
    assert setup.left() == []


def test_a_receiver_that_says_when_is_left_alone_until_then(setup: Setup) -> None:
    """Nothing of a bundle is tried before the time that its receiver named."""
    setup.write("A", "B")
    setup.joiner.poisons[b"A"] = RetryableExportError("busy", after=700)
    setup.step()
    assert setup.joiner.tried == [b"AB"]
    assert setup.left(NOON + 699 * SECOND) == []
    assert setup.left(NOON + 701 * SECOND) == [b"A", b"B"]


@given(st.lists(st.tuples(st.sampled_from("ab-"), st.integers(0, MAX_BYTES // 2)), max_size=12))
def test_bundles_keep_what_they_are_given(drawn: list[tuple[str, int]]) -> None:
    """Every row is in one bundle, with its own kind alone, in order, within the size."""

    class Sorter(Exporter):
        def joins(self, parcel: Parcel) -> Hashable | None:
            return None if parcel.headers["kind"] == "-" else parcel.headers["kind"]

    rows = [
        OutboxRow(number, 0, Parcel("x", bytes(size), headers={"kind": kind}))
        for number, (kind, size) in enumerate(drawn)
    ]
    found = list(bundles(rows, Sorter()))
    assert sorted(row.id for group in found for row in group) == list(range(len(rows)))
    for group in found:
        (kind,) = {row.parcel.headers["kind"] for row in group}
        assert kind != "-" or len(group) == 1
        assert sum(len(row.parcel.payload) for row in group) <= MAX_BYTES
    for kind in "ab":
        ids = [row.id for group in found for row in group if row.parcel.headers["kind"] == kind]
        assert ids == sorted(ids)
