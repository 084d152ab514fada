"""Open tasks of all sessions are listed as the states of their sessions tell them."""

from __future__ import annotations

import json
from contextlib import closing
from typing import Any

from hypothesis import HealthCheck, given, settings
from tests.contract.conftest import Place
from tests.support.events import MINUTE, NOON, deeds, done, event, journeys

from journeytrace.catalogue import builtin_catalogue
from journeytrace_collector.core.asking import tasks
from journeytrace_collector.core.model import Event
from journeytrace_collector.core.retention import NS_PER_DAY
from journeytrace_collector.core.sessionize import fold
from journeytrace_collector.store import Store
from journeytrace_collector.store.base import Subject, TaskQuery


def task(session_id: str, name: str, at: int = NOON, **said: str) -> Event:
    """Open a task."""
    words = {"journey.task.id": name, "journey.private.title": f"Do {name}"}
    words |= {f"journey.task.{key}": value for key, value in said.items()}
    return done("TASK_OPENED", at, said=words, session_id=session_id)


def begun(session_id: str, project: str | None = None) -> Event:
    """Let a session begin."""
    return event("SESSION_CREATED", NOON, session_id=session_id, project_id=project)


def listed(store: Store, **asked: Any) -> list[str]:
    """Give the ids of tasks that are listed."""
    return [row.task.id for row in store.tasks(TaskQuery(**asked))]


def test_tasks_are_listed_by_day_and_by_person(store: Store) -> None:
    """Mine, all, what is overdue and what is in my projects; by day, those without one last."""
    store.write([begun("one", "acme"), begun("two"), task("one", "a"), task("two", "b")])
    store.write(
        [
            task("one", "c", due="2026-06-09", assignee="ann"),
            task("two", "d", due="2026-06-02", assignee="ann"),
            task("one", "e", due="2026-06-03", assignee="ben"),
            task("one", "f", NOON - 1, assignee=""),
        ]
    )
    assert listed(store) == ["d", "e", "c", "f", "a", "b"]
    assert listed(store, assignee="ann") == ["d", "c"]
    assert listed(store, assignee="") == ["f", "a", "b"]
    assert listed(store, before="2026-06-03") == ["d"]
    assert listed(store, before="9999-12-31") == ["d", "e", "c"]
    assert listed(store, projects=frozenset({"acme"})) == ["e", "c", "f", "a"]
    assert listed(store, projects=frozenset()) == []
    (row,) = store.tasks(TaskQuery(before="2026-06-03"))
    assert (row.session_id, row.project) == ("two", None)
    assert (row.task.title, row.task.by, row.task.due) == ("Do d", "ann", "2026-06-02")


def test_pages_of_tasks_give_each_once(store: Store) -> None:
    """Following the marks gives every task once, in one order."""
    store.write([begun("one"), begun("two")])
    days = ("2026-06-02", "2026-06-02", "", "2026-06-01")
    names = [f"{n}" for n in range(8)]
    store.write([task(("one", "two")[int(n) % 2], n, due=days[int(n) % 4]) for n in names])
    found: list[str] = []
    after = None
    while page := store.tasks(TaskQuery(limit=3, after=after)):
        found += [row.task.id for row in page]
        after = page[-1].mark
    assert found == listed(store)
    assert sorted(found) == names


def test_a_task_that_is_closed_or_erased_is_listed_no_more(store: Store) -> None:
    """What is done leaves the list, and what belongs to a session goes with it."""
    store.write([begun("one"), begun("two"), task("one", "a"), task("one", "b"), task("two", "c")])
    said = {"journey.task.id": "a"}
    store.write([done("TASK_CLOSED", NOON + 1, said=said, session_id="one")])
    assert listed(store) == ["b", "c"]
    store.forget(Subject("session_id", "one"), "ann", NOON, 10)
    assert listed(store) == ["c"]
    store.erase(NOON + 400 * NS_PER_DAY, 10)
    assert listed(store) == []


def test_what_rules_ask_for_is_listed(store: Store) -> None:
    """A hold appears when it is decided so, under the project that the session has by then."""
    held = event("PENDING", NOON, session_id="one", reason="FACE_AGENT_REVIEW")
    store.write([begun("one"), held])
    assert [(row.task.rule, row.project) for row in store.tasks(TaskQuery())] == [("hold", None)]
    store.write([event("STEP_VIEW", NOON + 1, session_id="one", project_id="acme")])
    assert [row.project for row in store.tasks(TaskQuery())] == ["acme"]
    store.write([done("VERDICT_REJECTED", NOON + MINUTE, session_id="one")])
    assert listed(store) == []


def test_what_services_say_afterwards_has_its_limits(place: Place) -> None:
    """An analysis is passive, and yet takes its sender's room: nobody fills the disk with it."""
    from journeytrace_collector.store import SessionLimits

    said = json.dumps({"summary": "x" * 100})
    same = {"session_id": "one", "metadata": said}
    with closing(place.open(SessionLimits(events=3, size=10_000))) as store:
        for number in range(6):
            store.write([event("ANALYSIS_SUMMARY", NOON + number, **same)])
        store.write([done("SESSION_VIEWED", session_id="one"), begun("one")])
        assert [one.name for one in store.events("one")].count("ANALYSIS_SUMMARY") == 3


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(journeys(max_size=12), deeds(max_size=12))
def test_the_list_is_the_fold(place: Place, events: list[Event], acts: list[Event]) -> None:
    """Whatever happens, in however many writes, the list holds the open tasks of the fold."""
    place.clear()
    with closing(place.open()) as store:
        written = [*events, *acts]
        for start in range(0, len(written), 3):
            store.write(written[start : start + 3])
        rows = store.tasks(TaskQuery(limit=1000))
        kept = [one for name in {e.session_id for e in written} for one in store.events(name)]
    expected = {
        (session_id, one.id, state.project, one)
        for session_id, state in fold(kept, builtin_catalogue()).items()
        for one in tasks(state)
        if one.closed is None
    }
    assert {(row.session_id, row.task.id, row.project, row.task) for row in rows} == expected
