"""A sample is read as its sessions are, whatever it was drawn of."""

from __future__ import annotations

from contextlib import closing
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.support.events import IDLE_TIMEOUT, MINUTE, NOON, SECOND, deeds, event, journeys

from journeytrace.catalogue import builtin_catalogue
from journeytrace.conventions import Decision, Impact, Source
from journeytrace_collector.admin.cohorts import parse_pair
from journeytrace_collector.admin.diffing import compared
from journeytrace_collector.core.derive import highest_stage, status
from journeytrace_collector.core.marks import OneEvent
from journeytrace_collector.core.model import Event
from journeytrace_collector.core.operations import is_passive
from journeytrace_collector.insight.groups import groups_of, groups_told
from journeytrace_collector.insight.tally import Course, Passed
from journeytrace_collector.store import SessionQuery, Store, courses
from journeytrace_collector.store.base import Known

CATALOGUE = builtin_catalogue()
NOW = NOON + 90 * MINUTE
QUERIES = (
    SessionQuery(),
    SessionQuery(decision=Decision.REJECTED),
    SessionQuery(project="acme", since=NOON),
    SessionQuery(project="", until=NOON),
    SessionQuery(event=OneEvent(impact=Impact.BLOCKED)),
    SessionQuery(projects=frozenset({"other"})),
)


def course_of(known: Known, events: list[Event]) -> Course:
    """Give what a session went through by its state and its events."""
    state, decision = known.state, known.state.decision
    return Course(
        status(state, NOW, IDLE_TIMEOUT),
        highest_stage(state),
        decision[2] if decision else None,
        decision[3] if decision else None,
        [
            Passed(
                one.name,
                one.stage,
                one.result if one.source == Source.BE else None,
                one.at,
                one.duration,
            )
            for one in events
            if not is_passive(one)
        ],
    )


@settings(
    deadline=None,
    max_examples=5,
    # Each example clears the place first.
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(events=st.tuples(journeys(sessions=5), deeds(sessions=5)).map(lambda two: two[0] + two[1]))
def test_a_sample_of_all_is_what_the_list_has(place: Any, events: list[Event]) -> None:
    """Every session is read once with what it went through, and with the queries that it meets."""
    place.clear()
    with closing(place.open()) as store:
        store.write(events)
        listed = [store.sessions(query, NOW).sessions for query in QUERIES]
        found = store.sample(QUERIES, NOW, 100, tells=True)
        assert found.of == [len(one) for one in listed]
        assert not any(found.sampled)
        seen = list(found.sessions)
        assert len(seen) == len(listed[0])
        for n, expected in enumerate(listed):
            courses_of = [course_of(one, store.events(one.state.session_id)) for one in expected]
            mine = [one.course for one in seen if one.meets[n]]
            assert sorted(mine, key=repr) == sorted(courses_of, key=repr)
            assert all(one.chosen[n] for one in seen)


def fill(store: Store, sessions: int) -> None:
    """Write sessions of two releases in turn; each tenth is of a project of its own."""
    store.write(
        [
            event(
                "SESSION_CREATED",
                NOON + n * SECOND,
                session_id=f"session-{n}",
                project_id="rare" if n % 10 == 0 else "acme",
                metadata=f'{{"service.version":"1.{4 + n % 2}"}}',
            )
            for n in range(sessions)
        ]
    )


def test_of_too_many_some_are_drawn(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever stands next to each other, as many are drawn as are wanted, and it is said."""
    monkeypatch.setattr(courses, "LOOK", 100)
    fill(store, 400)
    queries = [SessionQuery(), SessionQuery(project="rare")]
    found = store.sample(queries, NOW, 40, tells=True)
    seen = list(found.sessions)
    drawn = [one for one in seen if one.chosen[0]]
    # About a hundred are looked at, and of these not more than are wanted are read.
    assert len(drawn) == 40
    assert found.of[0] == pytest.approx(400, abs=8)
    assert found.of[1] == pytest.approx(40, abs=16)
    assert found.sampled == [True, True]
    releases = [groups_told(one.told).release for one in drawn]
    assert releases.count("1.4") == pytest.approx(20, abs=4)
    # The same once more: a sample is no matter of luck.
    assert list(store.sample(queries, NOW, 40, tells=True).sessions) == seen


def test_what_a_session_is_of_is_read_where_it_is_wanted(store: Store) -> None:
    """By all that may tell it, and by nothing else."""
    events = [
        event("STEP_VIEW", NOON, metadata='{"path":"/start","browser":"Safari"}'),
        event("SESSION_VIEWED", NOON - SECOND, metadata='{"browser":"Edge"}'),
        event("STEP1_ENTERED", NOON + SECOND, metadata='{"browser":"Edge","country":"KR"}'),
        event("API_CALL", NOON + SECOND, metadata='{"call":"browser"}'),
    ]
    store.write(events)
    (seen,) = store.sample([SessionQuery()], NOW, 10, tells=True).sessions
    assert seen.told == [events[0].metadata, events[2].metadata]
    assert groups_told(seen.told) == groups_of(events)
    (seen,) = store.sample([SessionQuery()], NOW, 10, tells=False).sessions
    assert seen.told == []


@pytest.mark.parametrize(
    ("a", "b", "sessions", "both"),
    [
        ("release=1.4", "release=1.5", (100, 100), 0),
        ("release=1.4", "", (100, 100), 0),
        ("release=1.4", "project=rare", (100, 0), 20),
        ("project=rare", "project=acme", (20, 180), 0),
        ("project=rare", "release=1.4", (20, 80), 20),
        ("release=1.6", "release=1.4", (0, 100), 0),
        ("release=(none)", "project=rare,release=1.4", (0, 20), 0),
        ("reached=PRE_CHECKS", "", (0, 200), 0),
    ],
)
def test_cohorts_never_share_a_session(
    store: Store, a: str, b: str, sessions: tuple[int, int], both: int
) -> None:
    """What is in both counts in a alone; without b it is all others."""
    fill(store, 200)
    found = compared(store, parse_pair({"a": a, "b": b}), NOW, CATALOGUE)
    assert (found.a.sessions, found.b.sessions, found.both) == (*sessions, both)
    assert (found.a.of, found.b.of) == sessions
