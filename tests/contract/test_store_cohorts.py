"""Figures equal the plain fold in Python, and each equals what its list counts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from contextlib import closing
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.support.events import IDLE_TIMEOUT, MINUTE, NOON, SECOND, event, journeys

from journeytrace.catalogue import builtin_catalogue
from journeytrace_collector.core.attempts import Per, standing
from journeytrace_collector.core.derive import Summary, highest_stage, summary
from journeytrace_collector.core.model import Event
from journeytrace_collector.core.overview import blocks, overview
from journeytrace_collector.core.sessionize import distinct
from journeytrace_collector.store import Cohort, SessionQuery, Store
from journeytrace_collector.store.base import Known
from journeytrace_desk.views import asked as addresses
from journeytrace_desk.views import overview as views

NOW = NOON + 40 * MINUTE
DAY = 1440 * MINUTE
CATALOGUE = builtin_catalogue()
STAGES = CATALOGUE.ordered_stages

COHORTS = st.builds(
    Cohort,
    project=st.sampled_from((None, None, "acme", "ACME", "")),
    since=st.sampled_from((None, NOON - DAY, NOON)),
    until=st.sampled_from((None, NOON + 20 * MINUTE)),
    projects=st.sampled_from((None, None, frozenset(), frozenset({"acme"}), frozenset("ab"))),
    per=st.sampled_from(Per),
)


@st.composite
def attempts(draw: st.DrawFn) -> list[Event]:
    """Generate events of a dozen sessions of few people, some of them of the day before."""
    found = []
    for one in draw(journeys(sessions=12, max_size=40)):
        back = DAY * (one.session_id[-1] in "357")
        fields = {name: getattr(one, name) for name in one.__struct_fields__}
        found.append(Event(**fields | {"at": one.at - back, "received": one.received - back}))
    return list(distinct(sorted(found, key=lambda one: one.received)).values())


def of_cohort(cohort: Cohort, known: Iterable[Known]) -> list[Summary]:
    """Choose by what is known of the sessions alone, given newest first."""
    inside = [
        one
        for one in known
        if cohort.project in {None, of(one).project_id or ""}
        and (cohort.projects is None or of(one).project_id in cohort.projects)
        and (cohort.since is None or one.state.created_at >= cohort.since)
        and (cohort.until is None or one.state.created_at < cohort.until)
    ]
    if cohort.per is Per.SESSION:
        return [of(one) for one in inside]
    counting: dict[str, tuple[int, Known]] = {}
    for one in inside:
        person = of(one).user_id or f"nobody {one.state.session_id}"
        came = standing(of(one).decision, highest_stage(one.state), STAGES)
        if person not in counting or came > counting[person][0]:
            counting[person] = (came, one)
    return [of(one) for _, one in counting.values()]


def of(known: Known) -> Summary:
    """Describe a session at the time of the tests."""
    return summary(known.state, NOW, IDLE_TIMEOUT)


def everybody(store: Store) -> list[Known]:
    """Give all sessions, newest first."""
    return store.sessions(SessionQuery(limit=1_000), NOW).sessions


@settings(
    deadline=None,
    max_examples=10,
    # Each example clears the place first.
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(events=attempts(), cohorts=st.lists(COHORTS, min_size=6, max_size=6))
def test_figures_are_those_of_the_fold(
    place: Any, events: list[Event], cohorts: list[Cohort]
) -> None:
    """Every group, and every event that blocked, has the sessions or people that the fold says."""
    place.clear()
    with closing(place.open()) as store:
        store.write(events)
        known = everybody(store)
        for cohort in cohorts:
            chosen = of_cohort(cohort, known)
            groups = {
                (one.status, one.stage, one.decision, one.reason): one.sessions
                for one in store.outcomes(cohort, NOW)
            }
            alike = ((one.status, one.stage, one.decision, one.reason) for one in chosen)
            assert groups == Counter(alike)
            ids = {one.session_id for one in chosen}
            had = {(e.name, e.session_id) for e in events if e.impact == "BLOCKED"}
            assert store.blocks(cohort) == Counter(name for name, one in had if one in ids)


@settings(
    deadline=None,
    max_examples=4,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(events=attempts())
def test_every_figure_of_the_overview_equals_its_list(place: Any, events: list[Event]) -> None:
    """Each link leads to a list of the very number that stands on it, per session and person."""
    place.clear()
    with closing(place.open()) as store:
        store.write(events)
        for days, project in (("1", ""), ("7", "acme"), ("7", "(none)")):
            for per in Per:
                given = {"days": days, "per": per.value, "project": project}
                check(store, {name: text for name, text in given.items() if text})


def check(store: Store, given: dict[str, str]) -> None:
    """Compare each figure of one overview with its list."""
    asked = views.read(given, NOW)
    found = overview(store.outcomes(asked.cohort, NOW), CATALOGUE)
    blocked = blocks(store.blocks(asked.cohort), found.sessions, CATALOGUE)
    every = None
    if asked.per is Per.PERSON:
        session = replace(asked.cohort, per=Per.SESSION)
        every = sum(one.sessions for one in store.outcomes(session, NOW))
    for figure in views.board(asked, found, blocked, every).figures:
        filters = addresses.stated(dict(parse_qsl(urlsplit(figure.address).query)))
        query = replace(addresses.read(filters, NOW).query, limit=1_000)
        counted = store.count(query, NOW)
        assert (counted.number, counted.more) == (figure.number, False), figure


def test_a_retry_is_no_drop_off(store: Store) -> None:
    """Of a person's attempts the approved one counts, else the furthest, of equals the newest."""
    names = {
        "left": ["STEP_VIEW"],
        "rejected": ["STEP1_ENTERED", "REJECTED"],
        "approved": ["APPROVED"],
        "after": ["FINAL_PAGE_VIEW"],
        "far": ["STEP2_ENTERED"],
        "again": ["STEP2_ENTERED"],
        "nobody-1": ["STEP_VIEW"],
        "nobody-2": ["STEP_VIEW"],
    }
    users = {"left": "u", "rejected": "u", "approved": "u", "after": "u", "far": "U", "again": "U"}
    store.write(
        [
            event(name, NOON + 2 * number * SECOND + n, session_id=one, user_id=users.get(one))
            for number, (one, several) in enumerate(names.items())
            for n, name in enumerate(several)
        ]
    )
    found = store.sessions(SessionQuery(per=Per.PERSON), NOW).sessions
    counting = [known.state.session_id for known in found]
    assert counting == ["nobody-2", "nobody-1", "again", "approved"]
    # Before the approved one came, another counted.
    early = SessionQuery(per=Per.PERSON, until=NOON + 3 * SECOND)
    (known,) = store.sessions(early, NOW).sessions
    assert known.state.session_id == "rejected"


def test_a_person_of_several_projects_is_one_among_those_that_may_be_seen(store: Store) -> None:
    """What may not be seen stands for nobody, and of the rest one session does."""
    for name, project in (("STEP_VIEW", "acme"), ("STEP1_ENTERED", "zebra"), ("APPROVED", "other")):
        store.write([event(name, session_id=project, user_id="u", project_id=project)])
    for seen, counting in (
        (("acme",), "acme"),
        (("acme", "zebra"), "zebra"),
        (("acme", "other", "zebra"), "other"),
    ):
        mine = frozenset(seen)
        (known,) = store.sessions(SessionQuery(per=Per.PERSON, projects=mine), NOW).sessions
        assert known.state.session_id == counting
        cohort = Cohort(per=Per.PERSON, projects=mine)
        assert sum(one.sessions for one in store.outcomes(cohort, NOW)) == 1


def test_reached_is_this_stage_or_a_later_one(store: Store) -> None:
    """A stage that has no order was reached by nobody."""
    for name in ("STEP1_ENTERED", "STEP2_ENTERED", "SESSION_CREATED"):
        store.write([event(name, session_id=name)])
    for stage, count in (("STEP1", 2), ("PRE_STEP2", 1), ("POST", 0), ("CAMERA", 0), ("\x00", 0)):
        assert store.count(SessionQuery(reached=stage), NOW).number == count


def test_only_the_projects_that_may_be_seen(store: Store) -> None:
    """What has no project is in none of them, and nothing is in no project at all."""
    for one in ("acme", "globex", None):
        store.write([event("IP_RISK_CHECK", session_id=f"s-{one}", project_id=one, **BLOCKED)])

    def seen(*projects: str, **more: Any) -> int:
        cohort = Cohort(projects=frozenset(projects), **more)
        count = sum(one.sessions for one in store.outcomes(cohort, NOW))
        assert store.blocks(cohort) == ({"IP_RISK_CHECK": count} if count else {})
        return count

    assert seen("acme", "globex") == 2
    assert seen("acme", "nobody's\x00") == 1
    assert seen("acme", project="globex") == seen("acme", project="") == 0
    assert seen() == 0


BLOCKED: dict[str, Any] = {"result": "FAIL", "impact": "BLOCKED"}


def test_projects_that_there_are(store: Store) -> None:
    """Each once and sorted, as many as are asked for; nothing is of none."""
    assert store.projects(10) == []
    for number, one in enumerate(("b", "a", None, "c", "a")):
        store.write([event("STEP_VIEW", session_id=f"s-{number}", project_id=one)])
    assert store.projects(10) == ["a", "b", "c"]
    assert store.projects(2) == ["a", "b"]


@pytest.mark.parametrize("per", Per)
def test_one_user_id_on_many_sessions_is_one_person(store: Store, per: Per) -> None:
    """Someone who never identifies people does not slow the figures down, whatever they mean."""
    store.write(
        [event("STEP_VIEW", NOON + n, session_id=f"s-{n}", user_id="guest") for n in range(500)]
    )
    found = overview(store.outcomes(Cohort(per=per), NOW), CATALOGUE)
    assert found.sessions == (1 if per is Per.PERSON else 500)
