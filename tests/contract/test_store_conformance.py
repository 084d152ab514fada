"""Rules are checked when a session comes to rest, and what one violates is counted once, ever."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.contract.conftest import Place
from tests.support.events import IDLE_TIMEOUT, MINUTE, NOON, SESSION, event

from journeytrace import conventions as names
from journeytrace.catalogue import builtin_catalogue
from journeytrace_collector.core.change import Change, Followup
from journeytrace_collector.core.derive import status
from journeytrace_collector.core.measure import Measure
from journeytrace_collector.core.model import Event
from journeytrace_collector.insight.rule_file import rules_of
from journeytrace_collector.store import SessionQuery, Store, Subject

CATALOGUE = builtin_catalogue()
RULES = rules_of(None, "", CATALOGUE)
FACELESS = "approved-without-face-match"
UNDECIDED = "final-page-without-decision"
HITS = "approved-with-open-hits"
LATER = NOON + 60 * MINUTE
Open = Callable[[], Store]


@pytest.fixture
def opened(place: Place) -> Iterator[Open]:
    """Give a function that opens the store with the built-in rules, and closes the one before."""
    stores: list[Store] = []

    def open_it() -> Store:
        while stores:
            stores.pop().close()
        stores.append(place.open(rules=RULES))
        measure = Measure(CATALOGUE, rules=RULES.names)
        measure.restore(stores[-1].counters())

        def follow(change: Change) -> Followup:
            tally = measure.tally(change)
            return Followup(tally, committed=lambda: measure.learn(tally))

        stores[-1].follow(follow)
        return stores[-1]

    yield open_it
    while stores:
        stores.pop().close()


def counted(store: Store) -> dict[str, float]:
    """Give how many sessions of acme were counted, by rule, where some were."""
    return {
        labels[1]: value
        for (name, labels), value in store.counters().rises.items()
        if name == names.CONFORMANCE_VIOLATIONS_TOTAL.name and labels[0] == "acme" and value
    }


def violates(store: Store, session_id: str = SESSION) -> tuple[str, ...]:
    """Give the rules that a session violates, as it is stored."""
    known = store.session(session_id)
    assert known is not None
    return known.violates


def listed(store: Store, rule: str) -> list[str]:
    """Give the sessions in the list of those that violate a rule."""
    page = store.sessions(SessionQuery(rule=rule), LATER)
    return [known.state.session_id for known in page.sessions]


def op(name: str, at: int, **metadata: Any) -> Event:
    """Make what a person did."""
    return event(name, at, metadata=json.dumps({names.ACTOR_ID: "ann", **metadata}))


def screened(at: int, *hits: str) -> Event:
    """Make the end of a screening."""
    found = [{"id": one, "name": "X", "score": 1, "categories": ["pep"]} for one in hits]
    return op(
        "SCREENING_ENDED",
        at,
        **{names.PRIVATE_HITS: json.dumps(found), f"{names.SCREENING_STATES}pep": "HITS"},
    )


PAPER = event("ID_RECOGNITION", NOON, result="PASS", project_id="acme")
FACES = event("FACE_COMPARE", NOON + 1, result="PASS")
APPROVED = event("APPROVED", NOON + MINUTE)
FINAL = event("FINAL_PAGE_VIEW", NOON + 2 * MINUTE)


def test_a_violation_is_marked_counted_and_listed_on_settling(opened: Open) -> None:
    """Once a session settles its row tells what it violates, and each rule has counted it."""
    store = opened()
    store.write([PAPER, APPROVED, FINAL, event("STEP_VIEW", session_id="other")])
    assert (violates(store), counted(store)) == ((), {})
    assert store.settle(LATER, 10) == 2
    assert (violates(store), violates(store, "other")) == ((FACELESS,), ())
    assert (listed(store, FACELESS), listed(store, UNDECIDED)) == ([SESSION], [])
    assert counted(store) == {FACELESS: 1}


def test_late_evidence_takes_the_mark_back_and_not_the_count(opened: Open) -> None:
    """Marks show how it is now; a rule counts a session once, whatever comes and goes after."""
    store = opened()
    store.write([PAPER, FINAL])
    store.settle(LATER, 10)
    assert (violates(store), counted(store)) == ((UNDECIDED,), {UNDECIDED: 1})
    late = LATER + MINUTE
    store.write([event("APPROVED", NOON + MINUTE, received=late)])
    store.settle(late + 2 * MINUTE, 10)
    assert (violates(store), listed(store, UNDECIDED)) == ((FACELESS,), [])
    assert counted(store) == {UNDECIDED: 1, FACELESS: 1}
    store = opened()
    later = late + 10 * MINUTE
    store.write([event("FACE_COMPARE", NOON + 1, result="PASS", received=later)])
    store.settle(later + 2 * MINUTE, 10)
    assert (violates(store), listed(store, FACELESS)) == ((), [])
    assert counted(store) == {UNDECIDED: 1, FACELESS: 1}


def test_a_violation_that_comes_back_is_not_counted_again(opened: Open) -> None:
    """A rule that is violated, kept and violated again has one session, also across restarts."""
    store = opened()
    store.write([PAPER, FACES, APPROVED, FINAL, screened(NOON + 2, "q1")])
    store.settle(LATER, 10)
    assert (violates(store), counted(store)) == ((HITS,), {HITS: 1})
    store.write([op("SCREENING_HIT_CLEARED", LATER, **{names.PRIVATE_HIT: "q1"})])
    assert (violates(store), listed(store, HITS)) == ((), [])
    store = opened()
    store.write([screened(LATER + MINUTE, "q2")])
    assert (violates(store), listed(store, HITS)) == ((HITS,), [SESSION])
    assert counted(store) == {HITS: 1}


def test_a_verdict_on_a_settled_session_is_checked(opened: Open) -> None:
    """A person's verdict is held against the rules like what was decided before it."""
    store = opened()
    store.write([PAPER, FACES, APPROVED, FINAL])
    store.settle(LATER, 10)
    assert violates(store) == ()
    store.write([op("VERDICT_REJECTED", LATER + MINUTE)])
    store.settle(LATER + MINUTE, 10)
    assert violates(store) == ("decided-unseen",)
    assert counted(store) == {"decided-unseen": 1}


def test_what_is_not_committed_is_not_counted(opened: Open) -> None:
    """If what follows from settling fails, neither mark nor count nor memory of it is left."""
    store = opened()
    store.write([PAPER, FINAL])

    def fail(_: Change) -> Followup:
        raise ArithmeticError

    store.follow(fail)
    with pytest.raises(ArithmeticError):
        store.settle(LATER, 10)
    store = opened()
    assert (violates(store), counted(store)) == ((), {})
    store.settle(LATER, 10)
    assert (violates(store), counted(store)) == ((UNDECIDED,), {UNDECIDED: 1})


def test_an_erased_session_leaves_no_violation(opened: Open) -> None:
    """Erasing a session takes what is remembered of its violations with it; counts stay."""
    store = opened()
    store.write([PAPER, FINAL])
    store.settle(LATER, 10)
    assert store.forget(Subject("session_id", SESSION), "admin", LATER, 10).sessions == 1
    # What is still remembered of it would be found here: the number can be given again.
    store.write([event("FINAL_PAGE_VIEW", NOON, session_id="other", project_id="acme")])
    store.settle(LATER, 10)
    assert listed(store, UNDECIDED) == ["other"]
    assert counted(store) == {UNDECIDED: 2}


def test_a_rule_filters_together_with_others(opened: Open) -> None:
    """The list of a rule meets every other filter, page by page, newest first."""
    store = opened()
    for number in range(5):
        session_id, at = f"s{number}", NOON + number
        project = "acme" if number % 2 else "other"
        store.write([event("FINAL_PAGE_VIEW", at, session_id=session_id, project_id=project)])
    store.write([event("STEP_VIEW", NOON, session_id="kept", project_id="acme")])
    store.settle(LATER + IDLE_TIMEOUT, 10)
    first = store.sessions(SessionQuery(rule=UNDECIDED, limit=3), LATER)
    rest = store.sessions(SessionQuery(rule=UNDECIDED, limit=3, after=first.next), LATER)
    found = [known.state.session_id for page in (first, rest) for known in page.sessions]
    assert found == ["s4", "s3", "s2", "s1", "s0"]
    mine = SessionQuery(rule=UNDECIDED, projects=frozenset({"acme"}))
    found = [known.state.session_id for known in store.sessions(mine, LATER).sessions]
    assert found == ["s3", "s1"]
    assert store.count(SessionQuery(rule=UNDECIDED, project="other"), LATER).number == 3


_MADE = (
    ("ID_RECOGNITION", "PASS"),
    ("FACE_COMPARE", "PASS"),
    ("FACE_COMPARE", "FAIL"),
    ("SELFIE_DUPLICATE_CHECK", "FAIL"),
    ("APPROVED", None),
    ("REJECTED", None),
    ("FINAL_PAGE_VIEW", None),
)
_DONE = ("SESSION_VIEWED", "VERDICT_APPROVED", "VERDICT_REJECTED", "VERDICT_PROPOSED")


@st.composite
def arrivals(draw: st.DrawFn) -> list[tuple[str, str | None, int]]:
    """Generate what comes in about one session, in its order: name, result and minute."""
    minutes = st.integers(0, 30)
    made = st.tuples(st.sampled_from(_MADE), minutes).map(lambda one: (*one[0], one[1]))
    done = st.tuples(st.sampled_from((*_DONE, "hits", "no hits")), st.none(), minutes)
    return [draw(made), *draw(st.lists(st.one_of(made, done), min_size=1, max_size=7))]


@settings(
    deadline=None,
    max_examples=15,
    # Each example has a session of its own.
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(coming=arrivals())
def test_marks_are_the_verdicts_on_all_that_came(
    opened: Open, coming: list[tuple[str, str | None, int]]
) -> None:
    """However it comes in and settles, a session violates what all of its events together break,
    and every rule that it ever violated has counted it once.
    """
    store, session_id = opened(), f"one-{time.monotonic_ns()}"
    before, ever, now = counted(store), set[str](), LATER
    for name, result, minute in coming:
        now += 30 * MINUTE
        at = NOON + minute * MINUTE
        mine = {"session_id": session_id, "received": now, "project_id": "acme"}
        if name in {"hits", "no hits"}:
            one = screened(at, *(["q1"] if name == "hits" else []))
        else:
            one = op(name, at) if name in _DONE else event(name, at, result=result, **mine)
        store.write([msgspec.structs.replace(one, session_id=session_id, received=now)] * 2)
        store.settle(now + 25 * MINUTE, 10)
        ever.update(violates(store, session_id))
    known = store.session(session_id)
    assert known is not None
    at_rest = status(known.state, now + 25 * MINUTE, IDLE_TIMEOUT)
    events = store.events(session_id)
    judged = RULES.judge(known.state, at_rest, now + 25 * MINUTE, events)
    assert known.violates == judged.violated
    risen = Counter(counted(store))
    risen.subtract(before)
    assert {rule: by for rule, by in risen.items() if by} == dict.fromkeys(ever, 1)
