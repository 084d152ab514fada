"""What every store promises about retention periods: who says them, and for which sessions."""

from __future__ import annotations

from tests.contract.conftest import Reopen
from tests.support.events import MINUTE, NOON, event

from journeytrace_collector.core.retention import NS_PER_DAY, Period
from journeytrace_collector.store import Act, Store

HOUR = 60 * MINUTE


def days(store: Store, session_id: str, at: int, project: str | None = "acme") -> int:
    """Let a session be created, and tell how long it is kept."""
    name = "SESSION_CREATED"
    store.write([event(name, at, session_id=session_id, project_id=project, received=at)])
    return kept(store, session_id)


def kept(store: Store, session_id: str) -> int:
    """Tell how many days a session is kept."""
    known = store.session(session_id)
    assert known is not None
    return known.retention.days(known.state)


def test_what_is_chosen_holds_from_then_on(store: Store) -> None:
    """Sessions from before keep theirs, which decides when they are erased, too."""
    store.keep_for({}, NOON)
    assert days(store, "before", NOON) == 30
    assert store.choose_period("acme", 90, "ann", NOON + HOUR)
    assert days(store, "after", NOON + HOUR) == 90
    assert days(store, "elsewhere", NOON + HOUR, "globex") == 30
    assert kept(store, "before") == 30
    store.erase(NOON + 31 * NS_PER_DAY, 100)
    assert [store.session(name) is None for name in ("before", "after")] == [True, False]
    store.erase(NOON + 91 * NS_PER_DAY, 100)
    assert store.session("after") is None


def test_a_choice_is_kept_as_an_act(store: Store) -> None:
    """With who, when, what before and what after; what holds already is no act."""
    assert store.choose_period("acme", 90, "ann", NOON)
    assert not store.choose_period("acme", 90, "bob", NOON + 1)
    assert store.choose_period("acme", 30, "bob", NOON + 2)
    assert not store.choose_period("globex", 30, "bob", NOON + 3)
    assert store.acts(9) == [
        Act(NOON + 2, "bob", "retention", "acme", None, {"before": 90, "after": 30}),
        Act(NOON, "ann", "retention", "acme", None, {"before": 30, "after": 90}),
    ]


def test_a_choice_survives_restarts_and_the_configuration(reopen: Reopen) -> None:
    """The configuration fixes the projects that it names; without it the last choice holds."""
    store = reopen()
    store.keep_for({}, NOON)
    assert days(store, "default", NOON) == 30
    store.choose_period("acme", 90, "ann", NOON + HOUR)
    store = reopen()
    store.keep_for({}, NOON + 2 * HOUR)
    assert days(store, "chosen", NOON + 2 * HOUR) == 90
    store = reopen()
    store.keep_for({"acme": 365}, NOON + 3 * HOUR)
    assert days(store, "fixed", NOON + 3 * HOUR) == 365
    store = reopen()
    store.keep_for({}, NOON + 4 * HOUR)
    assert days(store, "again", NOON + 4 * HOUR) == 90
    names = ("default", "chosen", "fixed", "again")
    assert [kept(store, name) for name in names] == [30, 90, 365, 90]
    assert [(p.days, p.chosen) for p in sorted(store.periods())] == [
        (90, True),
        (365, False),
        (90, False),
    ]


def test_the_configuration_wins_over_a_choice_in_an_empty_store(reopen: Reopen) -> None:
    """Though it holds from the beginning of time there, and the choice was made later."""
    store = reopen()
    store.keep_for({}, NOON)
    store.choose_period("acme", 90, "ann", NOON)
    store = reopen()
    store.keep_for({"acme": 365}, NOON + 1)
    assert days(store, "fixed", NOON + 1) == 365


def test_sessions_without_a_project_have_a_period_of_their_own(store: Store) -> None:
    """It is chosen for the empty project."""
    assert store.choose_period("", 180, "ann", NOON)
    assert days(store, "nobody's", NOON, None) == 180
    assert days(store, "somebody's", NOON) == 30
    assert store.acts(1)[0].project is None


def test_a_session_from_a_clock_ahead_of_ours_is_erased_as_it_is_told(store: Store) -> None:
    """A session that came before the choice and was created after it has the new period."""
    store.keep_for({}, NOON)
    ahead = event(
        "SESSION_CREATED", NOON + 5 * MINUTE, session_id="ahead", project_id="acme", received=NOON
    )
    store.write([ahead])
    store.choose_period("acme", 90, "ann", NOON + MINUTE)
    assert kept(store, "ahead") == 90
    store.erase(NOON + 89 * NS_PER_DAY, 100)
    assert store.session("ahead") is not None


def test_a_clock_that_was_set_back_alters_no_history(store: Store) -> None:
    """The newest choice holds, and no two periods begin at the same moment."""
    for at, chosen in ((NOON, 90), (NOON - HOUR, 180), (NOON, 365)):
        store.choose_period("acme", chosen, "ann", at)
    assert store.periods() == [
        Period("acme", NOON, 90, chosen=True),
        Period("acme", NOON + 1, 180, chosen=True),
        Period("acme", NOON + 2, 365, chosen=True),
    ]
    assert days(store, "now", NOON + 3) == 365


def test_projects_that_were_seen(store: Store) -> None:
    """Each is told once, in the order of the alphabet whatever the case."""
    assert store.projects(9) == []
    for number, project in enumerate(("globex", "Acme", None, "globex", "initech")):
        days(store, f"s-{number}", NOON, project)
    assert store.projects(9) == ["Acme", "globex", "initech"]
    assert store.projects(2) == ["Acme", "globex"]
