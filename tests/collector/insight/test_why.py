"""The cause that is told is the one that was planted."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.events import IDLE_TIMEOUT, MINUTE, NOON, SECOND, done, event, journeys
from tests.support.planted import PLANTED, planted

from journeytrace.catalogue import ErrorCodeSpec, builtin_catalogue
from journeytrace.conventions import Decision, Status
from journeytrace_collector.core.derive import status
from journeytrace_collector.core.model import Event, Why
from journeytrace_collector.core.sessionize import MAX_HURDLES, fold, merge, state_of
from journeytrace_collector.demo.journeys import Journey, make_journeys
from journeytrace_collector.demo.scenarios import KINDS
from journeytrace_collector.insight.why import why

CATALOGUE = builtin_catalogue()
LATER = NOON + 24 * 60 * MINUTE


def events_of(journey: Journey) -> list[Event]:
    """Give what a collector would have of a demo journey."""
    found = []
    for number, step in enumerate(journey.steps):
        result = None if step.passed is None else ("PASS" if step.passed else "FAIL")
        path = step.attributes.get("path")
        found.append(
            event(
                str(step.event),
                NOON + round(step.at * SECOND),
                event_id=number.to_bytes(8, "big"),
                duration=round(step.took * SECOND),
                result=result,
                reason=step.reason.value if step.reason else None,
                error_code=step.error_code,
                metadata=f'{{"path":"{path}"}}' if path else "{}",
            )
        )
    return found


def told(*events: Event, now: int = LATER) -> Why | None:
    """Give the cause of a session of these events."""
    state = state_of(events, CATALOGUE)
    return why(state, status(state, now, IDLE_TIMEOUT), CATALOGUE)


SHOWN = [*make_journeys(len(KINDS), seed=7), *make_journeys(200, seed=11)]


@pytest.mark.parametrize("journey", SHOWN, ids=lambda journey: journey.kind)
def test_the_planted_cause_is_told(journey: Journey) -> None:
    """Of each kind of journey, and of 200 drawn ones, the cause is what went wrong in it."""
    found = told(*events_of(journey))
    name, reason, code = planted(journey)
    if found is None:
        assert (name, reason, code) == (None, None, None)
    else:
        assert (found.event, found.reason, found.error_code) == (name, reason, code)
        assert all(word in found.text for word in (name, code) if word)


def test_every_kind_of_journey_is_judged() -> None:
    """What goes wrong in a kind stands here, or the kind is one in which nothing does."""
    assert {journey.kind for journey in SHOWN} == set(KINDS)
    smooth = {kind for kind in KINDS if kind.startswith(("approved", "under way", "dropped in"))}
    drawn = {"blocked at the door", "held, score or policy"}
    assert set(KINDS) == smooth | drawn | set(PLANTED)


@pytest.mark.parametrize("key", CATALOGUE.reasons, ids="-".join)
def test_every_reason_names_the_check_that_led_to_it(key: tuple[Decision, str]) -> None:
    """Of each of the 22 reasons: its meaning, and whichever of its checks failed, amid noise."""
    decision, reason = key
    spec = CATALOGUE.reasons[key]
    assert spec.explained_by
    for name in spec.explained_by:
        noise = [event("API_ERROR", NOON + n) for n in range(20)]
        failed = event(name, NOON + MINUTE, result="FAIL", error_code="QS-1", source="BE")
        end = event(decision.value, NOON + 2 * MINUTE, reason=reason)
        found = told(*noise, failed, end)
        assert found is not None
        assert (found.event, found.meaning, found.error_code) == (name, spec.meaning, "QS-1")
        assert spec.meaning[1:].rstrip(".") in found.text
        assert name in found.text


def test_a_text_can_be_read_out_loud() -> None:
    """Who decided what and why, which check, when, and the code that the user saw."""
    failed = event("SELFIE_DUPLICATE_CHECK", NOON, result="FAIL", error_code="PV-20003")
    found = told(failed, event("REJECTED", NOON + 1, reason="SELFIE_DUPLICATE"))
    assert found is not None
    assert found.text == (
        "The user was rejected: the same face was submitted before."
        ' SELFIE_DUPLICATE_CHECK ("Was the same face submitted before?") turned the user down'
        " at 12:00:00 UTC on 2026-06-01. The code shown was PV-20003."
    )


def test_a_code_with_a_meaning_is_told_with_it() -> None:
    """The user's catalogue says what a code means, whether or not anything is decided."""
    known = ErrorCodeSpec("QS-1", "The ID is blurred.", "https://help.example/QS-1")
    catalogue = replace(CATALOGUE, error_codes={"QS-1": known})
    failed = event("SELFIE_DUPLICATE_CHECK", NOON, result="FAIL", error_code="QS-1")
    for more in ((), (event("REJECTED", NOON + 1, reason="SELFIE_DUPLICATE"),)):
        state = state_of([failed, *more], catalogue)
        found = why(state, Status.DROPPED, catalogue)
        assert found is not None
        assert found.text.endswith('The code shown was QS-1 ("The ID is blurred.").')
        assert (found.error_meaning, found.error_page) == (known.meaning, known.page)
        bare = why(state, Status.DROPPED, CATALOGUE)
        assert bare is not None
        assert bare.text.endswith("The code shown was QS-1.")
        assert (bare.error_code, bare.error_meaning, bare.error_page) == ("QS-1", None, None)


def test_the_code_that_the_user_saw_last_is_told_too() -> None:
    """A decision that brings a code of its own is told with the check's and with its own."""
    failed = event("ID_RECOGNITION", NOON, result="FAIL", error_code="QS-10001")
    end = event("REJECTED", NOON + 1, reason="RETRY_EXHAUSTED", error_code="QS-10009")
    found = told(failed, end)
    assert found is not None
    assert found.text.endswith("The code shown was QS-10001, and in the end QS-10009.")
    assert found.error_code == "QS-10001"


def test_a_crash_is_named_and_judges_nothing() -> None:
    """A check that failed with impact NONE explains the decision without having made it."""
    crash = event("FACE_COMPARE", NOON, result="FAIL", impact="NONE")
    found = told(crash, event("PENDING", NOON + 1, reason="FACE_AGENT_REVIEW"))
    assert found is not None
    assert found.event == "FACE_COMPARE"
    assert "failed, but judged nothing" in found.text


def test_what_the_user_got_past_is_no_cause() -> None:
    """A retake before a later stage, or an error that was resumed from, explains no leaving."""
    retake = event("ID_RECOGNITION", NOON, result="FAIL", error_code="QS-10001")
    found = told(retake, event("STEP2_ENTERED", NOON + MINUTE), event("PAGE_HIDDEN", NOON + 99))
    assert found is not None
    assert (found.event, found.error_code) == (None, None)
    error = [event("API_ERROR", NOON), event("ERROR_PAGE_VIEWED", NOON + 1)]
    found = told(*error, event("SESSION_REUSED", NOON + MINUTE))
    assert found is not None
    assert found.event is None


def test_a_session_that_goes_on_has_no_cause() -> None:
    """None while nothing is in the way; what is in the way so far is told."""
    assert told(event("STEP_VIEW"), now=NOON) is None
    found = told(event("CAMERA_PERMISSION_DENIED"), now=NOON)
    assert found is not None
    assert found.event == "CAMERA_PERMISSION_DENIED"


@given(events=journeys(), rest=st.integers(0, 3))
def test_every_session_can_be_explained(events: list[Event], rest: int) -> None:
    """Whatever came in, a cause is told in whole sentences, of at most so many names."""
    for state in fold(events, CATALOGUE).values():
        assert len(state.hurdles) <= MAX_HURDLES
        now = NOON + rest * 60 * MINUTE
        found = why(state, status(state, now, IDLE_TIMEOUT), CATALOGUE)
        if found is None:
            assert status(state, now, IDLE_TIMEOUT) is Status.IN_PROGRESS
        else:
            assert found.text.endswith(".")
            assert ".." not in found.text


@given(data=st.data())
def test_of_many_names_the_newest_stay_in_any_order(data: Any) -> None:
    """More names than are remembered: the same ones stay however the events are split."""
    names = [f"OWN_{number}" for number in range(MAX_HURDLES + 6)]
    times = st.integers(0, 40)
    events = [
        event(name, NOON + data.draw(times), impact="BLOCKED", event_id=bytes([n, k] * 4))
        for n, name in enumerate(names)
        for k in range(2)
    ]
    whole = state_of(events, CATALOGUE)
    shuffled = data.draw(st.permutations(events))
    cut = data.draw(st.integers(1, len(events) - 1))
    left, right = state_of(shuffled[:cut], CATALOGUE), state_of(shuffled[cut:], CATALOGUE)
    assert merge(left, right) == merge(right, left) == whole


@pytest.mark.parametrize(
    ("verdict", "text"),
    [
        (
            done("VERDICT_APPROVED"),
            "The user was approved by a person; the last page was not seen.",
        ),
        (done("VERDICT_REJECTED"), "The user was rejected by a person, and no reason was given."),
        (
            done("VERDICT_REJECTED", reason="The ID is somebody else's."),
            "The user was rejected by a person: The ID is somebody else's.",
        ),
        (
            event(
                "VERDICT_REJECTED",
                metadata='{"journey.actor.id":"ann","journey.verdict.text":"It is a copy."}',
            ),
            "The user was rejected by a person: It is a copy.",
        ),
        (
            done("VERDICT_CONFIRMED", confirms="APPROVED"),
            "The user was approved, and a person agreed; the last page was not seen.",
        ),
    ],
)
def test_a_verdict_is_the_cause(verdict: Event, text: str) -> None:
    """What a person decided is told as such, in that person's own words."""
    found = told(event("STEP_VIEW"), event("APPROVED"), verdict)
    assert found is not None
    assert found.text == text
