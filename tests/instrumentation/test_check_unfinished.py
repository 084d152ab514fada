from __future__ import annotations

import asyncio
import gc
import inspect
from functools import partial, wraps
from itertools import count
from types import coroutine
from typing import TYPE_CHECKING, Any

import pytest

from journeytrace import Event, Impact, Journey

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Generator, Iterator, Mapping

    from journeytrace.testing import RecordedJourneys

    Counted = Callable[[], Mapping[str, int]]


async def screen(clear: bool) -> str:
    """Take a turn of the loop, then raise or give a word."""
    await asyncio.sleep(0)
    if not clear:
        raise TimeoutError
    return "clear"


def logged(function: Callable[[bool], Awaitable[str]]) -> Callable[[bool], Awaitable[str]]:
    """Wrap an async function as decorators do that know nothing of async."""

    @wraps(function)
    def call(clear: bool) -> Awaitable[str]:
        return function(clear)

    return call


class Screen:
    """An object that is called with await."""

    async def __call__(self, clear: bool) -> str:
        return await screen(clear)


class Query:
    """An awaitable of its own class, that can also be asked."""

    def __init__(self, clear: bool) -> None:
        self.clear = clear

    def __await__(self) -> Generator[Any, Any, str]:
        return screen(self.clear).__await__()


@coroutine
def old_style(clear: bool) -> Generator[Any, Any, str]:
    """Be a coroutine as before there was `async def`."""
    return (yield from screen(clear).__await__())


def scheduled(clear: bool) -> asyncio.Task[str]:
    """Give a task that runs by itself."""
    return asyncio.ensure_future(screen(clear))


KINDS: list[Callable[[bool], Awaitable[str]]] = [
    screen,
    logged(screen),
    partial(screen),
    partial(logged(screen)),
    Screen(),
    partial(Screen()),
    Query,
    logged(old_style),
    scheduled,
]


@pytest.mark.parametrize("function", KINDS)
def test_a_check_ends_when_what_came_back_has_been_awaited(
    journeys: RecordedJourneys, counted: Counted, function: Callable[[bool], Awaitable[str]]
) -> None:
    """However an awaitable was come by, its end is the check's, and so is its exception."""
    ticks = count(1_000)
    checked = Journey.resume("s", clock=lambda: next(ticks)).check(Event.AML_CHECK)(function)

    async def main() -> None:
        assert await checked(True) == "clear"
        pending = checked(False)
        next(ticks)
        with pytest.raises(TimeoutError):
            await pending

    asyncio.run(main())
    passed, failed = journeys.events()
    assert (passed.result, passed.duration) == ("PASS", 1)
    assert (failed.result, failed.metadata) == ("FAIL", {"error.type": "TimeoutError"})
    assert counted() == {}


@pytest.mark.parametrize("function", KINDS)
def test_a_cancelled_awaitable_hurts_nobody(
    journeys: RecordedJourneys, function: Callable[[bool], Awaitable[str]]
) -> None:
    """Whoever is cancelled while waiting for the answer was not judged."""
    checked = Journey.resume("s").check(Event.AML_CHECK, impact=Impact.BLOCKED)(function)

    async def main() -> None:
        async def wait() -> None:
            await checked(True)

        waiting = asyncio.create_task(wait())
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting

    asyncio.run(main())
    [event] = journeys.events()
    assert (event.result, event.impact) == ("FAIL", "NONE")
    assert event.metadata == {"error.type": "CancelledError"}


@pytest.mark.parametrize("function", [screen, partial(screen), Screen()])
def test_what_is_async_by_inspection_stays_so(function: Callable[[bool], Awaitable[str]]) -> None:
    """Frameworks ask whether to await before they call, and get the same answer."""
    assert inspect.iscoroutinefunction(Journey.resume("s").check(Event.AML_CHECK)(function))
    assert not inspect.iscoroutinefunction(Journey().check(Event.AML_CHECK)(logged(screen)))


@pytest.mark.usefixtures("journeys")
def test_a_coroutine_stays_one() -> None:
    """It can become a task, and bears the name of the function that it is of."""
    checked = Journey.resume("s").check(Event.AML_CHECK)(logged(screen))

    async def main() -> None:
        work = checked(True)
        assert inspect.iscoroutine(work)
        assert (work.__name__, work.__qualname__) == ("screen", "screen")
        assert await asyncio.create_task(work) == "clear"

    asyncio.run(main())


def test_a_future_stays_itself(journeys: RecordedJourneys) -> None:
    """The host may keep it, watch it or never await it; the check ends when it is done."""
    given: list[object] = []

    @Journey.resume("s").check(Event.AML_CHECK)
    def schedule(clear: bool) -> asyncio.Future[str]:
        given.append(scheduled(clear))
        return given[-1]  # type: ignore[return-value]

    async def main() -> None:
        task = schedule(True)
        assert task is given[-1]
        assert not journeys.spans
        await asyncio.wait({task})
        assert [event.result for event in journeys.events()] == ["PASS"]
        assert schedule.__wrapped__  # type: ignore[attr-defined]

    asyncio.run(main())


@pytest.mark.parametrize("checked", [True, False])
def test_asyncio_still_tells_of_what_nobody_retrieved(
    journeys: RecordedJourneys, checked: bool
) -> None:
    """A future's exception does not count as retrieved because a check has seen it."""
    told: list[str] = []
    schedule = Journey.resume("s").check(Event.AML_CHECK)(scheduled) if checked else scheduled

    async def main() -> None:
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _loop, context: told.append(context["message"]))
        await asyncio.wait({schedule(False)})
        gc.collect()

    asyncio.run(main())
    assert told == ["Task exception was never retrieved"]
    assert len(journeys.spans) == checked


def test_a_future_that_is_done_ends_the_check_at_once(journeys: RecordedJourneys) -> None:
    """There is nothing to wait for."""

    @Journey.resume("s").check(Event.AML_CHECK)
    def answer() -> asyncio.Future[int]:
        future = asyncio.get_running_loop().create_future()
        future.set_exception(KeyError())
        return future

    async def main() -> None:
        future = answer()
        assert [event.result for event in journeys.events()] == ["FAIL"]
        assert isinstance(future.exception(), KeyError)

    asyncio.run(main())


def test_a_future_of_ones_own_is_watched_too(journeys: RecordedJourneys) -> None:
    """What asyncio takes for a future need not be one of its classes."""

    class Done:
        _asyncio_future_blocking = False

        def __await__(self) -> Iterator[object]:
            raise TimeoutError

        def done(self) -> bool:
            return True

        def cancelled(self) -> bool:
            return False

        def exception(self) -> BaseException:
            return TimeoutError()

    future = Done()
    assert Journey.resume("s").check(Event.AML_CHECK)(lambda: future)() is future
    assert [event.metadata for event in journeys.events()] == [{"error.type": "TimeoutError"}]


def test_an_awaitable_of_ones_own_keeps_what_it_can(journeys: RecordedJourneys) -> None:
    """Its attributes are there, and it can be awaited again, which is no further check."""
    ask = Journey.resume("s").check(Event.AML_CHECK)(Query)

    async def main() -> None:
        query = ask(True)
        assert query.clear
        assert [await query, await query] == ["clear", "clear"]

    asyncio.run(main())
    assert [event.result for event in journeys.events()] == ["PASS"]


def test_what_raises_before_it_gives_an_awaitable_fails(journeys: RecordedJourneys) -> None:
    """The part before the first await belongs to the check."""

    @Journey.resume("s").check(Event.AML_CHECK)
    def ask() -> Awaitable[str]:
        raise TimeoutError

    with pytest.raises(TimeoutError):
        ask()
    assert [event.result for event in journeys.events()] == ["FAIL"]


def pages() -> Iterator[int]:
    """Raise in the midst."""
    yield 1
    raise TimeoutError


async def async_pages() -> AsyncIterator[int]:
    """Raise in the midst."""
    yield 1
    raise TimeoutError


class Connection(Query):
    """An awaitable that can also be entered, as many database drivers have."""

    async def __aenter__(self) -> str:
        return await self

    async def __aexit__(self, *_: object) -> None:
        pass


@pytest.mark.parametrize("giving", [pages, async_pages, partial(Connection, False)])
def test_what_nobody_can_follow_runs_without_a_check(
    journeys: RecordedJourneys, counted: Counted, giving: Callable[[], object]
) -> None:
    """A generator, or an awaitable that is more, comes out untouched, reported and not judged."""

    @Journey.resume("s").check(Event.MRZ_VALIDATION)
    def give() -> object:
        return giving()

    assert type(give()) is type(giving())
    assert not journeys.spans
    assert counted() == {"check_misused": 1}


def test_an_awaitable_without_a_journey_is_left_alone(counted: Counted) -> None:
    """Where nothing is recorded, nothing is wrapped."""
    query = Query(True)
    assert Journey().check(Event.AML_CHECK)(lambda: query)() is query
    assert counted() == {"no_journey": 1}


def test_a_result_that_answers_nothing_comes_out(
    journeys: RecordedJourneys, counted: Counted
) -> None:
    """A result that raises when asked for its class is the host's business; the check passes."""

    class Unbound:
        @property  # type: ignore[misc]
        def __class__(self) -> Any:
            raise RuntimeError("outside of a request")

    unbound = Unbound()
    assert Journey.resume("s").check(Event.AML_CHECK)(lambda: unbound)() is unbound
    assert [event.result for event in journeys.events()] == ["PASS"]
    assert counted() == {"internal": 1}
