"""What is to be done about a session is a fold of its events, and nothing else."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.events import MINUTE, NOON, deeds, done, event, journeys

from journeytrace.catalogue import builtin_catalogue
from journeytrace_collector.core.asking import tasks
from journeytrace_collector.core.model import Event
from journeytrace_collector.core.sessionize import SessionState, fold, merge, state_of
from journeytrace_collector.core.tasks import Task

CATALOGUE = builtin_catalogue()
CREATED = event("SESSION_CREATED", NOON - MINUTE)


def folded(*events: Event) -> SessionState:
    """Fold events of one session, which has begun."""
    (state,) = fold([CREATED, *events], CATALOGUE).values()
    return state


def opened(at: int = NOON, by: str = "ann", name: str = "t", **said: str) -> Event:
    """Open a task."""
    return done("TASK_OPENED", at, by, said=_named(name, said))


def closed(at: int = NOON, by: str = "ben", name: str = "t", **said: str) -> Event:
    """Close one."""
    return done("TASK_CLOSED", at, by, said=_named(name, said))


def given_to(whom: str, at: int) -> Event:
    """Give the session to somebody."""
    return done("SESSION_ASSIGNED", at, said={"journey.session.assignee": whom})


def _named(name: str, said: dict[str, str]) -> dict[str, str]:
    words = {
        "title": "journey.private.title",
        "text": "journey.private.text",
        "due": "journey.task.due",
        "assignee": "journey.task.assignee",
        "result": "journey.task.result",
    }
    return {"journey.task.id": name, **{words[key]: value for key, value in said.items()}}


def asked(state: SessionState) -> set[str]:
    """Give the rules that ask for something, as far as it is open."""
    return {task.rule for task in tasks(state) if task.rule and task.closed is None}


@given(
    journeys(sessions=1, max_size=8), deeds(sessions=1, max_size=12), st.randoms(), st.integers(0)
)
def test_tasks_do_not_depend_on_the_order(
    events: list[Event], acts: list[Event], rng: random.Random, cut: int
) -> None:
    """Any order, any repetition and any split of the events give the same tasks."""
    (whole,) = fold([*events, *acts], CATALOGUE).values()
    together = [*events, *acts, *acts]
    rng.shuffle(together)
    (shuffled,) = fold(together, CATALOGUE).values()
    assert tasks(shuffled) == tasks(whole)
    distinct = list({one.event_id: one for one in [*events, *acts]}.values())
    (whole,) = fold(distinct, CATALOGUE).values()
    middle = cut % len(distinct)
    if middle > 0:
        parts = state_of(distinct[:middle], CATALOGUE), state_of(distinct[middle:], CATALOGUE)
        assert tasks(merge(*parts)) == tasks(merge(*reversed(parts))) == tasks(whole)


def test_a_task_is_what_was_said_last() -> None:
    """Who opened it and when stays; what is to be done, by whom and when is the newest word."""
    first = opened(NOON, title="Call", assignee="ann")
    later = opened(NOON + 2, "ben", title="Call again", assignee="ben", due="2026-06-09")
    assert tasks(folded(later, first)) == [
        Task("t", NOON, "ann", None, "Call again", "ben", "2026-06-09", None)
    ]


def test_the_newer_of_opening_and_closing_counts() -> None:
    """A task is closed with its result until it is opened once more."""
    (task,) = tasks(folded(opened(), closed(NOON + 1, text="They hung up", result="NOT_NEEDED")))
    assert task.closed is not None
    assert (task.closed.by, task.closed.result) == ("ben", "NOT_NEEDED")
    assert task.closed.text == "They hung up"
    again = folded(opened(), closed(NOON + 1), opened(NOON + 2))
    assert [one.closed for one in tasks(again)] == [None]
    assert tasks(folded(closed())) == []


def test_tasks_come_by_their_days() -> None:
    """The open ones come first, the earliest day before the later, and none last."""
    names = {"a": {}, "b": {"due": "2026-06-09"}, "c": {"due": "2026-06-02"}, "d": {"due": "x"}}
    acts = [opened(NOON + at, name=name, **said) for at, (name, said) in enumerate(names.items())]
    acts += [opened(name="e", due="2026-01-01"), closed(NOON + 1, name="e")]
    assert [task.id for task in tasks(folded(*acts))] == ["c", "b", "a", "d", "e"]


FAILED: dict[str, Any] = {"result": "FAIL", "impact": "REJECTED"}
APPROVED = event("APPROVED", NOON)
HELD = event("PENDING", NOON, reason="FACE_AGENT_REVIEW")
BY_ANN = done("VERDICT_APPROVED", NOON + MINUTE)
BEFORE = event("AGE_VERIFICATION", NOON - 1, received=NOON + 1, **FAILED)
AFTER = event("AGE_VERIFICATION", NOON + 1, **FAILED)
LATE = event("AGE_VERIFICATION", NOON - 1, received=NOON + 2 * MINUTE, **FAILED)
SCREENED = done("SCREENING_ENDED", NOON, said={"journey.screening.pep": "CLEAR"})
FAILING = done("SCREENING_ENDED", NOON + 1, said={"journey.screening.pep": "FAILED"})


@pytest.mark.parametrize(
    ("events", "rules"),
    [
        ([APPROVED], set()),
        ([HELD], {"hold"}),
        ([event("PENDING", reason="COUNTRY_MISMATCH")], set()),
        ([HELD, done("VERDICT_REJECTED", NOON + 1)], set()),
        ([APPROVED, BEFORE], set()),
        ([APPROVED, AFTER], {"late_evidence"}),
        ([APPROVED, AFTER, BY_ANN], set()),
        ([APPROVED, BY_ANN, LATE], {"late_evidence"}),
        ([event("REJECTED", NOON), AFTER], set()),
        ([APPROVED, event("STEP_VIEW", NOON + 1, result="FAIL")], set()),
        ([SCREENED], set()),
        ([SCREENED, FAILING], {"screening_failed"}),
        ([done("SCREENING_ENDED", NOON + 2), FAILING], set()),
        ([given_to("ann", NOON)], {"assigned"}),
        ([given_to("ann", NOON), given_to("", NOON + 1)], set()),
        ([given_to("ann", NOON), BY_ANN], set()),
        ([given_to("ann", NOON + 2 * MINUTE), BY_ANN], {"assigned"}),
    ],
)
def test_rules_ask_for_what_is_to_be_done(events: list[Event], rules: set[str]) -> None:
    """A hold for a person, evidence after an approval, a failed screening and an assignment ask for
    something, for as long as they stand.
    """
    assert asked(folded(*events)) == rules


def test_what_a_rule_asks_for_is_closed_and_changed_like_any_other() -> None:
    """It can be given to somebody and closed under its id; new evidence opens it again."""
    (task,) = tasks(folded(HELD))
    assert (task.by, task.at, task.title) == (None, NOON, "")
    (given,) = tasks(folded(HELD, opened(NOON + 1, name=task.id, assignee="ben")))
    assert (given.rule, given.assignee, given.by) == ("hold", "ben", None)
    assert asked(folded(HELD, closed(NOON + 1, name=task.id))) == set()
    (late,) = tasks(folded(APPROVED, AFTER))
    done_with = closed(NOON + 2, name=late.id)
    assert asked(folded(APPROVED, AFTER, done_with)) == set()
    assert asked(folded(APPROVED, AFTER, done_with, LATE)) == {"late_evidence"}


def test_what_a_rule_asked_for_goes_away_with_its_cause() -> None:
    """A hold that was given to somebody and then decided is no task any more; one that was closed
    is told as such.
    """
    (task,) = tasks(folded(HELD))
    changed, decided = opened(NOON + 1, name=task.id, assignee="ben"), BY_ANN
    assert tasks(folded(HELD, changed, decided)) == []
    (kept,) = tasks(folded(HELD, closed(NOON + 1, name=task.id), decided))
    assert (kept.rule, kept.closed is None) == ("hold", False)


def test_what_has_not_begun_has_no_tasks() -> None:
    """A session that was only invited is in no list of tasks."""
    assert tasks(state_of([opened()], CATALOGUE)) == []
