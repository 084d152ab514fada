"""What every store promises about erasing: what goes, what stays, and what does not come back."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from tests.support.events import NOON, SESSION, event, journeys
from tests.support.waiting import exhaust

from journeytrace.catalogue import builtin_catalogue
from journeytrace.identity import trace_id
from journeytrace_collector.core.change import Change, Exemplar, Followup, Parcel, Tally
from journeytrace_collector.core.forgetting import DIGESTS_KEPT
from journeytrace_collector.core.model import Event
from journeytrace_collector.core.retention import NS_PER_DAY
from journeytrace_collector.core.sessionize import distinct, fold
from journeytrace_collector.store import Carried, Erased, SessionQuery, Store, Subject, Written

CATALOGUE = builtin_catalogue()
MINE = Subject("session_id", SESSION)
EXPIRED = NOON + 31 * NS_PER_DAY
SERIES = ("seconds", ("1",))


class Follower:
    """Counts events, keeps an exemplar, and lets a parcel leave for each session that changed."""

    def __init__(self) -> None:
        self.changes: list[Change] = []

    def __call__(self, change: Change) -> Followup:
        self.changes.append(change)
        tally, parcels = Tally(), []
        for session in change.sessions:
            session_id = session.after.session_id
            tally.add("events", (), len(session.fresh))
            tally.exemplars[SERIES] = Exemplar(trace_id(session_id).hex(), 1.5, change.at)
            parcels.append(Parcel("audit", session_id.encode(), session_id))
        return Followup(tally, parcels)


@pytest.fixture
def follower(store: Store) -> Follower:
    """Give a follower of the store's changes."""
    follower = Follower()
    store.follow(follower)
    return follower


def forget(store: Store, subject: Subject = MINE, limit: int = 100) -> Erased:
    """Erase on request, one step."""
    return store.forget(subject, "admin", NOON, limit)


def all_of(store: Store) -> tuple[object, ...]:
    """Give what a store tells of sessions, events, counters and outbox."""
    listed = store.sessions(SessionQuery(), NOON).sessions
    ids = [known.state.session_id for known in listed]
    parcels = [row.parcel for row in store.waiting("audit", 99)]
    return listed, [store.events(one) for one in ids], store.counters(), parcels


def test_an_erased_session_does_not_come_back(store: Store, follower: Follower) -> None:
    """Whatever is sent of it again, or late, alters nothing and is told as success."""
    sent = [event("STEP_VIEW", NOON + n) for n in range(3)]
    other = event("STEP_VIEW", session_id="other")
    store.write([*sent, other])
    assert forget(store) == Erased(1, 3)
    exhaust("erasing", lambda: store.erase(NOON, 100))
    before = all_of(store)
    assert store.write([*sent, event("FINAL_PAGE_VIEW", NOON + 9)]) == Written(0, 0, (), (), 4)
    assert follower.changes[-1].records["forgotten"] == 4
    assert all_of(store) == before
    assert store.session(SESSION) is None
    assert store.write([sent[0], event("PAGE_HIDDEN", session_id="other")]) == Written(
        1, 0, (), (), 1
    )


def test_a_late_retry_after_retention_is_not_counted_twice(
    reopen: Callable[[], Store],
) -> None:
    """What retention has erased stays erased, after a restart as well."""
    store = reopen()
    store.follow(Follower())
    sent = [event("STEP_VIEW", NOON + n) for n in range(3)]
    store.write(sent)
    exhaust("erasing", lambda: store.erase(EXPIRED, 100))
    store = reopen()
    store.follow(Follower())
    assert store.write(sent) == Written(0, 0, (), (), 3)
    assert store.counters().rises["events", ()] == 3
    assert store.sessions(SessionQuery(), NOON).sessions == []


def test_nothing_joins_a_session_that_is_being_erased(store: Store) -> None:
    """From the first step on it is gone for readers and for senders; its events follow."""
    sent = [event("STEP_VIEW", NOON + n) for n in range(10)]
    store.write(sent)
    assert store.erase(EXPIRED, 4) == 4
    assert store.session(SESSION) is None
    assert store.events(SESSION) == []
    assert store.write(sent[:1]).forgotten == 1
    # Another one that is made meanwhile inherits none of the events that are left.
    store.write([event("PAGE_HIDDEN", session_id="new", received=EXPIRED)])
    assert len(store.events("new")) == 1
    exhaust("erasing", lambda: store.erase(NOON, 4))
    assert len(store.events("new")) == 1


def test_parcels_and_exemplars_go_with_their_session(store: Store, follower: Follower) -> None:
    """Whether they wait or are parked; those of others stay."""
    store.write([event("STEP_VIEW", session_id="other")])
    store.write([event("STEP_VIEW")])
    store.write([event("STEP_VIEW", NOON + 1)])
    rows = [row for row in store.waiting("audit", 9) if row.parcel.session_id == SESSION]
    store.park(rows[0].id, "no")
    assert store.counters().exemplars
    assert follower.changes
    forget(store)
    assert [row.parcel.session_id for row in store.waiting("audit", 9)] == ["other"]
    assert store.parked(9) == []
    assert store.counters().exemplars == {}


def test_nobody_is_erased_by_a_subject_that_is_unknown(store: Store) -> None:
    """Nothing is found, nothing is erased, no act is noted."""
    store.write([event("STEP_VIEW", user_id="u-1", email="a@example.com")])
    for subject in (
        Subject("session_id", "other"),
        Subject("session_id", "u-1"),
        Subject("user_id", "u-"),
        Subject("user_id", "U-1"),
        Subject("user_id", "a@example.com"),
        Subject("email", "a@example.co"),
        Subject("email", "%"),
        Subject("email", "\x00"),
    ):
        assert store.erasable(subject) == forget(store, subject) == Erased(0, 0)
    assert store.session(SESSION) is not None
    assert store.acts(9) == []


def test_an_address_is_the_same_in_either_case(store: Store) -> None:
    """Mail programs write it either way, so both are the person's."""
    store.write([event("STEP_VIEW", session_id="a", email="Ann@Example.com")])
    store.write([event("STEP_VIEW", session_id="b", email="ann@example.com")])
    assert forget(store, Subject("email", "ANN@example.com")) == Erased(2, 2)


def test_a_person_with_many_sessions_goes_in_steps(store: Store) -> None:
    """A step erases at most so many sessions, and the last one erases fewer."""
    store.write([event("STEP_VIEW", session_id=f"s-{n}", user_id="u-1") for n in range(5)])
    person = Subject("user_id", "u-1")
    assert store.erasable(person) == Erased(5, 5)
    assert [forget(store, person, 2).sessions for _ in range(3)] == [2, 2, 1]
    assert store.erasable(person) == Erased(0, 0)


def test_who_erased_what_is_noted_without_naming_it(store: Store) -> None:
    """An act has the actor, the project and a digest; retention acts on nobody's behalf."""
    store.write([event("STEP_VIEW", project_id="acme")])
    store.write([event("STEP_VIEW", session_id="other", project_id="acme")])
    forget(store)
    exhaust("erasing", lambda: store.erase(EXPIRED, 100))
    (act,) = store.acts(9)
    assert (act.at, act.actor, act.act, act.project) == (NOON, "admin", "erase", "acme")
    assert act.digest is not None
    assert len(act.digest) == 16


def test_a_digest_is_dropped_when_nobody_can_need_it(store: Store) -> None:
    """After 366 days an id can be used again, and not a day earlier."""
    store.write([event("STEP_VIEW")])
    forget(store)
    assert store.erase(NOON + DIGESTS_KEPT - 1, 100) == 1
    assert store.write([event("STEP_VIEW")]).forgotten == 1
    assert store.erase(NOON + DIGESTS_KEPT, 100) == 1
    assert store.write([event("STEP_VIEW")]).new == 1


def span(request: ExportTraceServiceRequest, name: str, trace: bytes, session: str = "") -> Any:
    """Add a span; `session`: that it names."""
    made = request.resource_spans.add().scope_spans.add().spans.add(name=name, trace_id=trace)
    if session:
        made.attributes.add(key="session.id").value.string_value = session
    return made


def test_spans_of_an_erased_session_do_not_leave(store: Store, follower: Follower) -> None:
    """Neither those of its trace nor those that name it; log records and span events as well."""
    store.write([event("STEP_VIEW")])
    forget(store)
    request = ExportTraceServiceRequest()
    span(request, "of the trace", trace_id(SESSION))
    span(request, "names it", b"1" * 16, SESSION.replace("-", "").upper())
    span(request, "other", trace_id("other"), "other")
    host = span(request, "host", b"2" * 16)
    for session_id in (SESSION, "other"):
        host.events.add().attributes.add(key="session.id").value.string_value = session_id
    mine, other = event("STEP_VIEW", NOON + 1), event("STEP_VIEW", session_id="other")
    store.write([mine, other], Carried([request], [mine, other]))
    change = follower.changes[-1]
    left = [
        one
        for carried in change.traces
        for resource in carried.resource_spans
        for scope in resource.scope_spans
        for one in scope.spans
    ]
    assert [one.name for one in left] == ["other", "host"]
    assert [e.attributes[0].value.string_value for e in left[1].events] == ["other"]
    assert list(change.logged) == [other]


@settings(
    deadline=None,
    max_examples=25,
    # Each example clears the place first.
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(events=journeys(), sizes=st.lists(st.integers(1, 6), min_size=25, max_size=25))
def test_erasing_a_person_takes_all_their_sessions_and_no_other(
    place: Any, events: list[Event], sizes: list[int]
) -> None:
    """Any event that carried the user id, or address, makes the session theirs; others stay."""
    # "First received" is the order of arrival here, as in life: stamps never go back.
    events = [replace(one, received=NOON + n) for n, one in enumerate(events)]
    place.clear()
    for subject in (Subject("user_id", "u-1"), Subject("email", "a@example.com")):
        theirs = {
            one.session_id
            for one in distinct(events).values()
            if getattr(one, subject.field) == subject.value
        }
        with closing(place.open()) as store:
            rest = list(events)
            for size in sizes:
                store.write(rest[:size])
                del rest[:size]
            expected = fold(events, CATALOGUE)
            here = {s for s in expected if store.session(s)}
            gone = store.forget(subject, "admin", NOON, 100)
            assert gone.sessions == len(theirs & here)
            exhaust("erasing", lambda: store.erase(NOON, 7))
            for session_id in here - theirs:
                known = store.session(session_id)
                assert known is not None
                mine = [e for e in distinct(events).values() if e.session_id == session_id]
                assert len(store.events(session_id)) == len(mine) == known.state.events
            assert not any(store.session(session_id) for session_id in theirs)


def test_what_is_scrubbed_has_to_be_gone_first(store: Store) -> None:
    """While events of a session are left that was forgotten, there is more to do."""
    assert store.scrub()
    store.write([event("STEP_VIEW")])
    forget(store)
    assert not store.scrub()
    exhaust("erasing", lambda: store.erase(NOON, 100))
    assert store.scrub()
