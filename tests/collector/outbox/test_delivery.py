"""Out of the outbox: at least once, in order of a session, parked when hopeless."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
from tests.support.events import IDLE_TIMEOUT, NOON, SECOND, event

from journeytrace.catalogue import builtin_catalogue
from journeytrace.conventions import COLLECTOR_EXPORT_FAILURES_TOTAL
from journeytrace_collector.background import backoff
from journeytrace_collector.chores import Chores
from journeytrace_collector.core.change import Change, Parcel
from journeytrace_collector.core.measure import Measure
from journeytrace_collector.errors import PermanentExportError, RetryableExportError
from journeytrace_collector.health import Health
from journeytrace_collector.ingest import Ingest
from journeytrace_collector.outbox.delivery import Delivery, Round
from journeytrace_collector.outbox.effects import effects
from journeytrace_collector.outbox.exporter import Exporter
from journeytrace_collector.store import SqliteStore


class Recorder(Exporter):
    """Lets each event leave, and takes or refuses parcels as it is told."""

    def __init__(self) -> None:
        self.taken: list[str] = []
        self.tried: list[str] = []
        self.errors: dict[str, Exception] = {}

    def parcels(self, change: Change) -> Iterable[Parcel]:
        for session in change.sessions:
            for item in session.fresh:
                yield Parcel("recorder", item.name.encode(), session.after.session_id)

    def destinations(self) -> tuple[str, ...]:
        return ("recorder",)

    async def deliver(self, parcel: Parcel) -> None:
        name = parcel.payload.decode()
        self.tried.append(name)
        if error := self.errors.get(name):
            raise error
        self.taken.append(name)


class Faulty(Exporter):
    """Cannot say what has to leave."""

    def parcels(self, change: Change) -> Iterable[Parcel]:
        raise ZeroDivisionError(change)


class Setup:
    """A store, a writer, and one exporter behind them."""

    def __init__(self, folder: Path) -> None:
        self.recorder = Recorder()
        self.health = Health()
        exporters = {"faulty": Faulty(), "recorder": self.recorder}
        self.store = SqliteStore(folder, builtin_catalogue(), IDLE_TIMEOUT)
        self.store.follow(effects(Measure(builtin_catalogue()), exporters, self.health))
        self.ingest = Ingest(self.store, 1_000)
        self.now = NOON
        self.delivery = Delivery(
            exporters, self.store, self.ingest, self.health, clock=lambda: self.now
        )

    def write(self, *names: str, session: str = "s") -> None:
        """Store events of one session, a write each."""
        for number, name in enumerate(names):
            self.store.write([event(name, NOON + number, session_id=session)])

    def step(self, again: bool = False) -> Round:
        """Try once what has not failed yet, or `again` what has and is due."""
        return asyncio.run(self.delivery.step("recorder", again=again))

    def failures(self, kind: str, name: str = "recorder") -> float:
        """Give how often an exporter failed."""
        series = (COLLECTOR_EXPORT_FAILURES_TOTAL.name, (name, kind))
        return self.health.tally().rises.get(series, 0)


@pytest.fixture
def setup(tmp_path: Path) -> Iterator[Setup]:
    """Give a store with an exporter."""
    setup = Setup(tmp_path)
    yield setup
    setup.ingest.close()
    setup.store.close()


def test_parcels_arrive_in_order_and_leave_the_line(setup: Setup) -> None:
    """What arrived is gone; the order within a session is that of the writes."""
    setup.write("A", "B", "C")
    assert setup.step() == Round(3, 3, 0)
    assert setup.recorder.taken == ["A", "B", "C"]
    assert setup.step() == Round(0, 0, 0)


def test_a_retryable_failure_holds_up_its_session_alone(setup: Setup) -> None:
    """Behind a parcel that has to wait its own session waits, other sessions do not."""
    setup.write("A", "B", session="first")
    setup.write("C", "D", session="second")
    setup.recorder.errors["A"] = RetryableExportError("busy", after=7)
    assert setup.step() == Round(4, 2, 1)
    assert setup.recorder.taken == ["C", "D"]
    setup.recorder.errors.clear()
    setup.now += 7 * SECOND - 1
    assert setup.step(again=True) == setup.step() == Round(0, 0, 0)
    setup.now += 1
    assert setup.step(again=True) == Round(2, 2, 0)
    assert setup.recorder.taken == ["C", "D", "A", "B"]
    assert setup.failures("retryable") == 1


def test_a_permanent_failure_is_parked_with_its_reason(setup: Setup) -> None:
    """A hopeless parcel is out of the way, visible, and counted; requeued it is tried again."""
    setup.write("A", "B")
    setup.recorder.errors["A"] = PermanentExportError("400: no such thing")
    assert setup.step() == Round(2, 2, 0)
    assert setup.recorder.taken == ["B"]
    (row,) = setup.store.parked(10)
    assert row.reason == "400: no such thing"
    assert setup.failures("permanent") == 1
    setup.recorder.errors.clear()
    assert setup.store.requeue() == 1
    setup.step()
    assert setup.recorder.taken == ["B", "A"]


def test_an_unforeseen_failure_is_tried_again(setup: Setup) -> None:
    """A bug in an exporter loses nothing."""
    setup.write("A")
    setup.recorder.errors["A"] = KeyError("bug")
    assert setup.step() == Round(1, 0, 1)
    setup.recorder.errors.clear()
    setup.now += SECOND
    assert setup.step(again=True) == Round(1, 1, 0)
    assert setup.recorder.taken == ["A"]


def test_a_faulty_exporter_harms_no_event(setup: Setup) -> None:
    """An exporter that cannot say what has to leave costs neither events nor other exporters."""
    setup.write("A")
    assert len(setup.store.events("s")) == 1
    assert setup.step()[0] == 1
    assert setup.failures("internal", "faulty") == 1


def test_what_was_not_acknowledged_is_delivered_again(setup: Setup, tmp_path: Path) -> None:
    """A crash between arrival and acknowledgement delivers twice and never not at all."""
    setup.write("A")
    (row,) = setup.store.waiting("recorder", 10)
    asyncio.run(setup.recorder.deliver(row.parcel))
    setup.ingest.close()
    setup.store.close()
    again = Setup(tmp_path)
    again.step()
    assert (setup.recorder.taken, again.recorder.taken) == (["A"], ["A"])
    setup.store, setup.ingest = again.store, again.ingest


def test_backoff_grows_to_a_bound_and_spreads() -> None:
    """Waits double up to a bound; chance takes off up to half of it."""
    assert [backoff(n, 1.0) for n in (1, 2, 3)] == [1.0, 2.0, 4.0]
    assert backoff(9_999, 1.0) == 30.0
    assert backoff(9_999, 0.0, most=100.0) == 50.0


def test_chores_do_all_that_is_due(setup: Setup) -> None:
    """One round settles every session that is due, in as many steps as it takes, then erases."""
    for n in range(250):
        setup.write("PAGE_HIDDEN", session=f"s-{n}")
    now = NOON
    chores = Chores(setup.store, setup.ingest, lambda: now)
    asyncio.run(chores.step())
    known = setup.store.session("s-249")
    assert known is not None
    assert known.settled_at is None
    now = NOON + IDLE_TIMEOUT
    asyncio.run(chores.step())
    settled = [setup.store.session(f"s-{n}") for n in range(250)]
    assert all(known is not None and known.settled_at == now for known in settled)
    now = NOON + 31 * 86_400_000_000_000
    asyncio.run(chores.step())
    assert setup.store.session("s-0") is None
