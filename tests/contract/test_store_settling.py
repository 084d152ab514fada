"""When sessions settle: by arrivals, and with the idle timeout in force (DESIGN section 6)."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from tests.contract.conftest import Place, Reopen
from tests.support.events import IDLE_TIMEOUT, MINUTE, NOON, SECOND, SESSION, event
from tests.support.waiting import exhaust

from journeytrace.catalogue import builtin_catalogue
from journeytrace.conventions import Status
from journeytrace_collector.core.change import Change, Followup, Settlement, Tally
from journeytrace_collector.core.decode import Decoder
from journeytrace_collector.core.derive import QUIET, status
from journeytrace_collector.core.model import Event
from journeytrace_collector.core.record import Record, Resolver
from journeytrace_collector.core.retention import NS_PER_DAY
from journeytrace_collector.core.sessionize import fold
from journeytrace_collector.store import Store

HOUR = 60 * MINUTE


class Settlements:
    """Follows a store and notes by session how it settled."""

    def __init__(self) -> None:
        self.of: dict[str, list[Settlement]] = {}

    def __call__(self, change: Change) -> Followup:
        for session in change.sessions:
            if session.settlement is not None:
                self.of.setdefault(session.after.session_id, []).append(session.settlement)
        return Followup(Tally())


@pytest.fixture
def settled(store: Store) -> Settlements:
    """Give what settles in the store."""
    found = Settlements()
    store.follow(found)
    return found


@st.composite
def backlogs(draw: st.DrawFn) -> list[Event]:
    """Generate journeys whose events come in late, in any order: one by one or as a backlog."""
    events = []
    released = NOON + draw(st.integers(0, 24)) * HOUR if draw(st.booleans()) else None
    for number in range(draw(st.integers(1, 3))):
        names = draw(st.permutations(("STEP_VIEW", "APPROVED", "FINAL_PAGE_VIEW", "PAGE_HIDDEN")))
        start = NOON + draw(st.integers(0, 60)) * MINUTE
        for position, name in enumerate(names[: draw(st.integers(1, 4))]):
            at = start + position * draw(st.integers(1, 30)) * MINUTE
            if released is not None:
                received = max(at, released + draw(st.integers(0, 130)) * SECOND)
            else:
                received = at + draw(st.integers(0, NS_PER_DAY // SECOND)) * SECOND
            events.append(event(name, at, received=received, session_id=f"session-{number}"))
    return sorted(events, key=lambda item: item.received)


def play(store: Store, events: list[Event]) -> None:
    """Write events as they arrive, with the chores of every moment in between that matters."""
    for arriving, following in zip(events, [*events[1:], None], strict=True):
        store.write([arriving])
        until = following.received if following else arriving.received + 2 * NS_PER_DAY
        moments = {e.received + QUIET + 1 for e in events} | {until}
        moments |= {e.at + IDLE_TIMEOUT for e in events}
        moments |= {e.received + IDLE_TIMEOUT for e in events}
        for now in sorted(m for m in moments if arriving.received <= m <= until):
            settle_all(store, now)


def settle_all(store: Store, now: int) -> None:
    """Settle all that is due, in small steps."""
    exhaust("settling", lambda: store.settle(now, 2) == 2)


@settings(
    deadline=None,
    max_examples=60,
    # Each example clears the place first.
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(events=backlogs())
def test_the_last_settling_equals_the_fold(place: Any, events: list[Event]) -> None:
    """A session settles last as its events say, and only once where no gap is above a minute."""
    place.clear()
    store = place.open()
    found = Settlements()
    store.follow(found)
    play(store, events)
    end = events[-1].received + 2 * NS_PER_DAY
    for session_id, state in fold(events, builtin_catalogue()).items():
        mine = found.of[session_id]
        assert mine[-1].status is status(state, end, IDLE_TIMEOUT)
        assert [s.revision for s in mine] == list(range(len(mine)))
        arrivals = [e.received for e in events if e.session_id == session_id]
        gaps = [later - earlier for earlier, later in pairwise(arrivals)]
        if max(gaps, default=0) <= QUIET:
            assert len(mine) == 1
    store.close()


def test_a_replayed_backlog_settles_once_and_right(store: Store, settled: Settlements) -> None:
    """All of BE, then all of FE, older than the timeout: each session is COMPLETED at once."""
    arrival = NOON + 5 * HOUR
    backlog = [("APPROVED", range(50)), ("FINAL_PAGE_VIEW", range(50))]
    for name, sessions in backlog:
        for number in sessions:
            arrival += SECOND
            store.write([event(name, received=arrival, session_id=f"s-{number}")])
            store.settle(arrival, 100)
    assert settled.of == {}
    assert store.settle(arrival + QUIET + 1, 100) == 50
    assert {s.status for (s,) in settled.of.values()} == {Status.COMPLETED}


def test_a_longer_timeout_after_a_restart_is_waited_for(place: Place) -> None:
    """A session that was stored under a short timeout settles by the one in force, as DROPPED."""
    store = place.open()
    store.write([event("PAGE_HIDDEN")])
    store.close()
    store = place.open(idle_timeout=2 * HOUR)
    found = Settlements()
    store.follow(found)
    assert store.settle(NOON + 2 * HOUR - 1, 10) == 0
    assert store.settle(NOON + 2 * HOUR, 10) == 1
    assert [s.status for s in found.of[SESSION]] == [Status.DROPPED]
    store.close()


def test_two_collectors_with_two_timeouts_both_settle_right(place: Place) -> None:
    """The one with the longer timeout leaves alone what the other will call DROPPED."""
    store = place.open(idle_timeout=2 * HOUR)
    store.write([event("PAGE_HIDDEN")])
    assert store.settle(NOON + HOUR, 10) == 0
    store.close()
    store = place.open(idle_timeout=MINUTE)
    found = Settlements()
    store.follow(found)
    assert store.settle(NOON + HOUR, 10) == 1
    assert [s.status for s in found.of[SESSION]] == [Status.DROPPED]
    store.close()


def test_periods_survive_a_restart(reopen: Reopen) -> None:
    """A session keeps the days of its time after its project's period has changed."""
    store = reopen()
    store.keep_for({"acme": 365}, NOON)
    store.write([event("SESSION_CREATED", session_id="old", project_id="acme")])
    store = reopen()
    store.keep_for({"acme": 90}, NOON + HOUR)
    store.write([event("SESSION_CREATED", NOON + HOUR, session_id="new", project_id="acme")])
    store.write([event("STEP_VIEW", NOON + HOUR, session_id="old")])
    store = reopen()
    store.keep_for({}, NOON + 2 * HOUR)
    store.write([event("SESSION_CREATED", NOON + 2 * HOUR, session_id="newest", project_id="acme")])
    found = [store.session(name) for name in ("old", "new", "newest")]
    assert [known and known.retention.days(known.state) for known in found] == [365, 90, 30]
    assert store.erase(NOON + 364 * NS_PER_DAY, 100) == 4
    assert store.session("old") is not None


def test_a_first_period_holds_from_the_beginning(store: Store) -> None:
    """What was waiting for the first start of a collector falls under its settings."""
    store.keep_for({"acme": 365}, NOON)
    store.write([event("SESSION_CREATED", NOON - HOUR, received=NOON, project_id="acme")])
    known = store.session(SESSION)
    assert known is not None
    assert known.retention.days(known.state) == 365


@pytest.mark.parametrize("sent", [1, 2**62, 2**63 - 1, 2**63, 2**64 - 1])
def test_a_time_of_any_size_is_stored_beside_its_neighbours(store: Store, sent: int) -> None:
    """No 64 bits of a time cost the neighbours, erase their session or keep it for ever."""
    request = ExportTraceServiceRequest()
    spans = request.resource_spans.add().scope_spans.add().spans
    for number, start in enumerate((NOON, sent, NOON + 1), 1):
        span = spans.add(trace_id=b"t" * 16, span_id=bytes([number] * 8))
        span.start_time_unix_nano = start
        span.end_time_unix_nano = min(start + SECOND, 2**64 - 1)
        for key, value in (("session.id", SESSION), ("journey.event.name", "STEP_VIEW")):
            span.attributes.add(key=key).value.string_value = value
    store.write(Decoder(builtin_catalogue()).traces(request, NOON).events)
    known = store.session(SESSION)
    assert known is not None
    assert known.state.events == 3
    assert store.erase(NOON + 22 * NS_PER_DAY, 100) == 0
    assert store.erase(NOON + 31 * NS_PER_DAY, 100) == 4


def test_a_date_in_2076_outranks_no_decision(store: Store) -> None:
    """A decision that says it is of another century counts as of its arrival."""
    store.write([event("APPROVED"), event("REJECTED", NOON + MINUTE)])
    record = Record(NOON + 50 * 365 * NS_PER_DAY, 0, NOON, None, SESSION, b"forged!!")
    forged = Resolver(builtin_catalogue()).event({"journey.event.name": "APPROVED"}, record)
    store.write([forged])
    known = store.session(SESSION)
    assert known is not None
    assert known.state.decided is not None
    assert known.state.decided[2] == "REJECTED"
