from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from threading import Barrier
from typing import TYPE_CHECKING

from opentelemetry import baggage
from tests.support.waiting import PATIENCE

from journeytrace import Event, Journey, check

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from journeytrace.testing import RecordedJourneys


def test_a_journey_is_current_within_its_block() -> None:
    """Activation nests, and ends with the block."""
    outer, inner = Journey.resume("outer"), Journey.resume("inner")
    assert not Journey.current()
    with outer.activate() as active:
        assert active is outer is Journey.current()
        with inner.activate():
            assert Journey.current() is inner
        assert Journey.current() is outer
    assert not Journey.current()


def test_a_false_journey_hides_the_one_outside() -> None:
    """Events of a request without a session must not land in another session."""
    with Journey.resume("outer").activate(), Journey().activate():
        assert not Journey.current()


def test_tasks_keep_apart(journeys: RecordedJourneys) -> None:
    """Concurrent tasks record into their own journeys."""

    @check(Event.ID_RECOGNITION)
    async def recognise() -> None:
        await asyncio.sleep(0)
        Journey.current().record(Event.STEP_VIEW)

    async def serve(session: str) -> None:
        with Journey.resume(session).activate():
            await asyncio.gather(recognise(), recognise())

    async def main() -> None:
        await asyncio.gather(*(serve(f"s{i}") for i in range(5)))

    asyncio.run(main())
    for i in range(5):
        assert sorted(journeys.names(f"s{i}")) == ["ID_RECOGNITION"] * 2 + ["STEP_VIEW"] * 2


def test_threads_start_without_a_journey() -> None:
    """As OpenTelemetry's context, a journey reaches a thread only with a copied context."""
    with Journey.resume("s").activate() as journey, ThreadPoolExecutor(1) as pool:
        assert not pool.submit(Journey.current).result(PATIENCE)
        assert pool.submit(copy_context().run, Journey.current).result(PATIENCE) is journey


def test_eight_threads_at_once_lose_nothing(
    journeys: RecordedJourneys, counted: Callable[[], Mapping[str, int]]
) -> None:
    """One journey and one decorated function serve many threads, and every event arrives."""
    journey = Journey.resume("s")
    barrier = Barrier(8)

    @journey.check(Event.FACE_COMPARE)
    def compare(thread: int, turn: int) -> None:
        journey.record(Event.STEP_VIEW, of=f"{thread}/{turn}")
        with journey.check(Event.ID_RECOGNITION, of=f"{thread}/{turn}") as recognition:
            recognition.observe(Event.ID_DOCUMENT_RETRY, of=f"{thread}/{turn}")
            recognition.fail()

    def work(thread: int) -> None:
        barrier.wait(PATIENCE)
        for turn in range(50):
            compare(thread, turn)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(8)))
    events = journeys.events("s")
    assert len(events) == 8 * 50 * 4
    for name in ("STEP_VIEW", "ID_RECOGNITION", "ID_DOCUMENT_RETRY"):
        assert len({e.metadata["of"] for e in events if e.name == name}) == 400
    assert counted() == {}


def test_baggage_is_opt_in() -> None:
    """Only on request does the session id travel in outgoing headers."""
    journey = Journey.resume("s")
    with journey.activate():
        assert baggage.get_all() == {}
        assert not Journey.from_baggage()
    with journey.activate(baggage=True):
        assert baggage.get_all() == {"session.id": "s"}
        assert Journey.from_baggage().session_id == "s"
    assert baggage.get_all() == {}


def test_a_false_journey_puts_nothing_into_baggage() -> None:
    """There is no id to pass on."""
    with Journey().activate(baggage=True):
        assert baggage.get_all() == {}
