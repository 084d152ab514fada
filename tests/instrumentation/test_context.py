from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from threading import Barrier
from typing import TYPE_CHECKING

import pytest
from opentelemetry import baggage
from tests.support.waiting import PATIENCE

from journeytrace import Event, Journey, check, wrap

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


def test_a_wrapped_function_takes_its_journey_along(journeys: RecordedJourneys) -> None:
    """One wrapped function serves all threads of a pool at once, each with journey and baggage."""
    barrier = Barrier(3)

    def work(of: int) -> str:
        barrier.wait(PATIENCE)
        Journey.current().record(Event.STEP_VIEW, of=of)
        return Journey.from_baggage().session_id

    with ThreadPoolExecutor(3) as pool:
        with Journey.resume("s").activate(baggage=True):
            wrapped = wrap(work)
        assert list(pool.map(wrapped, range(3))) == ["s"] * 3
        assert not pool.submit(Journey.current).result(PATIENCE)
    assert sorted(str(event.metadata["of"]) for event in journeys.events("s")) == ["0", "1", "2"]


def test_a_wrapped_coroutine_keeps_its_journey_until_it_ends(journeys: RecordedJourneys) -> None:
    """Wherever it is awaited, and between whatever else, the journey is the one of the wrapping."""

    async def work() -> None:
        await asyncio.sleep(0)
        Journey.current().record(Event.STEP_VIEW)

    with Journey.resume("s").activate():
        wrapped = wrap(work)

    async def main() -> None:
        with Journey.resume("other").activate() as other:
            await asyncio.gather(wrapped(), wrapped())
            assert Journey.current() is other

    asyncio.run(main())
    assert journeys.names("s") == ["STEP_VIEW"] * 2


def test_what_a_wrapped_function_raises_comes_out() -> None:
    """Its exception is the host's, and the journey ends with the call."""

    def fail() -> None:
        raise KeyError(Journey.current().session_id)

    with Journey.resume("s").activate():
        wrapped = wrap(fail)
    with pytest.raises(KeyError, match="s"):
        wrapped()
    assert not Journey.current()
    assert wrapped.__name__ == "fail"


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
