from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
from opentelemetry.instrumentation.utils import suppress_instrumentation

from journeytrace import Event, Journey, check

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from journeytrace.testing import RecordedEvent, RecordedJourneys

    Counted = Callable[[], Mapping[str, int]]

SAID: dict[str, Any] = {
    "user_id": "u-42",
    "email": "ann@example.com",
    "submission_id": "sub-1",
    "flow_id": "f-1",
    "project": "acme-kyc",
}
KEPT = {
    "user.id": "u-42",
    "user.email": "ann@example.com",
    "journey.submission.id": "sub-1",
    "journey.flow.id": "f-1",
    "journey.project.id": "acme-kyc",
}


def fields(event: RecordedEvent) -> dict[str, object]:
    """Give what an event says of its session."""
    return {key: event.attributes[key] for key in KEPT if key in event.attributes}


def observe(journey: Journey) -> None:
    """Say it of an event inside a check."""
    with journey.check(Event.FACE_COMPARE) as outer:
        outer.observe(Event.STEP_VIEW, **SAID)


def fail(journey: Journey) -> None:
    """Say it with a failure."""
    with journey.check(Event.STEP_VIEW) as failed:
        failed.fail(**SAID)


def add(journey: Journey) -> None:
    """Say it while the check runs."""
    with journey.check(Event.STEP_VIEW) as passed:
        passed.set(**SAID)


def run(journey: Journey) -> None:
    """Say it when the check is made."""
    with journey.check(Event.STEP_VIEW, **SAID):
        pass


def run_current(journey: Journey) -> None:
    """Say it of a check of whatever journey is current."""
    with journey.activate(), check(Event.STEP_VIEW, **SAID):
        pass


@pytest.mark.parametrize(
    "say",
    [
        lambda _: Journey.start(session_id="s", **SAID),
        lambda journey: journey.record(Event.STEP_VIEW, **SAID),
        lambda journey: journey.approve(**SAID),
        lambda journey: journey.reject("AGE_LIMIT", **SAID),
        lambda journey: journey.hold("COUNTRY_MISMATCH", **SAID),
        run,
        run_current,
        fail,
        add,
        observe,
    ],
)
def test_every_event_can_say_whose_session_it_is(
    journeys: RecordedJourneys, counted: Counted, say: Callable[[Journey], None]
) -> None:
    """Wherever metadata can be given, these names are the session's fields and no metadata."""
    say(Journey.resume("s"))
    [event] = [e for e in journeys.events("s") if e.name != Event.FACE_COMPARE]
    assert fields(event) == KEPT
    assert not event.metadata.keys() & SAID.keys()
    assert counted() == {}


def test_the_next_event_says_what_was_identified(journeys: RecordedJourneys) -> None:
    """Identifying records nothing; one event carries the fields, those after it do not."""
    journey = Journey.resume("s")
    journey.identify(**SAID)
    assert not journeys.spans
    journey.record(Event.STEP_VIEW)
    journey.record(Event.STEP_VIEW)
    assert [fields(event) for event in journeys.events()] == [KEPT, {}]


@pytest.mark.parametrize("observed", [True, False])
def test_a_check_that_has_begun_says_nothing_new(
    journeys: RecordedJourneys, observed: bool
) -> None:
    """Only what begins later can be the newest event: here one inside the check, or after it."""
    journey = Journey.resume("s")
    with journey.check(Event.ID_RECOGNITION) as running:
        journey.identify(**SAID)
        if observed:
            running.observe(Event.STEP_VIEW)
    journey.record(Event.STEP1_ENTERED)
    said = {event.name: fields(event) for event in journeys.events()}
    assert said.pop("ID_RECOGNITION") == {}
    assert next(iter(said.values())) == KEPT


def test_a_check_keeps_what_it_began_with(journeys: RecordedJourneys) -> None:
    """The fields stay on a check that is told more, or fails."""
    journey = Journey.resume("s")
    journey.identify(**SAID)
    with journey.check(Event.ID_RECOGNITION) as running:
        running.set(score=0.5)
        running.fail(user_id="u-43")
    [event] = journeys.events()
    assert fields(event) == KEPT | {"user.id": "u-43"}


def test_what_an_event_says_itself_is_newer(journeys: RecordedJourneys) -> None:
    """By keyword or by attribute, it takes the place of what was identified before."""
    journey = Journey.resume("s")
    journey.identify(user_id="old", email="old@example.com", project="acme-kyc")
    journey.record(Event.STEP_VIEW, user_id="new", attributes={"user.email": "new@example.com"})
    journey.record(Event.STEP_VIEW)
    first, second = journeys.events()
    assert fields(first) == {
        "user.id": "new",
        "user.email": "new@example.com",
        "journey.project.id": "acme-kyc",
    }
    assert fields(second) == {}


def test_the_last_word_counts(journeys: RecordedJourneys) -> None:
    """Of several calls before an event each field has its newest value; None and "" say nothing."""
    journey = Journey.resume("s")
    journey.identify(user_id="u-1", email="ann@example.com")
    journey.identify(user_id="u-2", email=None, submission_id="")
    journey.record(Event.STEP_VIEW)
    [event] = journeys.events()
    assert fields(event) == {"user.id": "u-2", "user.email": "ann@example.com"}


def test_what_cannot_be_a_field_is_left_out(journeys: RecordedJourneys, counted: Counted) -> None:
    """A wrong type is counted like that of any other argument, and the rest is kept."""
    journey = Journey.resume("s")
    journey.identify(user_id=42, email="ann@example.com")  # type: ignore[arg-type]
    journey.record(Event.STEP_VIEW, project=b"acme")  # type: ignore[arg-type]
    [event] = journeys.events()
    assert fields(event) == {"user.email": "ann@example.com"}
    assert counted() == {"bad_argument": 2}


def test_a_false_journey_counts(journeys: RecordedJourneys, counted: Counted) -> None:
    """Nobody is identified where there is no session."""
    Journey().identify(**SAID)
    assert not journeys.spans
    assert counted() == {"no_journey": 1}


def test_what_was_suppressed_is_said_later(journeys: RecordedJourneys) -> None:
    """An event that does not go out takes no field along."""
    journey = Journey.resume("s")
    journey.identify(**SAID)
    with suppress_instrumentation():
        journey.record(Event.STEP_VIEW)
    journey.record(Event.STEP1_ENTERED)
    [event] = journeys.events()
    assert (event.name, fields(event)) == ("STEP1_ENTERED", KEPT)


def test_threads_lose_no_field(journeys: RecordedJourneys) -> None:
    """While some identify and others record, each value goes out at least with a later event."""
    journey = Journey.resume("s")

    def work(number: int) -> None:
        for turn in range(100):
            if number % 2:
                journey.identify(user_id=f"{number}/{turn}", email="ann@example.com")
            journey.record(Event.STEP_VIEW, user_id=None)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(4)))
    last = {f"{number}/99" for number in (1, 3)}
    said = [fields(event).get("user.id") for event in journeys.events("s")]
    assert len(said) == 400
    assert last & set(said)
