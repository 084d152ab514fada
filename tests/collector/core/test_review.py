"""What a review saw, and what its verdict has to hold against (DESIGN section 13)."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.events import MINUTE, NOON, SESSION, deeds, done, event, journeys

from journeytrace.catalogue import builtin_catalogue
from journeytrace_collector.core.model import Event
from journeytrace_collector.core.review import (
    Guard,
    Rules,
    SessionMovedOnError,
    Version,
    check,
    news_since,
    read_version,
    version_of,
    write_version,
)
from journeytrace_collector.core.screening import open_hits
from journeytrace_collector.core.sessionize import SessionState, fold, state_of
from journeytrace_collector.errors import VerdictNotAllowedError

CATALOGUE = builtin_catalogue()
CREATED = event("SESSION_CREATED", project_id="acme")
REJECTED = event("REJECTED", NOON + MINUTE, reason="AGE_LIMIT")
TWO = Rules(two_people=True)


def verdict(name: str = "VERDICT_APPROVED", at: int = NOON, by: str = "ann", **said: Any) -> Event:
    """Make a verdict; `said` are its attributes, `__` for a dot."""
    told = {"journey.actor.id": by} | {key.replace("__", "."): v for key, v in said.items()}
    return event(name, at, metadata=json.dumps(told))


def proposed(decision: str = "APPROVED", at: int = NOON, by: str = "ben") -> Event:
    """Make a proposal."""
    return verdict("VERDICT_PROPOSED", at, by, journey__decision=decision)


def checked(one: Event, *before: Event, seen: Version | None = None, rules: Rules = TWO) -> Event:
    """Check an event against the session that others make."""
    state = state_of(before, CATALOGUE) if before else None
    ordered = sorted(before, key=lambda event: (event.at, event.event_id))
    return check(Guard(seen, lambda _: rules), one, state, lambda: ordered, CATALOGUE)


@given(journeys(sessions=1), deeds(sessions=1))
def test_a_version_says_the_same_after_a_form(events: list[Event], acts: list[Event]) -> None:
    """What is read is what was written, and belongs to one session alone."""
    (state,) = fold([*events, *acts], CATALOGUE).values()
    version = version_of(state)
    text = write_version(version, SESSION)
    assert read_version(text, SESSION) == version
    with pytest.raises(ValueError, match="no version of this session"):
        read_version(text, "another")


@pytest.mark.parametrize("place", [0, 20, 55])
def test_a_version_that_was_changed_is_none(place: int) -> None:
    """One character makes it no version, as does anything else."""
    text = write_version(version_of(state_of([CREATED], CATALOGUE)), SESSION)
    other = "A" if text[place] != "A" else "B"
    for wrong in (text[:place] + other + text[place + 1 :], text[:-4], "", "é", "?" * 56):
        with pytest.raises(ValueError, match="no version"):
            read_version(wrong, SESSION)


@given(journeys(sessions=1, max_size=6), deeds(sessions=1), st.randoms(use_true_random=False))
def test_a_version_is_of_what_there_is(
    events: list[Event], acts: list[Event], rng: random.Random
) -> None:
    """Order, duplicates, looks and notes make no other version; each further event does."""
    looks = [one for one in acts if one.name in {"SESSION_VIEWED", "NOTE_ADDED"}]
    known = {one.event_id for one in looks}
    others = [one for one in acts if one not in looks and one.event_id not in known]
    (state,) = fold([*events, *others], CATALOGUE).values()
    together = [*events, *others, *looks, *events]
    rng.shuffle(together)
    (again,) = fold(together, CATALOGUE).values()
    assert version_of(again) == version_of(state)
    late = event("PAGE_HIDDEN", NOON - 300 * MINUTE, session_id="session-1", event_id=b"further!")
    (further,) = fold([*together, late], CATALOGUE).values()
    assert version_of(further) != version_of(state)


def test_what_came_since_is_told() -> None:
    """It is what arrived later, however old it says that it is, and what others decided."""
    seen = version_of(state_of([CREATED, REJECTED], CATALOGUE))
    late = event("AGE_VERIFICATION", NOON + 1, result="FAIL", received=NOON + 9 * MINUTE)
    viewed, decided = done("SESSION_VIEWED", NOON + 2 * MINUTE), verdict(at=NOON + 3 * MINUTE)
    events = [CREATED, late, REJECTED, viewed, decided]
    assert news_since(seen, events, CATALOGUE) == [late, decided]
    with pytest.raises(SessionMovedOnError) as caught:
        checked(verdict(by="eve"), *events, seen=seen)
    assert caught.value.news == (late, decided)
    assert caught.value.version == version_of(state_of(events, CATALOGUE))


@pytest.mark.parametrize("before", [(), (done("SESSION_INVITED"),)], ids=["gone", "invited"])
def test_nobody_decides_what_is_not_there(before: tuple[Event, ...]) -> None:
    """A session that was erased, or that has not begun, is none that anybody can have seen."""
    seen = version_of(state_of([CREATED], CATALOGUE))
    with pytest.raises(SessionMovedOnError) as caught:
        checked(verdict(), *before, seen=seen)
    assert caught.value.version is None


@given(st.integers(-5, 5), st.integers(-5, 5), st.sampled_from(["ann", "ben"]))
def test_a_verdict_is_never_older_than_the_one_before(first: int, second: int, by: str) -> None:
    """It holds, whatever the clock of the collector that took it says."""
    one, other = verdict(at=NOON + first), verdict("VERDICT_REJECTED", NOON + second, by)
    other = checked(other, CREATED, one, rules=Rules())
    state = state_of([CREATED, one, other], CATALOGUE)
    assert state.decision is not None
    assert state.decision[2] == "REJECTED"
    assert other.at >= NOON + second


@pytest.mark.parametrize(
    ("one", "problem"),
    [
        (verdict(), "two people decide here"),
        (verdict(journey__verdict__proposal="00" * 8), "does not stand any more"),
        (verdict(by="ben", journey__verdict__proposal="NEW"), "another person decides"),
        (verdict(by="Ben ", journey__verdict__proposal="NEW"), "another person decides"),
        (verdict(journey__verdict__proposal="OLD"), "does not stand any more"),
        (
            verdict("VERDICT_REJECTED", journey__verdict__proposal="NEW"),
            "APPROVED was proposed",
        ),
        (
            verdict(
                "VERDICT_CONFIRMED",
                journey__decision="REJECTED",
                journey__verdict__proposal="NEW",
            ),
            "APPROVED was proposed",
        ),
    ],
    ids=["alone", "unknown", "same", "same-but-case", "superseded", "otherwise", "confirmed"],
)
def test_two_people_agree(one: Event, problem: str) -> None:
    """A verdict names the proposal that stands, of somebody else, and says the same."""
    old, new = proposed("REJECTED"), proposed(at=NOON + MINUTE)
    for name, proposal in (("OLD", old), ("NEW", new)):
        metadata = one.metadata.replace(name, proposal.event_id.hex())
        one = event(one.name, one.at, metadata=metadata)
    with pytest.raises(VerdictNotAllowedError, match=problem):
        checked(one, CREATED, old, new)


def test_a_second_person_decides() -> None:
    """Who names the proposal of another one and says the same decides, once."""
    proposal = proposed()
    agrees = verdict(at=NOON + 1, journey__verdict__proposal=proposal.event_id.hex())
    assert checked(agrees, CREATED, proposal) == agrees
    assert state_of([CREATED, proposal, agrees], CATALOGUE).open_proposal is None
    again = verdict(at=NOON + 2, by="eve", journey__verdict__proposal=proposal.event_id.hex())
    with pytest.raises(VerdictNotAllowedError, match="does not stand"):
        checked(again, CREATED, proposal, agrees)
    # Who decides alone where that is allowed names none; who names one is held to it.
    assert checked(verdict(), CREATED, rules=Rules()) == verdict()
    with pytest.raises(VerdictNotAllowedError, match="does not stand"):
        checked(agrees, CREATED, rules=Rules())


@pytest.mark.parametrize("name", ["VERDICT_APPROVED", "VERDICT_PROPOSED", "VERDICT_CONFIRMED"])
def test_open_hits_keep_from_approving(name: str) -> None:
    """With open hits nobody approves or proposes to, unless the rules say so; rejecting is free."""
    ended = event("SCREENING_ENDED", metadata='{"journey.screening.hits":2}')
    one = verdict(name, NOON + 9, journey__decision="APPROVED")
    with pytest.raises(VerdictNotAllowedError, match="2 hits of the screening are open"):
        checked(one, CREATED, ended, rules=Rules())
    assert checked(one, CREATED, ended, rules=Rules(approve_with_open_hits=True)) == one
    rejected = verdict("VERDICT_REJECTED", NOON + 9)
    assert checked(rejected, CREATED, ended, rules=Rules()) == rejected


def test_a_hit_is_open_until_somebody_clears_it() -> None:
    """Those of the newest screening count, less each that was cleared since; confirmed is open."""

    def op(name: str, at: int, said: str) -> Event:
        return event(name, NOON + at, metadata=said)

    events = [
        op("SCREENING_ENDED", 1, '{"journey.screening.hits":7}'),
        op("SCREENING_ENDED", 2, '{"journey.screening.hits":3}'),
        op("SCREENING_HIT_CLEARED", 3, '{"journey.screening.hit":"a"}'),
        op("SCREENING_HIT_CLEARED", 4, '{"journey.screening.hit":"a"}'),
        op("SCREENING_HIT_CONFIRMED", 5, '{"journey.screening.hit":"b"}'),
    ]
    assert [open_hits(events[:count]) for count in range(6)] == [0, 7, 3, 2, 2, 2]


@given(
    journeys(sessions=1),
    st.lists(st.sampled_from(["APPROVED", "REJECTED", "PENDING"]), min_size=1, max_size=4),
    st.integers(-600, 600),
    st.randoms(use_true_random=False),
)
def test_a_verdict_stands_above_whatever_is_decided_automatically(
    events: list[Event], late: list[str], minutes: int, rng: random.Random
) -> None:
    """No automatic decision, however late it comes and whatever its time, moves a verdict."""
    same = {"session_id": "session-1"}
    decided = [
        event(name, NOON + rng.randint(-900, 900) * MINUTE, event_id=b"late%4d" % number, **same)
        for number, name in enumerate(late)
    ]
    by_ann = done("VERDICT_REJECTED", NOON + minutes * MINUTE, reason="PII_DUPLICATE", **same)
    together = [*events, by_ann, *decided]
    rng.shuffle(together)
    state: SessionState = fold(together, CATALOGUE)["session-1"]
    assert state.decision == (by_ann.at, by_ann.event_id, "REJECTED", "PII_DUPLICATE")
