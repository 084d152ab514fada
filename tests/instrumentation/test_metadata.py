from __future__ import annotations

import logging
from enum import Enum, IntEnum
from typing import TYPE_CHECKING, Any

import pytest

from journeytrace import Event, Journey, Result

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from journeytrace.testing import RecordedJourneys

    Counted = Callable[[], Mapping[str, int]]


class Colour(str, Enum):  # noqa: UP042 - as older code has them
    RED = "red"

    def __str__(self) -> str:
        return "not this"


class Level(IntEnum):
    HIGH = 3


@pytest.mark.parametrize(
    ("value", "sent"),
    [
        ("text", "text"),
        ("ä", "ä"),
        (True, True),
        (-(2**63), -(2**63)),
        (0.5, 0.5),
        (["a", "b"], ("a", "b")),
        ((1, 2), (1, 2)),
        ([], ()),
        (Result.PASS, "PASS"),
        (Colour.RED, "red"),
        (Level.HIGH, 3),
    ],
)
def test_what_opentelemetry_can_carry_is_kept(
    journeys: RecordedJourneys, counted: Counted, value: object, sent: object
) -> None:
    """Strings, numbers, booleans and sequences of one of them arrive in their plain form."""
    Journey.resume("s").record(Event.STEP_VIEW, key=value)
    [event] = journeys.events()
    assert event.metadata == {"key": sent}
    assert type(event.metadata["key"]) is type(sent)
    assert counted() == {}


@pytest.mark.parametrize(
    "value",
    [
        b"x",
        object(),
        {"a": 1},
        {1},
        [1, "a"],
        [1, True],
        [None],
        [[1]],
        2**63,
        "\ud800",
        ["\ud800"],
    ],
)
def test_what_cannot_be_carried_is_left_out(
    journeys: RecordedJourneys, counted: Counted, value: object
) -> None:
    """The event goes out without it, and it is counted."""
    Journey.resume("s").record(Event.STEP_VIEW, bad=value, good=1)
    assert journeys.events()[0].metadata == {"good": 1}
    assert counted() == {"bad_metadata": 1}


def test_none_is_skipped(journeys: RecordedJourneys, counted: Counted) -> None:
    """None stands for nothing and is no mistake."""
    Journey.resume("s").record(Event.STEP_VIEW, a=None, attributes={"b.c": 1, "d": None})
    assert journeys.events()[0].metadata == {"b.c": 1}
    assert counted() == {}


@pytest.mark.parametrize("key", ["", "a\n", "\ud800", 1, None, ("a",)])
def test_a_bad_key_is_left_out(journeys: RecordedJourneys, counted: Counted, key: str) -> None:
    """Keys are printable strings."""
    Journey.resume("s").record(Event.STEP_VIEW, attributes={key: 1, "good": 1})
    assert journeys.events()[0].metadata == {"good": 1}
    assert counted() == {"bad_metadata": 1}


def test_metadata_cannot_replace_the_journeys_own(
    journeys: RecordedJourneys, counted: Counted
) -> None:
    """Reserved names win, whether the event has them or not."""
    Journey.resume("s").record(
        Event.STEP_VIEW,
        submission_id="s-1",
        attributes={
            "session.id": "other",
            "journey.event.impact": "BLOCKED",
            "journey.event.result": "FAIL",
            "journey.retention.days": 365,
            "journey.submission.id": "s-2",
        },
    )
    [event] = journeys.events("s")
    assert (event.impact, event.result) == ("NONE", None)
    assert event.attributes["journey.submission.id"] == "s-1"
    assert "journey.retention.days" not in event.attributes
    assert counted() == {"reserved_metadata": 5}


def test_what_a_session_keeps_can_be_set_later(
    journeys: RecordedJourneys, counted: Counted
) -> None:
    """An e-mail address that is learnt on the way goes under its wire name, as a string."""
    journey = Journey.resume("s")
    journey.record(Event.VERIFY_EMAIL, attributes={"user.email": "u@example.org"})
    journey.record(Event.VERIFY_EMAIL, attributes={"user.email": 3, "user.id": ""})
    first, second = journeys.events()
    assert first.attributes["user.email"] == "u@example.org"
    assert not {"user.email", "user.id"} & set(second.attributes)
    assert counted() == {"reserved_metadata": 2}


def test_too_much_is_cut_at_a_hundred(journeys: RecordedJourneys, counted: Counted) -> None:
    """The first hundred entries go out, over all that a check is told."""
    much = {f"k{i}": i for i in range(101)}
    journey = Journey.resume("s")
    journey.record(Event.STEP_VIEW, attributes=much)
    with journey.check(Event.ID_RECOGNITION, attributes={"k0": 0}) as check:
        check.set(attributes=much)
        check.set(k1="again")
    recorded, checked = journeys.events()
    assert list(recorded.metadata) == list(checked.metadata) == [f"k{i}" for i in range(100)]
    assert checked.metadata["k1"] == "again"
    assert counted() == {"too_much_metadata": 2}


def test_what_was_usual_is_still_looked_at(journeys: RecordedJourneys, counted: Counted) -> None:
    """A key that was sent before may come with what cannot be; at most a hundred go out."""
    journey = Journey.resume("s")
    much: dict[str, Any] = {f"k{i}": "text" for i in range(101)}
    journey.record(Event.STEP_VIEW, **much)
    journey.record(Event.STEP_VIEW, **much)
    journey.record(Event.STEP_VIEW, k0=b"x", k1="\ud800", k2=None, k3="ä", k4=2)
    journey.record(Event.STEP_VIEW, k5=2**63, k6="text")
    journey.record(Event.STEP_VIEW, k7=Level.HIGH)
    journey.record(Event.STEP_VIEW, k8=["text"])
    first, second, *others = [event.metadata for event in journeys.events()]
    assert len(first) == len(second) == 100
    assert others == [{"k3": "ä", "k4": 2}, {"k6": "text"}, {"k7": 3}, {"k8": ("text",)}]
    assert type(others[2]["k7"]) is int
    assert counted() == {"too_much_metadata": 2, "bad_metadata": 3}


def test_a_parameter_is_no_metadata_whatever_was_sent(journeys: RecordedJourneys) -> None:
    """Metadata of a parameter's name makes no metadata of the parameter in later calls."""
    journey = Journey.resume("s")
    for _ in range(2):
        journey.record(Event.STEP_VIEW, attributes={"source": "x", "error_code": "y"})
    journey.record(Event.STEP_VIEW, source="BE")
    with journey.check(Event.ID_RECOGNITION, error_code="QS-10001") as check:
        check.fail()
    *_, recorded, checked = journeys.events()
    assert (recorded.source, recorded.metadata) == ("BE", {})
    assert (checked.error_code, checked.metadata) == ("QS-10001", {})


def test_each_problem_is_logged_once(
    journeys: RecordedJourneys, counted: Counted, caplog: pytest.LogCaptureFixture
) -> None:
    """The log names a subject once; the count goes on."""
    journey = Journey.resume("s")
    with caplog.at_level(logging.WARNING, "journeytrace"):
        for _ in range(3):
            journey.record(Event.STEP_VIEW, picture=b"x")
        journey.record("STEP_VEIW")
    assert [record.getMessage() for record in caplog.records] == [
        "'picture': of STEP_VIEW cannot be sent as bytes and was left out",
        "'STEP_VEIW': is no event of the catalogue; it is recorded as it is",
    ]
    assert counted() == {"bad_metadata": 3, "unknown_event": 1}
    assert len(journeys.events()) == 4


def test_warnings_are_bounded(counted: Counted, caplog: pytest.LogCaptureFixture) -> None:
    """Neither many names nor many bad ids from outside can fill memory or log."""
    journey = Journey.resume("s")
    for i in range(300):
        journey.record(f"EVENT_{i}")
        Journey.resume(f"bad\n{i}")
    assert len(caplog.records) == 101
    assert counted() == {"unknown_event": 300, "bad_session_id": 300}


def test_problems_gives_a_copy(counted: Counted) -> None:
    """Whoever changes the answer changes no count."""
    dict.clear(counted())  # type: ignore[arg-type]
    Journey().record(Event.STEP_VIEW)
    dict.clear(counted())  # type: ignore[arg-type]
    assert counted() == {"no_journey": 1}
