"""What people do moves nothing of a stored session but the decision (DESIGN section 13)."""

from __future__ import annotations

from collections import Counter
from contextlib import closing
from operator import itemgetter
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from tests.contract.conftest import Place
from tests.contract.test_store_settling import settle_all
from tests.support.events import (
    IDLE_TIMEOUT,
    MINUTE,
    NOON,
    SESSION,
    deeds,
    done,
    event,
    journeys,
)

from journeytrace.catalogue import builtin_catalogue
from journeytrace.conventions import (
    COLLECTOR_EVENTS_TOTAL,
    EVENTS_TOTAL,
    VERDICTS_TOTAL,
    Decision,
    Status,
)
from journeytrace.identity import trace_id
from journeytrace_collector.core.change import Change, Followup, SessionChange
from journeytrace_collector.core.derive import QUIET, summary
from journeytrace_collector.core.measure import Measure
from journeytrace_collector.core.model import Event
from journeytrace_collector.core.retention import NS_PER_DAY
from journeytrace_collector.core.rights import Rights
from journeytrace_collector.store import SessionQuery, Store
from journeytrace_collector.store.base import Carried, Cohort, Erased, Subject

END = NOON + 2 * NS_PER_DAY
OWN = {
    "decision",
    "reason",
    "decided_at",
    "decided_by",
    "decision_confirmed",
    "reason_text",
    "proposal",
    "revision",
    "why",
}


class Follower:
    """Counts what a store does, and notes it."""

    def __init__(self) -> None:
        self.changes: list[Change] = []
        self._measure = Measure(builtin_catalogue())

    def __call__(self, change: Change) -> Followup:
        self.changes.append(change)
        return Followup(self._measure.tally(change))

    @property
    def settled(self) -> list[SessionChange]:
        """What became of sessions that settled, in order."""
        return [one for change in self.changes for one in change.sessions if one.settlement]


@pytest.fixture
def follower(store: Store) -> Follower:
    """Give what follows the store."""
    found = Follower()
    store.follow(found)
    return found


def counted(store: Store) -> dict[Any, float]:
    """Give the counters that have risen, but those of people's own events."""
    rises = {series: value for series, value in store.counters().rises.items() if value}
    apart = (VERDICTS_TOTAL.name, COLLECTOR_EVENTS_TOTAL.name)
    return {
        (name, labels): value
        for (name, labels), value in rises.items()
        if name not in apart and not (name == EVENTS_TOTAL.name and "REVIEW" in labels)
    }


def played(place: Place, events: list[Event], moments: list[int]) -> tuple[Any, ...]:
    """Write events as they arrive and settle at the moments between; give what there is then."""
    place.clear()
    with closing(place.open()) as store:
        store.follow(Follower())
        steps: list[tuple[int, Event | None]] = [(now, None) for now in moments]
        steps += [(one.received, one) for one in events]
        for at, one in sorted(steps, key=lambda step: (step[0], step[1] is None)):
            if one is not None:
                store.write([one])
            else:
                settle_all(store, at)
        listed = store.sessions(SessionQuery(limit=100), END).sessions
        told = [
            summary(known.state, END, IDLE_TIMEOUT, known.settled_at, known.revision)
            for known in listed
        ]
        shown = [{name: getattr(one, name) for name in one.__struct_fields__} for one in told]
        stages = Counter[str | None]()
        for group in store.outcomes(Cohort(), END):
            stages[group.stage] += group.sessions
        return shown, counted(store), stages, store.open_sessions(NOON)


@settings(
    deadline=None,
    max_examples=8,
    # Each example clears the place first.
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(events=journeys(sessions=2, max_size=6), acts=deeds(sessions=3))
def test_people_leave_stored_sessions_as_they_were(
    place: Any, events: list[Event], acts: list[Event]
) -> None:
    """Lists, counts, funnel, settling and counters are as without them, but for the decision."""
    moments = [one.received + wait for one in events for wait in (QUIET + 1, IDLE_TIMEOUT)]
    moments += [one.at + IDLE_TIMEOUT for one in events] + [END]
    without, *counts = played(place, events, moments)
    with_them, *also = played(place, [*events, *acts], moments)
    decided = {
        one["session_id"] for one in with_them if one["decided_by"] not in {None, "AUTOMATIC"}
    }

    def moved(session: dict[str, Any]) -> bool:
        return session["session_id"] in decided

    def common(sessions: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [
            {k: v for k, v in one.items() if k not in (OWN if moved(one) else {"proposal"})}
            # Of one moment the session comes first that the store knows longer.
            for one in sorted(sessions, key=itemgetter("session_id"))
        ]

    assert [one["created_at"] for one in with_them] == [one["created_at"] for one in without]
    assert common(with_them) == common(without)
    assert also == counts


def test_a_session_that_was_only_invited_is_nowhere(store: Store) -> None:
    """No list, count, funnel or detail has it, it never settles, and it expires by itself."""
    store.follow(Follower())
    invited = done("SESSION_INVITED", project_id="acme", email="ann@example.com")
    store.write([done("SESSION_VIEWED", NOON - MINUTE), invited])
    assert store.sessions(SessionQuery(), NOON).sessions == []
    assert store.sessions(SessionQuery(status=Status.DROPPED), END).sessions == []
    assert store.sessions(SessionQuery(project="acme"), NOON).sessions == []
    assert store.session(SESSION) is None
    assert store.outcomes(Cohort(), END) == store.outcomes(Cohort(until=2**63 - 1), END) == []
    assert store.open_sessions(NOON) == {}
    assert store.settle(END, 10) == 0
    assert counted(store) == {}
    assert [one.name for one in store.events(SESSION)] == ["SESSION_VIEWED", "SESSION_INVITED"]
    assert store.erasable(Subject("email", "ann@example.com")) == Erased(1, 2)
    assert store.erase(NOON + 30 * NS_PER_DAY - 1, 10) == 0
    assert store.erase(NOON + 30 * NS_PER_DAY, 10) == 3
    assert store.write([invited]).forgotten == 1


def test_it_begins_with_its_first_event_of_the_journey(store: Store, follower: Follower) -> None:
    """Only then it counts as started, with the verdict that was there before."""
    store.write([done("SESSION_INVITED", NOON - MINUTE, project_id="acme")])
    store.write([done("VERDICT_APPROVED", NOON - MINUTE + 1)])
    store.write([event("SESSION_CREATED", project_id="acme")])
    (begun,) = store.sessions(SessionQuery(), NOON).sessions
    assert begun.state.created_at == NOON
    rises = store.counters().rises
    assert rises["journey_sessions_started_total", ("acme",)] == 1
    assert rises["journey_verdicts_total", ("acme", "", "APPROVED")] == 1
    (change,) = follower.changes[-1].sessions
    assert (change.told, change.status) == (None, Status.IN_PROGRESS)
    assert store.settle(NOON + IDLE_TIMEOUT, 10) == 1


def test_looking_at_a_settled_session_changes_nothing(store: Store, follower: Follower) -> None:
    """It is not told again, however often somebody looks; a verdict is, once."""
    store.write([event("REJECTED"), event("FINAL_PAGE_VIEW")])
    assert store.settle(NOON + 2 * QUIET, 10) == 1
    store.write([done("SESSION_VIEWED", NOON + 5 * MINUTE), done("NOTE_ADDED", NOON + 6 * MINUTE)])
    assert store.settle(END, 10) == 0
    store.write([done("VERDICT_APPROVED", NOON + 7 * MINUTE)])
    store.write([done("SESSION_VIEWED", NOON + 8 * MINUTE)])
    # At once: nothing else is expected of it.
    assert store.settle(NOON + 8 * MINUTE, 10) == 1
    assert store.settle(END, 10) == 0
    store.write([done("VERDICT_REJECTED", NOON + 7 * MINUTE - 1)])
    assert store.settle(END, 10) == 0
    settlements = [one.settlement for one in follower.settled if one.settlement]
    assert [(s.revision, s.status, s.by_verdict) for s in settlements] == [
        (0, Status.COMPLETED, False),
        (1, Status.COMPLETED, True),
    ]
    (known,) = store.sessions(SessionQuery(decision=Decision.APPROVED), END).sessions
    assert (known.revision, known.settled_at) == (1, NOON + 2 * QUIET)


def test_a_verdict_counts_as_a_verdict_alone(store: Store) -> None:
    """Neither decisions nor revisions rise, and the event counts by its source."""
    store.follow(Follower())
    store.write([event("REJECTED", project_id="acme"), event("FINAL_PAGE_VIEW")])
    store.settle(NOON + 2 * QUIET, 10)
    before = counted(store)
    store.write([done("VERDICT_APPROVED", NOON + 5 * MINUTE)])
    store.settle(END, 10)
    assert counted(store) == before
    rises = store.counters().rises
    assert rises["journey_verdicts_total", ("acme", "REJECTED", "APPROVED")] == 1
    labels = ("acme", "VERDICT_APPROVED", "OP", "REVIEW", "NONE")
    assert rises[EVENTS_TOTAL.name, labels] == 1


@pytest.mark.parametrize("completed", [True, False])
def test_a_verdict_settles_nothing(store: Store, completed: bool) -> None:
    """A session that waits for its idle timeout goes on waiting."""
    store.write([event("FINAL_PAGE_VIEW" if completed else "STEP_VIEW")])
    store.write([done("VERDICT_APPROVED", NOON + 1)])
    assert store.settle(NOON + IDLE_TIMEOUT - 1, 10) == 0
    assert store.settle(NOON + IDLE_TIMEOUT, 10) == 1


def test_what_goes_on_after_a_verdict_is_an_ordinary_revision(
    store: Store, follower: Follower
) -> None:
    """A session that the user comes back to waits again, verdict or not."""
    store.write([event("STEP_VIEW")])
    store.settle(NOON + IDLE_TIMEOUT, 10)
    at = NOON + 2 * IDLE_TIMEOUT
    store.write([done("VERDICT_APPROVED", at)])
    store.write([event("FINAL_PAGE_VIEW", at)])
    assert store.settle(at + IDLE_TIMEOUT - 1, 10) == 0
    assert store.settle(at + IDLE_TIMEOUT, 10) == 1
    settlement = follower.settled[-1].settlement
    assert settlement is not None
    assert (settlement.status, settlement.by_verdict) == (Status.COMPLETED, False)
    assert (
        store.counters().rises["journey_session_revisions_total", ("", "DROPPED", "COMPLETED")] == 1
    )


def test_people_have_room_in_a_full_session(limited: Store) -> None:
    """What they do is outside its limits, and takes no room away."""
    views = [done("SESSION_VIEWED", NOON + n) for n in range(20)]
    assert limited.write(views).refused == ()
    steps = [event("STEP_VIEW", NOON + n) for n in range(11)]
    assert len(limited.write(steps).refused) == 1
    assert limited.write([done("VERDICT_REJECTED", NOON + MINUTE)]).refused == ()


def test_an_invited_session_belongs_to_its_project(store: Store) -> None:
    """A sender of another project adds nothing to it, though it has not begun."""
    store.write([done("SESSION_INVITED", project_id="acme")])
    other = Rights("other", projects=frozenset({"other"}))
    created = event("SESSION_CREATED")
    assert store.write([created], Carried(rights=[other])).foreign != ()
    assert store.session(SESSION) is None


def test_what_people_did_leaves_once_the_session_begins(store: Store, follower: Follower) -> None:
    """Until then its span is held back, and nothing else of the request; then it leaves once."""
    request = ExportTraceServiceRequest()
    spans = request.resource_spans.add().scope_spans.add().spans
    host = spans.add(name="POST /invite", trace_id=b"t" * 16, span_id=b"h" * 8)
    host.attributes.add(key="session.id").value.string_value = SESSION
    own = spans.add(name="SESSION_INVITED", trace_id=trace_id(SESSION), span_id=b"i" * 8)
    own.attributes.add(key="journey.event.name").value.string_value = "SESSION_INVITED"
    invited, viewed = done("SESSION_INVITED"), done("SESSION_VIEWED")
    store.write([invited, viewed], Carried([request], [viewed]))
    change = follower.changes[-1]
    assert [span.name for span in change.traces[0].resource_spans[0].scope_spans[0].spans] == [
        "POST /invite"
    ]
    assert change.logged == []
    created, noted = event("SESSION_CREATED", NOON + 2), done("NOTE_ADDED", NOON + 1)
    store.write([noted, created], Carried(logged=[noted]))
    names = [one.name for one in follower.changes[-1].logged]
    assert sorted(names) == ["NOTE_ADDED", "SESSION_INVITED", "SESSION_VIEWED"]
    store.write([noted], Carried(logged=[noted]))
    assert [one.name for one in follower.changes[-1].logged] == ["NOTE_ADDED"]
