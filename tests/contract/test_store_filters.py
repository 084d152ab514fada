"""Each filter of the list equals filtering the plain fold in Python, however it is answered."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import closing
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.support.events import IDLE_TIMEOUT, MINUTE, NOON, SECOND, event, journeys

from journeytrace.catalogue import builtin_catalogue
from journeytrace.conventions import Decision, Impact, Result, Source, Status
from journeytrace.identity import support_code, trace_id
from journeytrace_collector.core.derive import Summary, summary
from journeytrace_collector.core.marks import OneEvent
from journeytrace_collector.core.model import Event
from journeytrace_collector.core.sessionize import distinct, fold
from journeytrace_collector.store import SessionQuery, Store, listing
from journeytrace_collector.store.base import Counted, Page

NOW = NOON + 40 * MINUTE
SENT = '{"journey.time.sent":"2096-01-01T00:00:00Z"}'


def _maybe(*values: Any) -> st.SearchStrategy[Any]:
    return st.sampled_from((None, None, *values))


ONE_EVENT = st.builds(
    OneEvent,
    name=_maybe("STEP_VIEW", "FACE_COMPARE", "REJECTED", "OUR_OWN_EVENT"),
    source=_maybe(*Source),
    result=_maybe(*Result),
    impact=_maybe(*Impact),
    corrected=st.sampled_from((False, False, True)),
)
QUERIES = st.builds(
    SessionQuery,
    status=_maybe(*Status),
    decision=_maybe(*Decision),
    project=_maybe("acme", "ACME", ""),
    projects=_maybe(
        frozenset(), frozenset({"acme"}), frozenset({"acme", "other"}), frozenset({"", "ACME"})
    ),
    reason=_maybe("AGE_VERIFICATION", "CUSTOM_POLICY", ""),
    error_code=_maybe("QS-10001", "page-not-found", ""),
    stage=_maybe("ENTRY", "STEP1", ""),
    event=_maybe(OneEvent()) | ONE_EVENT,
    since=_maybe(NOON),
    until=_maybe(NOON + 20 * MINUTE),
    user=_maybe("u-1", "U-1", "u-"),
    search=_maybe("session-1", "u-", "U-1", "a@example.com"),
    exact=st.sampled_from((frozenset(), frozenset({"user_id", "email"}))),
    limit=st.sampled_from((1, 3, 100)),
)


@st.composite
def told(draw: st.DrawFn) -> list[Event]:
    """Generate events of a dozen sessions, some of which failed, some with a clock that is off."""
    return [
        _with(
            one, result=draw(_maybe("PASS", "FAIL")), metadata=draw(st.sampled_from(("{}", SENT)))
        )
        for one in draw(journeys(sessions=12, max_size=40))
    ]


def _with(one: Event, **fields: Any) -> Event:
    return Event(**{name: getattr(one, name) for name in one.__struct_fields__} | fields)


def matches(query: SessionQuery, session: Summary, events: Iterable[Event], at: int) -> bool:
    """Say by the summary and the events alone whether a session is listed."""
    texts = (
        (query.project, session.project_id),
        (query.reason, session.reason),
        (query.error_code, session.last_error_code),
        (query.stage, session.stage),
        (query.user, session.user_id),
    )
    searched = [
        (field, text)
        for field in ("session_id", "user_id", "email", "submission_id")
        if (text := getattr(session, field))
    ]
    return (
        query.status in {None, session.status}
        and query.decision in {None, session.decision}
        and all(wanted is None or wanted == (own or "") for wanted, own in texts)
        and (query.event is None or any(query.event.is_like(one) for one in events))
        and (query.since is None or at >= query.since)
        and (query.until is None or at < query.until)
        and (query.projects is None or session.project_id in query.projects)
        and (query.search is None or any(_found(query, *one) for one in searched))
    )


def _found(query: SessionQuery, field: str, text: str) -> bool:
    text, wanted = text.lower(), (query.search or "").lower()
    return text == wanted if field in query.exact else text.startswith(wanted)


def facets(query: SessionQuery) -> list[SessionQuery]:
    """Give queries that differ in status or decision alone, as the filters of a page do."""
    return [
        *(replace(query, status=status) for status in (None, *Status)),
        *(replace(query, decision=one, undecided=False) for one in (None, *Decision)),
        replace(query, decision=None, undecided=True),
    ]


def pages(store: Store, query: SessionQuery) -> list[Page]:
    """Follow the pages of a list to its end."""
    found = [store.sessions(query, NOW)]
    while found[-1].next is not None:
        found.append(store.sessions(replace(query, after=found[-1].next), NOW))
    return found


@pytest.mark.parametrize("rows", [(1_000, 5_000, 10_000), (2, 0, 4), (20, 3, 40)], ids=str)
@settings(
    deadline=None,
    max_examples=12,
    # Each example clears the place first.
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(events=told(), queries=st.lists(QUERIES, min_size=6, max_size=6))
def test_a_list_is_the_filtered_fold(
    place: Any, rows: tuple[int, int, int], events: list[Event], queries: list[SessionQuery]
) -> None:
    """Filters together list what meets all of them, newest first, however far a walk may go."""
    place.clear()
    events = sorted(events, key=lambda one: one.received)
    kept = distinct([_with(one, received=NOON + n) for n, one in enumerate(events)])
    with closing(place.open()) as store, pytest.MonkeyPatch.context() as patch:
        patch.setattr(listing, "_DEARER", 1)
        for name, value in zip(("NEAR", "FEW", "FAR"), rows, strict=True):
            patch.setattr(listing, name, value)
        store.write(list(kept.values()))
        folded = fold(kept.values(), builtin_catalogue())
        for query in queries:
            wanted = {
                session_id
                for session_id, state in folded.items()
                if matches(
                    query,
                    summary(state, NOW, IDLE_TIMEOUT),
                    [one for one in kept.values() if one.session_id == session_id],
                    state.created_at,
                )
            }
            found = [known.state for page in pages(store, query) for known in page.sessions]
            assert len(found) == len(wanted)
            assert {state.session_id for state in found} == wanted
            ages = [state.created_at for state in found]
            assert ages == sorted(ages, reverse=True)
            for hasty in (False, True):
                counted = store.count(query, NOW, hasty=hasty)
                assert counted.number <= min(query.limit, len(wanted))
                assert counted.more or counted.number == len(wanted)
                beside = facets(query)
                each = [store.count(one, NOW, hasty=hasty) for one in beside]
                assert store.counts(beside, NOW, hasty=hasty) == each


def test_a_walk_ends_early_and_says_where(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """A page that is not full by then names the time back to which it has looked."""
    monkeypatch.setattr(listing, "NEAR", 10)
    monkeypatch.setattr(listing, "FAR", 30)
    monkeypatch.setattr(listing, "_DEARER", 1)
    names = {n: "VERIFY_EMAIL" if n in {5, 75} else "STEP_VIEW" for n in range(100)}
    store.write([event(name, NOON + n * SECOND, session_id=f"s-{n}") for n, name in names.items()])
    query = SessionQuery(event=OneEvent("VERIFY_EMAIL"))
    first, *others = pages(store, query)
    assert [known.state.session_id for known in first.sessions] == ["s-75"]
    assert first.searched_until == NOON + 70 * SECOND
    assert [known.state.session_id for page in others for known in page.sessions] == ["s-5"]
    assert others[-1].searched_until is None


def test_a_bound_list_tells_nothing_of_other_projects(
    place: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pages, ends and counts are those of a store that has no other projects."""
    monkeypatch.setattr(listing, "NEAR", 10)
    monkeypatch.setattr(listing, "FAR", 30)
    monkeypatch.setattr(listing, "_DEARER", 1)
    events = [
        event(
            "VERIFY_EMAIL" if n in {24, 225} else "STEP_VIEW",
            NOON + n * SECOND,
            session_id=f"s-{n}",
            project_id=("acme", "globex", "other", None)[n % 4],
        )
        for n in range(240)
    ]
    mine = frozenset({"acme", "globex"})
    told = []
    for kept in (events, [one for one in events if one.project_id in mine]):
        place.clear()
        with closing(place.open()) as store:
            store.write(kept)
            query = SessionQuery(event=OneEvent("VERIFY_EMAIL"), projects=mine)
            told.append(
                [
                    (
                        [known.state.session_id for known in page.sessions],
                        page.next and page.next[0],
                        page.searched_until,
                        store.count(query, NOW),
                        store.count(query, NOW, hasty=True),
                    )
                    for page in pages(store, query)
                ]
            )
    assert told[0] == told[1]
    assert [found for found, *_ in told[0] if found] == [["s-225"], ["s-24"]]
    assert len(told[0]) == 3


def test_a_whole_value_is_not_a_beginning(store: Store) -> None:
    """Fields that are asked for exactly are found by all of the text in either case, others by a
    beginning.
    """
    store.write(
        [
            event("STEP_VIEW", session_id=f"s-{n}", user_id=user, email=email, submission_id="ann")
            for n, (user, email) in enumerate([("ann", "x@y.z"), ("b", "ann@y.z"), ("Anna", None)])
        ]
    )
    exact = frozenset({"user_id", "email"})

    def found(text: str, *fields: str) -> list[str]:
        query = SessionQuery(search=text, fields=fields, exact=exact)
        return sorted(known.state.session_id for known in store.sessions(query, NOW).sessions)

    assert found("ann", "user_id", "email") == ["s-0"]
    assert found("ANN@y.z", "user_id", "email") == ["s-1"]
    assert found("ann%", "user_id", "email") == found("", "user_id", "email") == []
    assert found("an", "user_id", "submission_id") == ["s-0", "s-1", "s-2"]


def test_a_count_goes_as_far_as_it_is_told(store: Store) -> None:
    """It is exact up to the limit, and says when there can be more."""
    store.write([event("STEP_VIEW", NOON + n, session_id=f"s-{n}") for n in range(7)])
    for limit, counted in ((6, Counted(6, more=True)), (7, Counted(7, more=False))):
        assert store.count(SessionQuery(limit=limit), NOW) == counted


def test_a_hasty_count_looks_less_far(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """It says of fewer sessions for certain how many there are, and never too many."""
    monkeypatch.setattr(listing, "NEAR", 10)
    monkeypatch.setattr(listing, "FEW", 0)
    monkeypatch.setattr(listing, "FAR", 100)
    names = ("STEP_VIEW", "VERIFY_EMAIL")
    store.write([event(names[n % 2], NOON + n, session_id=f"s-{n}") for n in range(100)])
    query = SessionQuery(search="s-", fields=("session_id",), stage="", limit=1_000)
    assert store.count(query, NOW).number == 50
    assert store.count(query, NOW, hasty=True) == Counted(5, more=True)


def test_a_person_is_who_has_the_very_id(store: Store) -> None:
    """Neither an id that begins so, nor the same in another case, is the same person."""
    ids = ("u-1", "U-1", "u-12")
    store.write([event("STEP_VIEW", session_id=f"s-{one}", user_id=one) for one in ids])
    (known,) = store.sessions(SessionQuery(user="u-1"), NOW).sessions
    assert known.state.session_id == "s-u-1"


def test_it_is_one_event_that_meets_all(store: Store) -> None:
    """A check that passed and another that blocked are not a check that blocked."""
    store.write(
        [
            event("IP_RISK_CHECK", session_id="let-in", result="PASS", impact="NONE"),
            event("FACE_COMPARE", NOON + 1, session_id="let-in", result="FAIL", impact="BLOCKED"),
            event("IP_RISK_CHECK", session_id="blocked", result="FAIL", impact="BLOCKED"),
        ]
    )
    query = SessionQuery(event=OneEvent("IP_RISK_CHECK", impact=Impact.BLOCKED))
    (known,) = store.sessions(query, NOW).sessions
    assert known.state.session_id == "blocked"


def test_several_support_codes_are_one_question(store: Store) -> None:
    """Those that have one of them and meet the rest are listed, the newest first; nobody else."""
    ids = [f"session-{n}" for n in range(20)]
    store.write([event("STEP_VIEW", NOON + n, session_id=one) for n, one in enumerate(ids)])
    codes = tuple(support_code(trace_id(one)) for one in (ids[3], ids[11], ids[7], "nobody's"))
    query = SessionQuery(codes=codes, since=NOON + 4)
    found = store.sessions(query, NOW)
    assert [known.state.session_id for known in found.sessions] == [ids[11], ids[7]]
    assert store.count(query, NOW) == Counted(2, more=False)


@pytest.mark.parametrize("heard", ["{}", "{} ", "{}-", "lower"])
def test_a_support_code_is_found_as_it_was_heard(store: Store, heard: str) -> None:
    """A code is found in either case, with hyphens, with O for 0 and I or L for 1."""
    ids = [f"session-{n}" for n in range(40)]
    store.write([event("STEP_VIEW", session_id=one) for one in ids])
    for number, session_id in enumerate(ids):
        code = support_code(trace_id(session_id))
        said = code.lower() if heard == "lower" else heard.format(code[:4]) + code[4:]
        said = said.replace("0", "o").replace("1", "iL"[number % 2])
        query = SessionQuery(search=said, fields=("support_code",))
        found = store.sessions(query, NOW).sessions
        assert [known.state.session_id for known in found] == [session_id]
