"""What every store promises (collector/journeytrace_collector/store/base.py)."""

from __future__ import annotations

import random
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.support.events import IDLE_TIMEOUT, MINUTE, NOON, SECOND, deeds, event, journeys
from tests.support.waiting import exhaust

from journeytrace.catalogue import builtin_catalogue
from journeytrace.conventions import Decision, Status
from journeytrace_collector.core import derive
from journeytrace_collector.core.model import Event
from journeytrace_collector.core.rights import ANYBODY, Rights
from journeytrace_collector.core.sessionize import SessionState, distinct, fold
from journeytrace_collector.store import Carried, SessionQuery, Store, Written

CATALOGUE = builtin_catalogue()
NOW = NOON + 30 * MINUTE

# Every way to end, one session each: (status, decision) at NOW.
ENDINGS: dict[tuple[Status, Decision | None], list[Event]] = {
    (Status.IN_PROGRESS, None): [event("STEP_VIEW", NOW - MINUTE)],
    (Status.DROPPED, None): [event("PAGE_HIDDEN")],
    (Status.ERROR, None): [event("ERROR_PAGE_VIEWED", NOW - MINUTE)],
    (Status.COMPLETED, Decision.APPROVED): [event("APPROVED"), event("FINAL_PAGE_VIEW")],
    (Status.COMPLETED, Decision.REJECTED): [event("REJECTED"), event("FINAL_PAGE_VIEW")],
    (Status.COMPLETED, Decision.PENDING): [event("PENDING"), event("FINAL_PAGE_VIEW")],
    (Status.DROPPED, Decision.REJECTED): [event("REJECTED")],
}


def all_sessions(store: Store, query: SessionQuery, now: int = NOW) -> list[SessionState]:
    """Follow the pages of a list to its end."""
    found = []
    while True:
        page = store.sessions(query, now)
        found += [known.state for known in page.sessions]
        if page.next is None:
            return found
        query = replace(query, after=page.next)


def stored(store: Store, session_id: str) -> SessionState | None:
    """Give the state of a session as stored."""
    known = store.session(session_id)
    return known.state if known else None


@settings(
    deadline=None,
    max_examples=40,
    # Each example clears the place first.
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    events=journeys(), acts=st.just([]) | deeds(sessions=4), rng=st.randoms(use_true_random=False)
)
def test_stored_sessions_equal_the_pure_fold(
    place: Any, events: list[Event], acts: list[Event], rng: random.Random
) -> None:
    """Any order of arrival, duplication and split into writes stores what the fold gives."""
    events += acts
    events.sort(key=lambda item: item.received)
    batches = [*events, *(rng.choice(events) for _ in range(rng.randrange(6)))]
    place.clear()
    # "First received" is the order of arrival here, as in life: stamps never go back.
    arrived = [_received(item, NOON + n) for n, item in enumerate(batches)]
    rest = list(arrived)
    with closing(place.open()) as store:
        while rest:
            size = rng.randrange(1, len(rest) + 1)
            store.write(rest[:size])
            del rest[:size]
        expected = fold(arrived, CATALOGUE)
        begun = {s: state for s, state in expected.items() if state.begun}
        assert {s: stored(store, s) for s in begun} == begun
        assert not any(store.session(s) for s in expected.keys() - begun.keys())
        for session_id in expected:
            mine = [e for e in distinct(arrived).values() if e.session_id == session_id]
            mine.sort(key=lambda item: (item.at, item.event_id))
            assert store.events(session_id) == mine


def _received(item: Event, at: int) -> Event:
    return Event(
        **{name: getattr(item, name) for name in item.__struct_fields__} | {"received": at}
    )


def test_duplicates_are_told_from_new_events(store: Store) -> None:
    """A write says how many events were new and how many were known, also within one batch."""
    one, two = event("STEP_VIEW"), event("STEP_VIEW", NOON + 1)
    assert store.write([one]) == Written(new=1, duplicate=0)
    assert store.write([one, two, two]) == Written(new=1, duplicate=2)


def test_the_same_event_id_in_two_sessions_is_two_events(store: Store) -> None:
    """An event id is unique within its session, no further."""
    mine = event("STEP_VIEW", session_id="mine", event_id=b"12345678")
    other = event("STEP_VIEW", session_id="other", event_id=b"12345678")
    assert store.write([mine, other]) == Written(new=2, duplicate=0)


def test_what_was_written_survives_reopening(reopen: Callable[[], Store]) -> None:
    """Events and sessions are there after the store was closed and opened again."""
    kept = event("REJECTED", reason="AGE_LIMIT", metadata='{"score":0.5}', duration=SECOND)
    reopen().write([kept])
    store = reopen()
    assert store.events(kept.session_id) == [kept]
    assert stored(store, kept.session_id) == fold([kept], CATALOGUE)[kept.session_id]
    assert store.write([kept]) == Written(new=0, duplicate=1)


def test_unknown_sessions_are_none(store: Store) -> None:
    """A session that nobody wrote is None, its events are an empty list."""
    assert store.session("nobody") is None
    assert store.events("nobody") == []


def test_events_come_in_order_and_by_source(store: Store) -> None:
    """Events come ordered by (time, event id), however they arrived; a source filters them."""
    b, a = (event("STEP_VIEW", event_id=bytes([n]) * 8) for n in (2, 1))
    back = event("FACE_COMPARE", NOON - 1)
    store.write([b, back, a])
    assert store.events(a.session_id) == [back, a, b]
    assert store.events(a.session_id, "BE") == [back]
    assert store.events(a.session_id, "FE") == [a, b]


@pytest.fixture
def endings(store: Store) -> Store:
    """Give a store that holds one session for each of `ENDINGS`."""
    for ending, events in ENDINGS.items():
        session_id = "-".join(map(str, ending))
        store.write([_of_session(item, session_id) for item in events])
    return store


def _of_session(item: Event, session_id: str) -> Event:
    fields = {name: getattr(item, name) for name in item.__struct_fields__}
    return Event(**fields | {"session_id": session_id})


@pytest.mark.parametrize("status", list(Status))
@pytest.mark.parametrize("decision", [None, "undecided", *Decision])
def test_status_and_decision_filter_together(
    endings: Store, status: Status, decision: Decision | str | None
) -> None:
    """Each status with each decision lists the sessions that a summary would say so of."""
    wanted = decision if isinstance(decision, Decision) else None
    query = SessionQuery(status=status, decision=wanted, undecided=decision == "undecided")
    expected = {
        "-".join(map(str, ending))
        for ending in ENDINGS
        if ending[0] is status and (decision is None or ending[1] is wanted)
    }
    found = all_sessions(endings, query)
    assert {state.session_id for state in found} == expected
    assert all(derive.status(state, NOW, IDLE_TIMEOUT) is status for state in found)


def test_status_follows_the_clock(store: Store) -> None:
    """The list uses the status at the time of asking: the same row drops when its time has come."""
    store.write([event("STEP_VIEW")])
    for now, status in ((NOON, Status.IN_PROGRESS), (NOON + IDLE_TIMEOUT, Status.DROPPED)):
        assert len(store.sessions(SessionQuery(status=status), now).sessions) == 1
        others = [other for other in Status if other is not status]
        assert not any(store.sessions(SessionQuery(status=o), now).sessions for o in others)


@pytest.fixture
def many(store: Store) -> Store:
    """Give a store of 2,500 sessions, three of which begin in the same instant."""
    store.write(
        [
            event(
                "SESSION_CREATED",
                NOON + n // 3 * SECOND,
                session_id=f"s-{n:04}",
                user_id=f"user-{n:04}",
                email=f"{'Ann' if n % 500 == 0 else 'bob'}.{n}@Example.com",
                project_id="acme" if n % 2 else None,
            )
            for n in range(2_500)
        ]
    )
    return store


@pytest.mark.parametrize(
    "query",
    [
        SessionQuery(),
        SessionQuery(status=Status.IN_PROGRESS),
        SessionQuery(undecided=True),
        SessionQuery(search="bob", fields=("email",)),
        SessionQuery(search="ann"),
        SessionQuery(search="user-01"),
        SessionQuery(since=NOON + 90 * SECOND, until=NOON + 600 * SECOND),
    ],
    ids=str,
)
def test_pages_join_to_the_whole_list_newest_first(many: Store, query: SessionQuery) -> None:
    """Pages of any size neither repeat nor skip a session, also among equal creation times."""
    whole = all_sessions(many, replace(query, limit=10_000), NOON)
    assert whole
    created = [state.created_at for state in whole]
    assert created == sorted(created, reverse=True)
    paged = all_sessions(many, replace(query, limit=97), NOON)
    assert [s.session_id for s in paged] == [s.session_id for s in whole]


def test_since_is_included_and_until_is_not(many: Store) -> None:
    """A date range is half open, so that neighbouring ranges share no session."""
    query = SessionQuery(since=NOON + SECOND, until=NOON + 2 * SECOND)
    found = all_sessions(many, query, NOON)
    assert [s.session_id for s in found] == ["s-0005", "s-0004", "s-0003"]


@pytest.mark.parametrize(
    ("search", "field", "count"),
    [
        ("ANN.", "email", 5),
        ("bob.1@", "email", 1),
        ("bob", "email", 2495),
        ("user-24", "user_id", 100),
        ("s-0001", "session_id", 1),
        ("ACME", "project_id", 1250),
        ("session_", "last_event", 2500),
        ("_", "user_id", 0),
        ("%", "user_id", 0),
        ("nn", "email", 0),
        ("s-", "submission_id", 0),
    ],
)
def test_search_finds_beginnings_whatever_their_case(
    many: Store, search: str, field: str, count: int
) -> None:
    """A search means the beginning of the named field, has no wildcards and ignores case."""
    query = SessionQuery(search=search, fields=(field,), limit=1000)
    assert len(all_sessions(many, query, NOON)) == count


def test_search_without_field_looks_at_ids_and_email(many: Store) -> None:
    """Session id, user id, e-mail and submission id are searched when no field is named."""
    for search in ("s-0500", "user-0500", "ann.500"):
        (found,) = all_sessions(many, SessionQuery(search=search), NOON)
        assert found.session_id == "s-0500"


def test_moved_columns_are_found_where_they_moved_to(store: Store) -> None:
    """A later event that brings a submission, a decision or a new e-mail is found by it."""
    store.write([event("SESSION_CREATED", email="old@example.com")])
    store.write([event("SUBMISSION_CREATED", NOON + 1, submission_id="sub-9")])
    store.write([event("REJECTED", NOON + 2, email="new@example.com")])
    assert len(all_sessions(store, SessionQuery(search="sub-9"), NOON)) == 1
    assert len(all_sessions(store, SessionQuery(decision=Decision.REJECTED), NOON)) == 1
    assert len(all_sessions(store, SessionQuery(search="new@"), NOON)) == 1
    assert all_sessions(store, SessionQuery(search="old@"), NOON) == []


ODD = "a\x00b\ud800c"


def test_sessions_of_others_are_left_alone(store: Store) -> None:
    """Events of a sender that is bound to projects stay out of sessions of other ones."""
    acme = Rights("acme", projects=frozenset({"acme"}))
    store.write([event("SESSION_CREATED", session_id="theirs", project_id="other")])
    events = [
        event("APPROVED", session_id="theirs"),
        event("STEP_VIEW", session_id="new"),
        event("STEP_VIEW", session_id="taken", project_id="other"),
        event("APPROVED", session_id="taken"),
        event("STEP1_ENTERED", session_id="theirs", metadata='{"a":"\\u0000"}'),
    ]
    rights = [acme, acme, ANYBODY, acme, ANYBODY]
    written = store.write(events, Carried(rights=rights))
    foreign = [(item.session_id, item.name) for item in written.foreign]
    assert foreign == [("theirs", "APPROVED"), ("taken", "APPROVED")]
    assert (written.new, written.duplicate, written.refused) == (3, 0, ())
    names = [item.name for item in store.events("theirs")]
    assert sorted(names) == ["SESSION_CREATED", "STEP1_ENTERED"]
    assert [item.name for item in store.events("taken")] == ["STEP_VIEW"]
    assert [item.name for item in store.events("new")] == ["STEP_VIEW"]


def test_texts_that_cannot_be_stored_fail_no_write(store: Store) -> None:
    """NUL and lone surrogates, plain or as escapes in metadata, cost no event."""
    metadata = r'{"nul":"\u0000","half":"\ud800","pair":"\ud83d\ude00","plain":"\\u0000"}'
    odd = event("STEP_VIEW", event_id=b"12345678", user_id=ODD, metadata=metadata)
    assert store.write([odd, event("STEP_VIEW", NOON + 1)]) == Written(new=2, duplicate=0)
    assert store.write([odd]) == Written(new=0, duplicate=1)
    read = store.events(odd.session_id)[0]
    assert str(read.user_id).startswith("a")
    assert '"pair":"\\ud83d\\ude00","plain":"\\\\u0000"}' in read.metadata


def test_a_search_for_what_cannot_be_stored_is_answered(store: Store) -> None:
    """NUL in a search, an id or a reason is no reason to fail."""
    store.write([event("STEP_VIEW")])
    assert store.sessions(SessionQuery(search="\x00"), NOW).sessions == []
    assert store.session("\x00") is None
    assert store.events("\x00") == []


def test_what_is_put_off_comes_to_an_end(store: Store) -> None:
    """However much a store puts off, it says when nothing is left, and lists tell the same."""
    for n in range(3):
        store.write([event("STEP_VIEW", NOON + n, session_id=f"s-{m}") for m in range(5)])
    before = store.sessions(SessionQuery(), NOON).sessions
    exhaust("what is put off", store.catch_up)
    assert store.sessions(SessionQuery(), NOON).sessions == before
    assert not store.catch_up()
