"""Delivery from either store: what fails waits by itself, and a session's order holds."""

from __future__ import annotations

import asyncio
import random
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.support.events import MINUTE, NOON, SECOND

from journeytrace_collector.core.change import Followup, Parcel, Tally
from journeytrace_collector.errors import (
    PermanentExportError,
    RetryableExportError,
    StoreUnavailableError,
)
from journeytrace_collector.health import Health
from journeytrace_collector.ingest import Ingest
from journeytrace_collector.outbox.delivery import Delivery, Round
from journeytrace_collector.outbox.exporter import Exporter
from journeytrace_collector.outbox.pace import PROBE_SECONDS, Pace
from journeytrace_collector.store import Carried, Store

HOUR = 60 * MINUTE


class Receiver(Exporter):
    """Takes parcels, but for those of the sessions in `failing`; watches over their order."""

    def __init__(self) -> None:
        self.failing: dict[str | None, Exception] = {}
        self.arrived: dict[str | None, list[int]] = defaultdict(list)
        self.tried = 0
        self.clashes = 0
        """How often two of one line were under way at once."""
        self._in_hand: set[str | None] = set()

    def destinations(self) -> tuple[str, ...]:
        return ("audit",)

    async def deliver(self, parcel: Parcel) -> None:
        session = parcel.session_id
        self.clashes += session in self._in_hand
        self._in_hand.add(session)
        try:
            await asyncio.sleep(0)
            self.tried += 1
            self.judge(parcel)
            self.arrived[session].append(int(parcel.payload))
        finally:
            self._in_hand.discard(session)

    def judge(self, parcel: Parcel) -> None:
        """Raise what is wrong with a parcel."""
        if error := self.failing.get(parcel.session_id):
            raise error


class Line:
    """A store, what is put into its outbox, and who delivers it. Its clock goes by hand."""

    def __init__(self, store: Store, receiver: Receiver) -> None:
        self.store = store
        self.now = NOON
        self._number = 0
        self._parcels: list[Parcel] = []
        store.follow(lambda _: Followup(Tally(), self._parcels))
        self.ingest = Ingest(store, 1_000)
        exporters = {"audit": receiver}
        self.delivery = Delivery(exporters, store, self.ingest, Health(), clock=lambda: self.now)
        self.paces = {False: Pace(), True: Pace()}

    def put(self, sessions: Iterable[str | None]) -> None:
        """Put a parcel of each session into the outbox, numbered on."""
        self._parcels = []
        for session in sessions:
            self._number += 1
            self._parcels.append(Parcel("audit", str(self._number).encode(), session))
        self.store.write((), Carried(at=self.now))
        self._parcels = []

    async def round(self, again: bool) -> Round:
        """Take one round and let the time pass that has to pass before the next."""
        done = await self.delivery.step("audit", self.paces[again], again=again)
        self.now += round(self.paces[again].pause(done.tried, 0.5) * SECOND)
        return done


@pytest.fixture
def receiver() -> Receiver:
    """Give a receiver that takes everything."""
    return Receiver()


@pytest.fixture
def line(store: Store, receiver: Receiver) -> Iterator[Line]:
    """Give the line to it."""
    line = Line(store, receiver)
    yield line
    line.ingest.close()


@pytest.mark.parametrize("bad", [1, 40, 400])
def test_good_sessions_arrive_behind_any_number_of_bad_ones(
    line: Line, receiver: Receiver, bad: int
) -> None:
    """1,000 sessions stand behind some that always fail: all arrive, within few rounds and soon."""
    good = [f"good-{n}" for n in range(1_000)]
    line.put([f"bad-{n}" for n in range(bad)])
    line.put(good)
    receiver.failing = {f"bad-{n}": RetryableExportError("busy", after=3_600) for n in range(bad)}

    async def deliver() -> None:
        for _ in range(50 + bad):
            await line.round(again=False)
            await line.round(again=True)

    asyncio.run(deliver())
    assert set(receiver.arrived) == set(good)
    assert receiver.tried <= 1_000 + 2 * bad
    assert line.now - NOON < 10 * MINUTE
    assert line.store.outbox()["audit"].backing_off == bad


def test_one_parcels_hint_stops_nobody_else(line: Line, receiver: Receiver) -> None:
    """Asked to leave one parcel alone for an hour, it serves what comes meanwhile at once."""
    receiver.failing["slow"] = RetryableExportError("busy", after=3_600)
    line.put(["slow", "slow"])
    assert asyncio.run(line.round(again=False)) == Round(2, 0, 1)
    line.put(["slow", "other"])
    assert asyncio.run(line.round(again=False)) == Round(1, 1, 0)
    assert line.now == NOON
    receiver.failing.clear()
    line.now += HOUR - 1
    assert asyncio.run(line.round(again=True)).tried == 0
    line.now = NOON + HOUR
    assert asyncio.run(line.round(again=True)) == Round(3, 3, 0)
    assert receiver.arrived["slow"] == [1, 2, 3]


def test_no_hint_is_followed_for_ever(line: Line, receiver: Receiver) -> None:
    """Whatever a receiver asks for, it is asked again within the hour."""
    receiver.failing["a"] = RetryableExportError("busy", after=float("inf"))
    line.put(["a"])
    asyncio.run(line.round(again=False))
    receiver.failing.clear()
    line.now += HOUR
    assert asyncio.run(line.round(again=True)) == Round(1, 1, 0)


def test_a_dead_destination_is_asked_by_a_few(line: Line, receiver: Receiver) -> None:
    """While nothing arrives an hour brings few attempts, and the first success full speed."""
    everybody = [f"s-{n}" for n in range(5_000)]
    line.put(everybody)
    receiver.failing = dict.fromkeys(everybody, RetryableExportError("down"))

    async def rounds(enough: Callable[[], bool]) -> None:
        for _ in range(100_000):
            if enough():
                return
            await line.round(again=False)
            await line.round(again=True)

    asyncio.run(rounds(lambda: line.now >= NOON + HOUR))
    # Each loop tries four, then waits for at least half of the bound, but both share this clock.
    assert receiver.tried < 8 * 3_600 / (PROBE_SECONDS / 2) / 2
    receiver.failing.clear()
    end = line.now + 3 * MINUTE
    asyncio.run(rounds(lambda: len(receiver.arrived) == len(everybody) or line.now >= end))
    assert set(receiver.arrived) == set(everybody), "not all within three minutes"


def test_when_parking_fails_its_line_stops_and_no_other(
    line: Line, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What comes after a parcel that could not be parked does not overtake it; others arrive."""
    receiver.failing["a"] = PermanentExportError("400")
    line.put(["a", "b", "a", "c", "b"])

    def fail(*_: object) -> None:
        raise StoreUnavailableError("disk full")

    with monkeypatch.context() as broken:
        broken.setattr(line.store, "park", fail)
        with pytest.raises(StoreUnavailableError):
            asyncio.run(line.round(again=False))
    assert receiver.arrived == {"b": [2, 5], "c": [4]}
    assert receiver.tried == 4
    waiting = line.store.waiting("audit", 9)
    assert [row.parcel.payload for row in waiting] == [b"1", b"3"], "noted though one line failed"
    receiver.failing.clear()
    assert asyncio.run(line.round(again=False)) == Round(2, 2, 0)
    assert receiver.arrived["a"] == [1, 3]


class Moody(Receiver):
    """Fails by chance, before or after it has taken a parcel."""

    def __init__(self, chance: random.Random) -> None:
        super().__init__()
        self.chance = chance
        self.refused: set[int] = set()

    def judge(self, parcel: Parcel) -> None:
        number = int(parcel.payload)
        kind = self.chance.randrange(8)
        if kind == 0:
            raise RetryableExportError("not now", after=self.chance.choice((None, 1.0, 90.0)))
        if kind == 1:
            self.arrived[parcel.session_id].append(number)
            raise ConnectionResetError("taken, but you will not hear of it")
        if kind == 2:
            self.refused.add(number)
            raise PermanentExportError("never")


def sometimes(chance: random.Random, store: Any, name: str) -> None:
    """Let a method of a store fail now and then."""
    real = getattr(store, name)

    def method(*arguments: Any) -> Any:
        if chance.random() < 0.15:
            raise StoreUnavailableError(f"{name}: disk full")
        return real(*arguments)

    setattr(store, name, method)


@settings(
    deadline=None,
    max_examples=25,
    # Each example clears the place first.
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    batches=st.lists(
        st.lists(st.sampled_from([None, "a", "b", "c", "d"]), min_size=1, max_size=12),
        min_size=1,
        max_size=6,
    ),
    seed=st.integers(0, 2**32),
)
def test_order_holds_whatever_fails(place: Any, batches: list[list[str | None]], seed: int) -> None:
    """Receiver and store fail at random: all is delivered or parked, each line in its order."""
    place.clear()
    chance = random.Random(seed)
    receiver = Moody(chance)
    with closing(place.open()) as store:
        line = Line(store, receiver)
        for name in ("delivered", "park", "put_off"):
            sometimes(chance, store, name)

        async def one(again: bool) -> None:
            try:
                await line.round(again)
            except StoreUnavailableError:
                line.now += SECOND

        async def both() -> None:
            await asyncio.gather(*(one(again) for again in chance.sample((False, True), 2)))

        async def rounds() -> None:
            for batch in batches:
                line.put(batch)
                for _ in range(chance.randrange(4)):
                    await both()
                    line.now += chance.randrange(30) * SECOND
            for _ in range(2_000):
                await both()
                line.now += MINUTE
                found = store.outbox()
                if not found or not found["audit"].waiting:
                    return
            pytest.fail("the outbox does not empty")

        try:
            asyncio.run(rounds())
        finally:
            line.ingest.close()
        parked = {row.id for row in store.parked(1_000)}
    numbers = [number for batch in batches for number in batch]
    assert len(parked) <= len(receiver.refused)
    reached = {number for mine in receiver.arrived.values() for number in mine} | receiver.refused
    assert reached == set(range(1, len(numbers) + 1))
    assert receiver.clashes == 0
    for mine in receiver.arrived.values():
        firsts = list(dict.fromkeys(mine))
        assert firsts == sorted(firsts)
