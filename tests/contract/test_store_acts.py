"""What every store promises about acts: kept for good, found again, of some projects alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from tests.support.events import NOON, SESSION, event
from tests.support.waiting import exhaust

from journeytrace_collector.store import Act, ActQuery, Erased, Scope, Store, Subject

ACTS = [
    Act(NOON, "ann", "sign-in"),
    Act(NOON + 1, "ann", "list", "acme", None, {"filters": "status"}),
    Act(NOON + 2, "bob", "export", "globex", b"d" * 16),
    Act(NOON + 3, "bob", "export", "acme"),
    Act(NOON + 4, "ann", "sign-out"),
]


@pytest.fixture
def acting(store: Store) -> Store:
    """Give a store with acts."""
    store.note(ACTS[:2])
    store.note(ACTS[2:])
    return store


def test_acts_are_kept(acting: Store, reopen: Callable[[], Store]) -> None:
    """All of them, the newest first, with all that they say, after a restart as well."""
    assert acting.acts(9) == ACTS[::-1]
    assert reopen().acts(2) == ACTS[:2:-1]


def test_no_act_is_no_transaction(store: Store) -> None:
    """To keep nothing is fine."""
    store.note([])
    assert store.acts(9) == []


@pytest.mark.parametrize(
    ("query", "found"),
    [
        (ActQuery(actor="ann"), (4, 1, 0)),
        (ActQuery(act="export"), (3, 2)),
        (ActQuery(actor="bob", act="sign-in"), ()),
        (ActQuery(since=NOON + 1, until=NOON + 3), (2, 1)),
        (ActQuery(digest=b"d" * 16), (2,)),
        (ActQuery(scope=Scope(frozenset({"acme"}))), (3, 1)),
        (ActQuery(scope=Scope(but=frozenset({"acme"}))), (4, 2, 0)),
        (ActQuery(scope=Scope(frozenset({"acme", "globex"}), frozenset({"acme"}))), (2,)),
        (ActQuery(scope=Scope(frozenset())), ()),
    ],
)
def test_acts_are_found(acting: Store, query: ActQuery, found: tuple[int, ...]) -> None:
    """By actor, act, time, session and project; what has no project is only in all of them."""
    assert acting.acts(9, query) == [ACTS[number] for number in found]


def test_acts_page_by_page(acting: Store) -> None:
    """Each page continues after the number of the last one, whatever has come meanwhile."""
    first = acting.acts(2)
    acting.note([Act(NOON + 9, "eve", "sign-in")])
    second = acting.acts(2, ActQuery(after=first[-1].no))
    third = acting.acts(2, ActQuery(after=second[-1].no))
    assert [*first, *second, *third] == ACTS[::-1]


def test_an_act_names_a_session_by_what_erasing_leaves_of_it(store: Store) -> None:
    """Whoever knows the id finds who erased it; the act says how many events there were."""
    store.write([event("STEP_VIEW", project_id="acme"), event("STEP_VIEW", NOON + 1)])
    store.forget(Subject("session_id", SESSION), "ann", NOON + 2, 9)
    assert store.acts(9, ActQuery(digest=store.digest(SESSION))) == [
        Act(NOON + 2, "ann", "erase", "acme", store.digest(SESSION), {"events": 2})
    ]
    assert store.acts(9, ActQuery(digest=store.digest("other"))) == []


def test_only_what_is_in_scope_is_erased(store: Store) -> None:
    """Sessions of other projects, or of none, are neither counted, listed nor erased."""
    for session_id, project in (("a", "acme"), ("b", "globex"), ("c", None)):
        store.write([event("STEP_VIEW", session_id=session_id, project_id=project, user_id="u")])
    mine = Subject("user_id", "u", Scope(frozenset({"acme"})))
    rest = Subject("user_id", "u", Scope(but=frozenset({"acme"})))
    assert store.erasable(mine) == Erased(1, 1)
    assert [known.state.session_id for known in store.of_subject(mine, 9)] == ["a"]
    assert [known.state.session_id for known in store.of_subject(rest, 9)] == ["b", "c"]
    assert store.forget(mine, "ann", NOON, 9) == Erased(1, 1)
    exhaust("erasing", lambda: store.erase(NOON, 9))
    assert [store.session(one) is None for one in "abc"] == [True, False, False]
    elsewhere = Subject("session_id", "b", Scope(frozenset({"acme"})))
    assert store.forget(elsewhere, "ann", NOON, 9) == Erased(0, 0)


def test_all_sessions_of_a_person_are_listed(store: Store) -> None:
    """By their ids, page by page: former user ids count, and so do sessions not begun yet."""
    for session_id in ("a", "c", "d"):
        store.write([event("STEP_VIEW", session_id=session_id, user_id="u")])
    store.write([event("STEP_VIEW", NOON + 1, session_id="c", user_id="v")])
    invited: dict[str, Any] = {"source": "OP", "stage": "REVIEW", "user_id": "u"}
    store.write([event("SESSION_INVITED", session_id="b", **invited)])
    store.write([event("STEP_VIEW", session_id="e", user_id="U")])
    person = Subject("user_id", "u")
    first = [known.state.session_id for known in store.of_subject(person, 3)]
    assert first == ["a", "b", "c"]
    assert [k.state.session_id for k in store.of_subject(person, 3, "c")] == ["d"]
