from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any

import pytest
from opentelemetry.trace import NoOpTracerProvider

from journeytrace import Event, Journey, configure

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Mapping

    from journeytrace.testing import RecordedJourneys

    Counted = Callable[[], Mapping[str, int]]

READ = "P<UTOERIKSSON<<ANNA<MARIA"
"""What a passport's reader puts into its exceptions."""


class UnreadableError(Exception):
    """Tells what could not be read, in every way that an exception can."""

    def __init__(self) -> None:
        super().__init__(READ)
        self.add_note(READ)
        self.line = READ

    def __str__(self) -> str:
        return self.line

    __repr__ = __str__


def read() -> None:
    """Fail to read, because of something that tells as much."""
    raise UnreadableError from KeyError(READ)


async def read_later() -> None:
    """Fail to read after a turn of the loop."""
    await asyncio.sleep(0)
    read()


def begin_to_read() -> Coroutine[Any, Any, None]:
    """Give what fails to read once it is awaited."""
    return read_later()


def run_in_every_way(journey: Journey) -> None:
    """Let a check raise: as a block, sync or async, as either decorator, and after a failure."""
    checked = journey.check(Event.MRZ_VALIDATION)

    def block() -> None:
        with checked:
            read()

    def failed() -> None:
        with checked as check:
            check.fail()
            read()

    async def async_block() -> None:
        async with checked:
            read()

    for act in (block, failed, checked(read)):
        with pytest.raises(UnreadableError):
            act()
    for work in (async_block, checked(read_later), checked(begin_to_read)):
        with pytest.raises(UnreadableError):
            asyncio.run(work())


def sent(journeys: RecordedJourneys) -> str:
    """Give all that left, as text."""
    return "".join(span.to_json() for span in journeys.spans)


def test_the_text_of_an_exception_stays_inside(journeys: RecordedJourneys) -> None:
    """Nothing that is sent holds an exception's message, notes, cause or stack, only its class."""
    run_in_every_way(Journey.resume("s"))
    assert len(journeys.spans) == 6
    for span, event in zip(journeys.spans, journeys.events(), strict=True):
        assert event.metadata == {"error.type": "UnreadableError"}
        assert span.status.description == "UnreadableError"
        assert not span.events
    assert READ not in sent(journeys)
    assert "Traceback" not in sent(journeys)


@pytest.mark.usefixtures("unconfigured")
def test_who_asks_for_exceptions_gets_them(journeys: RecordedJourneys) -> None:
    """With `record_exceptions` each goes out as OpenTelemetry has it, and is no event of ours."""
    configure(record_exceptions=True)
    run_in_every_way(Journey.resume("s"))
    for span in journeys.spans:
        [event] = span.events
        assert event.name == "exception"
        assert event.attributes
        assert event.attributes["exception.message"] == READ
        assert READ in str(event.attributes["exception.stacktrace"])
    assert len(journeys.events()) == 6
    configure()
    journeys.clear()
    run_in_every_way(Journey.resume("s"))
    assert READ not in sent(journeys)


@pytest.mark.usefixtures("unconfigured", "journeys")
@pytest.mark.parametrize("value", ["false", "true", 1, None])
def test_only_true_lets_exceptions_out(
    journeys: RecordedJourneys, counted: Counted, value: Any
) -> None:
    """What an environment or a file may give is no consent; it is reported."""
    configure(record_exceptions=value)
    with pytest.raises(UnreadableError), Journey.resume("s").check(Event.MRZ_VALIDATION):
        read()
    assert READ not in sent(journeys)
    assert counted() == {"bad_argument": 1}


@pytest.mark.usefixtures("unconfigured", "counted")
def test_a_fault_is_logged_without_the_hosts_exception(caplog: pytest.LogCaptureFixture) -> None:
    """A tracer's fault is told with its own stack, not with what the host was handling."""

    class Broken(NoOpTracerProvider):
        def get_tracer(self, *_args: object, **_kwargs: object) -> Any:
            raise OSError("broken")

    configure(tracer_provider=Broken())
    with caplog.at_level(logging.WARNING, "journeytrace"):
        try:
            read()
        except UnreadableError:
            Journey.resume("s").record(Event.STEP_VIEW)
    assert "OSError: broken" in caplog.text
    assert "in get_tracer" in caplog.text
    assert READ not in caplog.text
