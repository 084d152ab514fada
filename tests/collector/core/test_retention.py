"""How long a session is kept."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from tests.support.events import NOON, SECOND, event, journeys

from journeytrace.catalogue import builtin_catalogue
from journeytrace_collector.core.model import Event
from journeytrace_collector.core.retention import GRACE, NS_PER_DAY, Period, Retention, changes
from journeytrace_collector.core.sessionize import SessionState, fold, state_of

PERIODS = Retention(
    [Period("acme", 0, 90), Period("acme", NOON, 365), Period("acme", NOON + 9, 30)]
)


def state(*events: Event) -> SessionState:
    """Fold events of one session."""
    return state_of(events, builtin_catalogue())


def created(at: int = NOON, **fields: Any) -> Event:
    """Make a SESSION_CREATED."""
    return event("SESSION_CREATED", at, **fields)


def test_a_project_counts_whichever_event_carries_it() -> None:
    """The project's period holds when another event than SESSION_CREATED names the project."""
    late = event("STEP_VIEW", NOON + SECOND, project_id="acme")
    assert PERIODS.days(state(created(NOON - 1), late)) == 90


def test_the_period_in_force_at_creation_holds() -> None:
    """Sessions keep the days of their time when the project's period changes afterwards."""
    found = [PERIODS.days(state(created(at, project_id="acme"))) for at in (1, NOON, NOON + 9)]
    assert found == [90, 365, 30]


def test_what_the_session_says_comes_first() -> None:
    """The days on SESSION_CREATED stand above the project's; nobody else's days count."""
    own = created(NOON, project_id="acme", retention_days=180)
    assert PERIODS.days(state(own, event("STEP_VIEW", NOON - 1, retention_days=30))) == 180


def test_an_unknown_project_has_the_default() -> None:
    """Without a period, and without a project, it is 30 days."""
    assert PERIODS.days(state(created(project_id="other"))) == 30
    assert PERIODS.days(state(created())) == 30


def test_an_old_date_does_not_erase_what_has_just_come_in() -> None:
    """An event dated a year back, with or without SESSION_CREATED, leaves the session 23 days."""
    for name in ("SESSION_CREATED", "STEP_VIEW"):
        old = event(name, NOON - 365 * NS_PER_DAY, received=NOON)
        expires = Retention().expires_at(state(old, event("STEP_VIEW", NOON)))
        assert expires == NOON - GRACE + 30 * NS_PER_DAY


@given(events=journeys())
def test_nothing_is_erased_in_its_first_days(events: list[Event]) -> None:
    """Whatever the events say, a session is kept 23 days from its first arrival."""
    for found in fold(events, builtin_catalogue()).values():
        assert PERIODS.expires_at(found) >= found.first_received + 23 * NS_PER_DAY


@given(
    configured=st.lists(
        st.dictionaries(st.sampled_from("abc"), st.sampled_from((30, 90, 365))), max_size=5
    )
)
def test_settings_add_to_the_history_and_alter_nothing(configured: list[dict[str, int]]) -> None:
    """Each start adds the periods that are new; what held in between still holds for its time."""
    periods: list[Period] = []
    for at, days in enumerate(configured):
        periods += changes(Retention(periods), days, at)
        assert not list(changes(Retention(periods), days, at + 1))
    known = Retention(periods)
    for at, days in enumerate(configured):
        assert {p: known.days_of(p, at) for p in "abc"} == {p: days.get(p, 30) for p in "abc"}


@given(
    done=st.lists(
        st.one_of(
            st.dictionaries(st.sampled_from("ab"), st.sampled_from((30, 90, 365))),
            st.tuples(st.sampled_from("ab"), st.sampled_from((30, 90, 365))),
        ),
        max_size=8,
    ),
    clock=st.lists(st.integers(0, 9), min_size=8, max_size=8),
)
def test_the_settings_fix_and_else_the_desk_has_chosen(
    done: list[dict[str, int] | tuple[str, int]], clock: list[int]
) -> None:
    """After any starts and choices, whatever the clock: the settings, else the last choice, or 30.

    And what held before still holds for the sessions of its time.
    """
    periods: list[Period] = []
    configured: dict[str, int] = {}
    chosen: dict[str, int] = {}
    for at, step in zip(clock, done, strict=False):
        known = Retention(periods)
        before = [known.days_of(name, until) for name in "ab" for until in range(at)]
        if isinstance(step, dict):
            configured = step
            periods += changes(known, configured, at)
        elif step[0] not in configured:
            chosen |= [step]
            periods += [known.next(step[0], at, step[1], chosen=True)]
        after = Retention(periods)
        assert {name: after.latest().get(name, 30) for name in "ab"} == {
            name: configured.get(name, chosen.get(name, 30)) for name in "ab"
        }
        assert before == [after.days_of(name, until) for name in "ab" for until in range(at)]
        assert len({period[:2] for period in periods}) == len(periods)
