from __future__ import annotations

import asyncio
from itertools import count
from typing import TYPE_CHECKING

import pytest
from opentelemetry import trace
from opentelemetry.trace import StatusCode

import journeytrace
from journeytrace import Event, Impact, Journey

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from journeytrace.testing import RecordedEvent, RecordedJourneys

    Counted = Callable[[], Mapping[str, int]]


def outcome(event: RecordedEvent) -> tuple[str | None, str | None, str | None]:
    """Give what a check says of itself."""
    return event.result, event.impact, event.error_code


def test_it_passes_unless_told_otherwise(journeys: RecordedJourneys) -> None:
    """A check that nobody fails has result PASS, impact NONE, and lasts as long as its body."""
    ticks = count(1_000, 7)
    journey = Journey.resume("s", clock=lambda: next(ticks))
    with journey.check(Event.ID_RECOGNITION, camera="rear"):
        pass
    [event] = journeys.events()
    assert outcome(event) == ("PASS", "NONE", None)
    assert (event.at, event.duration, event.metadata) == (1_000, 7, {"camera": "rear"})


def test_it_fails_with_the_catalogues_impact(journeys: RecordedJourneys) -> None:
    """A failure has the impact of the event, its code and metadata; it is no error of the span."""
    with Journey.resume("s").check(Event.ID_RECOGNITION, a=1) as check:
        check.fail(error_code="QS-10001", score=0.5)
    [event] = journeys.events()
    assert outcome(event) == ("FAIL", "RETAKE", "QS-10001")
    assert event.metadata == {"a": 1, "score": 0.5}
    assert journeys.spans[0].status.status_code is StatusCode.UNSET


def test_a_failure_can_have_another_impact(journeys: RecordedJourneys) -> None:
    """What `fail` says comes first, then what `check` said, then the catalogue."""
    journey = Journey.resume("s")
    with journey.check(Event.ID_RECOGNITION, impact=Impact.BLOCKED, error_code="A") as check:
        check.fail()
    with journey.check(Event.ID_RECOGNITION, impact=Impact.BLOCKED, error_code="A") as check:
        check.fail(impact="PENDING", error_code="B")
    with journey.check(Event.ID_RECOGNITION, impact=Impact.BLOCKED, error_code="A"):
        pass
    assert [outcome(event) for event in journeys.events()] == [
        ("FAIL", "BLOCKED", "A"),
        ("FAIL", "PENDING", "B"),
        ("PASS", "NONE", None),
    ]


def test_an_exception_fails_it_and_goes_on(journeys: RecordedJourneys) -> None:
    """The very exception comes out again; the span has its type and an error status."""
    error = ValueError("blurred")
    with (
        pytest.raises(ValueError, match="blurred") as caught,
        Journey.resume("s").check(Event.FACE_COMPARE, error_code="SE-1"),
    ):
        raise error
    assert caught.value is error
    [event] = journeys.events()
    assert outcome(event) == ("FAIL", "NONE", "SE-1")
    assert event.metadata == {"error.type": "ValueError"}
    assert journeys.spans[0].status.status_code is StatusCode.ERROR


@pytest.mark.parametrize(
    ("event", "named", "felt"),
    [
        (Event.SELFIE_DUPLICATE_CHECK, None, "NONE"),
        (Event.STEP1_COMPLETED, None, "NONE"),
        ("MY_CHECK", None, "NONE"),
        ("MY_CHECK", Impact.BLOCKED, "BLOCKED"),
        (Event.SELFIE_DUPLICATE_CHECK, "PENDING", "PENDING"),
        (Event.SELFIE_DUPLICATE_CHECK, "HURT", "NONE"),
    ],
)
def test_a_crash_is_no_judgement(
    journeys: RecordedJourneys, event: str, named: str | None, felt: str
) -> None:
    """A check that raises has impact NONE, not the catalogue's, unless the host named one."""

    @Journey.resume("s").check(event, impact=named)
    def compare() -> None:
        raise TimeoutError

    with pytest.raises(TimeoutError):
        compare()
    [crashed] = journeys.events()
    assert outcome(crashed) == ("FAIL", felt, None)
    assert crashed.metadata == {"error.type": "TimeoutError"}


@pytest.mark.parametrize(("named", "felt"), [(Impact.REJECTED, "REJECTED"), (None, "RETAKE")])
def test_an_exception_keeps_what_was_said_before(
    journeys: RecordedJourneys, named: Impact | None, felt: str
) -> None:
    """A check that was failed and then raised has the impact it was failed with."""

    def compare() -> None:
        with Journey.resume("s").check(Event.FACE_COMPARE) as check:
            check.fail(impact=named, error_code="SE-2")
            raise KeyError

    with pytest.raises(KeyError):
        compare()
    assert outcome(journeys.events()[0]) == ("FAIL", felt, "SE-2")


def test_a_cancelled_check_hurts_nobody(journeys: RecordedJourneys) -> None:
    """When its task is cancelled a check did not pass, but the user felt nothing of it."""

    async def cancelled() -> None:
        async with Journey.resume("s").check(Event.FACE_COMPARE):
            raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(cancelled())
    [event] = journeys.events()
    assert outcome(event) == ("FAIL", "NONE", None)
    assert event.metadata == {"error.type": "CancelledError"}


def test_it_observes_other_events(journeys: RecordedJourneys) -> None:
    """An observed event is a span event of the check, with journey attributes and id of its own."""
    with Journey.resume("s", clock=lambda: 5).check(Event.ID_RECOGNITION) as check:
        check.observe(Event.ID_DOCUMENT_RETRY, attempt=2)
        check.observe(Event.ID_DOCUMENT_RETRY, attempt=2)
    assert sorted(journeys.names("s")) == ["ID_DOCUMENT_RETRY"] * 2 + ["ID_RECOGNITION"]
    [span] = journeys.spans
    first, second = span.events
    assert first.attributes
    assert second.attributes
    assert first.attributes["journey.event.id"] != second.attributes["journey.event.id"]
    assert {
        "journey.event.name": "ID_DOCUMENT_RETRY",
        "journey.event.source": "FE",
        "journey.stage": "CAMERA",
        "journey.event.impact": "RETAKE",
        "attempt": 2,
    }.items() <= first.attributes.items()
    assert first.timestamp == 5


def test_no_observed_event_is_crowded_out(journeys: RecordedJourneys) -> None:
    """Past what a span can hold, observed events become spans of their own."""
    with Journey.resume("s").check(Event.ID_RECOGNITION) as check:
        for attempt in range(200):
            check.observe(Event.TIP_DIALOG_SHOWN, attempt=attempt)
    attempts = [e.metadata.get("attempt") for e in journeys.events() if e.name != "ID_RECOGNITION"]
    assert sorted(str(a) for a in attempts) == sorted(str(a) for a in range(200))


def test_it_is_not_the_hosts_current_span(journeys: RecordedJourneys) -> None:
    """Spans that the host opens inside a check stay in the host's trace."""
    before = trace.get_current_span()
    with Journey.resume("s").check(Event.ID_RECOGNITION):
        assert trace.get_current_span() is before
    assert len(journeys.spans) == 1


def test_each_call_of_a_decorated_function_is_a_check(journeys: RecordedJourneys) -> None:
    """The function keeps name, result and exceptions."""

    @Journey.resume("s").check(Event.MRZ_VALIDATION)
    def validate(digits: str) -> int:
        """Validate."""
        return int(digits)

    assert validate("12") == 12
    with pytest.raises(ValueError, match="invalid literal"):
        validate("x")
    assert (validate.__name__, validate.__doc__) == ("validate", "Validate.")
    assert [event.result for event in journeys.events()] == ["PASS", "FAIL"]


def test_async_functions_can_be_decorated(journeys: RecordedJourneys) -> None:
    """The check lasts until the coroutine has ended."""
    ticks = count(1_000)

    @Journey.resume("s", clock=lambda: next(ticks)).check(Event.AML_CHECK)
    async def screen() -> str:
        await asyncio.sleep(0)
        next(ticks)
        return "clear"

    assert asyncio.run(screen()) == "clear"
    assert journeys.events()[0].duration == 2


def test_the_modules_check_takes_the_current_journey(journeys: RecordedJourneys) -> None:
    """It is looked up at each call, not when the function is decorated."""

    @journeytrace.check(Event.MRZ_VALIDATION)
    def validate() -> None:
        pass

    for session in ("one", "two"):
        with Journey.resume(session).activate():
            validate()
    assert [event.session_id for event in journeys.events()] == ["one", "two"]


def test_without_a_journey_the_body_runs(journeys: RecordedJourneys, counted: Counted) -> None:
    """A check that nobody can record is counted; its body and exceptions are untouched."""

    def validate() -> None:
        with journeytrace.check(Event.MRZ_VALIDATION) as check:
            check.fail(error_code="x")
            check.observe(Event.ID_DOCUMENT_RETRY)
            check.set(a=1)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        validate()
    assert not journeys.spans
    assert counted() == {"no_journey": 2}


def test_generator_functions_run_without_a_check(
    journeys: RecordedJourneys, counted: Counted
) -> None:
    """Their body runs after the call, so they are left alone and reported."""

    @Journey.resume("s").check(Event.MRZ_VALIDATION)
    def lines() -> Iterator[int]:
        yield 1

    assert list(lines()) == [1]
    assert not journeys.spans
    assert counted() == {"check_misused": 1}


def test_an_ended_check_takes_nothing_more(journeys: RecordedJourneys, counted: Counted) -> None:
    """What comes after the with block is reported, not sent."""
    with Journey.resume("s").check(Event.MRZ_VALIDATION) as check:
        pass
    check.fail()
    check.set(a=1)
    check.observe(Event.STEP_VIEW)
    assert [outcome(event) for event in journeys.events()] == [("PASS", "NONE", None)]
    assert counted() == {"check_misused": 3}


def test_one_object_can_serve_again(journeys: RecordedJourneys, counted: Counted) -> None:
    """A check can be entered anew once it has ended; entered twice at once it loses no span."""
    check = Journey.resume("s").check(Event.MRZ_VALIDATION)
    with check:
        check.fail()
    with check, check:
        pass
    assert [event.result for event in journeys.events()] == ["FAIL", "PASS", "PASS"]
    assert counted() == {"check_misused": 1}


def test_an_event_that_is_no_check_keeps_its_impact(journeys: RecordedJourneys) -> None:
    """A timed event without a harmful impact has the catalogue's, as the wire format says."""
    journey = Journey.resume("s")
    with journey.check(Event.STEP1_COMPLETED):
        pass
    with journey.check("MY_STEP", impact=Impact.BLOCKED) as check:
        check.fail()
    assert [outcome(event) for event in journeys.events()] == [
        ("PASS", "COMPLETED", None),
        ("FAIL", "BLOCKED", None),
    ]
