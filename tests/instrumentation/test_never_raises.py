from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from opentelemetry.trace import NoOpTracerProvider

import journeytrace
from journeytrace import Event, Journey, Reason, configure

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from journeytrace.testing import RecordedJourneys

    Counted = Callable[[], Mapping[str, int]]


class Hostile:
    """Raises on everything one may try with it."""

    def _refuse(self, *_: object) -> Any:
        raise RuntimeError("no")

    __repr__ = __str__ = __bool__ = __eq__ = __hash__ = __len__ = __iter__ = _refuse
    __int__ = __index__ = __float__ = __call__ = __getitem__ = __contains__ = _refuse


class HostileString(str):
    """A string whose own methods raise."""

    __slots__ = ()

    def _refuse(self, *_: object) -> Any:
        raise RuntimeError("no")

    __repr__ = __str__ = __eq__ = __hash__ = isprintable = strip = isascii = _refuse


class HostileMapping(dict[str, object]):
    """A mapping that cannot be read."""

    def keys(self) -> Any:
        raise RuntimeError("no")

    items = __iter__ = keys


garbage = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(),
    st.binary(),
    st.lists(st.text(), max_size=2),
    st.dictionaries(st.text(), st.integers(), max_size=2),
    st.sampled_from([*Event][:5] + [*Reason][:5]),
    st.builds(Hostile),
    st.builds(HostileString),
    st.builds(HostileMapping),
    st.just("\ud800"),
    st.just(object),
)
SESSION = ["submission_id", "flow_id", "user_id", "email", "project"]
PARAMETERS = ["source", "stage", "impact", "result", "reason", "error_code", *SESSION]
OTHERS = ["attributes", "event", "self", "cls", "a.b", "session.id", "user.id", ""]
FIELDS = [*SESSION, "retention_days", "session_id", "clock"]
details = st.dictionaries(st.sampled_from(PARAMETERS + OTHERS), garbage)
starting = st.dictionaries(st.sampled_from(FIELDS + OTHERS), garbage)
few = settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@few
@given(starting, garbage, garbage)
def test_making_a_journey_never_raises(
    journeys: RecordedJourneys, said: dict[str, Any], session: Any, clock: Any
) -> None:
    """Whatever start and resume are given, a journey comes back."""
    del journeys
    assert isinstance(Journey.start(**said), Journey)
    assert isinstance(Journey.resume(session, clock=clock), Journey)


@few
@given(garbage, details, st.sampled_from([Journey(), Journey.resume("s")]))
def test_recording_never_raises(
    journeys: RecordedJourneys, event: Any, said: dict[str, Any], journey: Journey
) -> None:
    """Whatever an event is said to be, the host goes on."""
    del journeys
    journey.record(event, **said)
    journey.approve(**{k: v for k, v in said.items() if k != "self"})


@few
@given(
    st.dictionaries(st.sampled_from(SESSION), garbage),
    st.sampled_from([Journey(), Journey.resume("s")]),
)
def test_identifying_never_raises(
    journeys: RecordedJourneys, said: dict[str, Any], journey: Journey
) -> None:
    """Whoever the user is said to be, the next event goes out."""
    journeys.clear()
    journey.identify(**said)
    journey.record(Event.STEP_VIEW)
    assert len(journeys.spans) == bool(journey)


@few
@given(garbage, details, st.sampled_from([Journey(), Journey.resume("s")]))
def test_deciding_never_raises(
    journeys: RecordedJourneys, reason: Any, said: dict[str, Any], journey: Journey
) -> None:
    """Whatever the reason is, the decision is recorded."""
    said = {key: value for key, value in said.items() if key not in {"reason", "self"}}
    before = len(journeys.spans)
    journey.reject(reason, **said)
    journey.hold(reason, **said)
    assert len(journeys.spans) - before <= 2


@few
@given(
    event=garbage,
    said=details,
    other=garbage,
    more=details,
    journey=st.sampled_from([Journey(), Journey.resume("s")]),
)
def test_checking_never_raises(
    journeys: RecordedJourneys,
    *,
    event: Any,
    said: dict[str, Any],
    other: Any,
    more: dict[str, Any],
    journey: Journey,
) -> None:
    """Whatever a check is given and told, its body runs to the end."""
    del journeys
    ran = False
    with journey.activate(), journeytrace.check(event, **said):
        pass
    with journey.check(event, **said) as check:
        check.observe(other, **more)
        check.fail(**{k: v for k, v in more.items() if k != "self"})
        check.set(**{k: v for k, v in more.items() if k != "self"})
        ran = True
    assert ran


def test_a_garbled_event_still_goes_out(journeys: RecordedJourneys, counted: Counted) -> None:
    """Each unusable argument is counted and left out, the event is not."""
    Journey.resume("s").record(
        Event.ID_RECOGNITION,
        source="ME",
        stage="STEP9",
        impact="HURT",
        result="MAYBE",
        error_code=5,  # type: ignore[arg-type]
        submission_id="\ud800",
        attributes=[1],  # type: ignore[arg-type]
    )
    [event] = journeys.events()
    assert (event.source, event.stage, event.impact, event.result) == ("BE", "STEP9", "NONE", None)
    assert counted() == {"bad_argument": 6, "unknown_stage": 1}


def test_a_failed_check_fails_whatever_else_is_wrong(
    journeys: RecordedJourneys, counted: Counted
) -> None:
    """Unusable details of a failure do not turn it into a pass."""
    with Journey.resume("s").check(Event.ID_RECOGNITION) as check:
        check.fail(impact="HURT", error_code=Hostile(), attributes=HostileMapping(a=1))  # type: ignore[arg-type]
    [event] = journeys.events()
    assert (event.result, event.impact) == ("FAIL", "RETAKE")
    assert counted() == {"bad_argument": 2, "internal": 1}


def test_an_unknown_reason_is_recorded_as_it_is(
    journeys: RecordedJourneys, counted: Counted
) -> None:
    """A reason for the other decision is as unknown as one that does not exist."""
    journey = Journey.resume("s")
    journey.reject(Reason.COUNTRY_MISMATCH)
    journey.hold("MOON_PHASE")
    journey.reject(Hostile())  # type: ignore[arg-type]
    assert [e.reason for e in journeys.events()] == ["COUNTRY_MISMATCH", "MOON_PHASE", None]
    assert counted() == {"unknown_reason": 2, "bad_argument": 1}


@pytest.mark.parametrize("name", ["", " A", "A\n", "x" * 129, "\ud800", 3, None, ["A"], Hostile()])
def test_what_is_no_name_is_not_recorded(
    journeys: RecordedJourneys, counted: Counted, name: str
) -> None:
    """An event needs 1 to 128 printable characters."""
    Journey.resume("s").record(name)
    with Journey.resume("s").check(name):
        pass
    assert not journeys.spans
    assert counted() == {"bad_event_name": 2}


def test_a_bad_retention_is_left_out(journeys: RecordedJourneys, counted: Counted) -> None:
    """Only the periods on offer go out."""
    Journey.start(retention_days=31)
    Journey.start(retention_days=True)
    assert all("journey.retention.days" not in event.attributes for event in journeys.events())
    assert counted() == {"bad_argument": 2}


@pytest.mark.parametrize("clock", [lambda: 1 // 0, lambda: 1.5, lambda: -1, lambda: True, 5])
def test_a_bad_clock_is_not_asked_for_the_time(
    journeys: RecordedJourneys, counted: Counted, clock: Any
) -> None:
    """The SDK takes the time instead."""
    Journey.resume("s", clock=clock).record(Event.STEP_VIEW)
    assert journeys.events()[0].at > 1_600_000_000_000_000_000
    assert counted() == {"bad_clock": 1}


@pytest.mark.usefixtures("unconfigured")
def test_a_broken_tracer_breaks_nothing(counted: Counted) -> None:
    """What nobody foresaw is logged and counted; the host's own exception still comes out."""

    class Broken(NoOpTracerProvider):
        def get_tracer(self, *_args: object, **_kwargs: object) -> Any:
            raise OSError("broken")

    configure(tracer_provider=Broken())
    journey = Journey.start()
    journey.record(Event.STEP_VIEW)
    with pytest.raises(KeyError), journey.check(Event.STEP_VIEW):
        raise KeyError
    assert counted() == {"internal": 3}


def test_a_broken_log_handler_breaks_nothing(counted: Counted) -> None:
    """Even the warning may fail."""

    class Broken(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            raise OSError(record)

    logger = logging.getLogger("journeytrace")
    handler = Broken()
    logger.addHandler(handler)
    try:
        Journey.resume("")
    finally:
        logger.removeHandler(handler)
    assert counted() == {"bad_session_id": 1}


@pytest.mark.usefixtures("unconfigured")
def test_an_exception_that_cannot_be_shown_goes_on(journeys: RecordedJourneys) -> None:
    """The check fails by an exception whose own code raises, and that exception comes out."""
    configure(record_exceptions=True)

    class UnprintableError(Exception):
        def __str__(self) -> str:
            raise RuntimeError("no")

    with pytest.raises(UnprintableError), Journey.resume("s").check(Event.FACE_COMPARE):
        raise UnprintableError
    [event] = journeys.events()
    assert (event.result, event.metadata) == ("FAIL", {"error.type": event.metadata["error.type"]})
