"""What every store promises about settling, counters, outbox, limits and erasure."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from tests.contract.conftest import Place
from tests.support.events import IDLE_TIMEOUT, MINUTE, NOON, SECOND, SESSION, event
from tests.support.waiting import exhaust

from journeytrace.conventions import Status
from journeytrace_collector.core.change import Change, Exemplar, Followup, Parcel, Tally
from journeytrace_collector.core.derive import QUIET
from journeytrace_collector.core.retention import NS_PER_DAY
from journeytrace_collector.store import Carried, SessionLimits, SessionQuery, Store
from journeytrace_collector.store.base import OUTBOX_BYTES, OutboxState

DUE = NOON + IDLE_TIMEOUT


class Follower:
    """Counts changes and lets one parcel leave for each session that changed."""

    def __init__(self) -> None:
        self.changes: list[Change] = []
        self.committed = 0

    def __call__(self, change: Change) -> Followup:
        self.changes.append(change)
        tally = Tally()
        tally.add("changes", (), 1)
        for session in change.sessions:
            tally.add("sessions", (session.status.value,), 0.5)
            tally.exemplars["sessions", (session.status.value,)] = Exemplar("t", 1.5, change.at)
        parcels = [
            Parcel("audit", session.after.session_id.encode(), session.after.session_id, {"n": "1"})
            for session in change.sessions
        ]
        return Followup(tally, parcels, self._commit)

    def _commit(self) -> None:
        self.committed += 1


@pytest.fixture
def follower(store: Store) -> Follower:
    """Give a follower of the store's changes."""
    follower = Follower()
    store.follow(follower)
    return follower


def test_a_change_tells_what_was_before_and_is_after(store: Store, follower: Follower) -> None:
    """Followers see the states around a write, and the events that were new, and only those."""
    one, two = event("STEP_VIEW"), event("FINAL_PAGE_VIEW", NOON + 1)
    store.write([one])
    store.write([one, two])
    first, second = (change.sessions[0] for change in follower.changes)
    assert (first.before, first.told, first.status) == (None, None, Status.IN_PROGRESS)
    assert second.before == first.after
    assert (list(second.fresh), second.status) == ([two], Status.COMPLETED)
    assert second.told is Status.IN_PROGRESS
    assert follower.changes[1].records["duplicate"] == 1
    assert follower.committed == 2


def test_duplicates_change_nothing(store: Store, follower: Follower) -> None:
    """A write of known events is a change without sessions: nothing leaves twice."""
    store.write([event("STEP_VIEW")])
    store.write([event("STEP_VIEW")])
    assert follower.changes[1].sessions == []
    assert len(store.waiting("audit", 10)) == 1


def test_what_followers_make_survives_reopening(
    reopen: Callable[[], Store], follower: Follower
) -> None:
    """Counters, exemplars and parcels are committed with the events."""
    store = reopen()
    store.follow(follower)
    store.write([event("STEP_VIEW")])
    store.write([event("STEP_VIEW", NOON + 1)])
    store = reopen()
    series = ("sessions", ("IN_PROGRESS",))
    assert store.counters().rises == {("changes", ()): 2, series: 1.0}
    assert store.counters().exemplars == {series: Exemplar("t", 1.5, NOON + 1)}
    rows = store.waiting("audit", 10)
    assert [row.parcel.headers for row in rows] == [{"n": "1"}] * 2
    assert [row.at for row in rows] == [NOON, NOON + 1]


def test_a_counter_knows_when_it_came_to_be(reopen: Callable[[], Store]) -> None:
    """At its first rise, and whatever it counts later, also after a restart."""
    store = reopen()
    store.follow(Follower())
    store.write((), Carried(at=NOON))
    store.write([event("STEP_VIEW", NOON + SECOND)])
    born = {("changes", ()): NOON, ("sessions", ("IN_PROGRESS",)): NOON + SECOND}
    assert store.counters().born == born
    again = reopen()
    again.follow(Follower())
    again.write((), Carried(at=NOON + MINUTE))
    assert again.counters().born == born


def test_a_failing_follower_leaves_nothing_behind(store: Store) -> None:
    """Events and what follows from them are kept together or not at all."""

    def fail(_: Change) -> Followup:
        raise ZeroDivisionError

    store.follow(fail)
    with pytest.raises(ZeroDivisionError):
        store.write([event("STEP_VIEW")])
    assert store.session(SESSION) is None


def test_sessions_settle_once_when_they_are_due(store: Store, follower: Follower) -> None:
    """Not before the idle timeout, then exactly once, with the status of that moment."""
    store.write([event("PAGE_HIDDEN")])
    assert store.settle(DUE - 1, 10) == 0
    assert store.settle(DUE, 10) == 1
    assert store.settle(DUE + MINUTE, 10) == 0
    (change,) = follower.changes[-2].sessions
    assert change.settlement is not None
    assert (change.settlement.revision, change.settlement.status) == (0, Status.DROPPED)
    assert (change.told, change.status) == (Status.IN_PROGRESS, Status.DROPPED)
    known = store.session(SESSION)
    assert known is not None
    assert (known.settled_at, known.revision) == (DUE, 0)


def test_complete_and_decided_sessions_settle_soon(store: Store) -> None:
    """After a minute without arrivals, while one without a decision waits for the timeout."""
    store.write([event("FINAL_PAGE_VIEW")])
    store.write([event(name, session_id="decided") for name in ("APPROVED", "FINAL_PAGE_VIEW")])
    assert store.settle(NOON + QUIET, 10) == 0
    assert store.settle(NOON + QUIET + 1, 10) == 1
    assert store.session(SESSION) is not None
    assert store.settle(DUE, 10) == 1


def test_a_change_after_settling_is_a_revision(store: Store, follower: Follower) -> None:
    """A late event makes a settled session due again; it then settles as revision 1, 2, …"""
    store.write([event("PAGE_HIDDEN")])
    store.settle(DUE, 10)
    store.write([event("FINAL_PAGE_VIEW", NOON + MINUTE, received=DUE + SECOND)])
    assert store.settle(DUE + 2 * MINUTE, 10) == 1
    (change,) = follower.changes[-1].sessions
    assert change.settlement is not None
    assert (change.settlement.revision, change.settlement.before) == (1, Status.DROPPED)
    assert change.settlement.status is Status.COMPLETED
    known = store.session(SESSION)
    assert known is not None
    assert (known.settled_at, known.revision) == (DUE, 1)


def test_a_settlement_knows_which_stages_were_told(
    reopen: Callable[[], Store], follower: Follower
) -> None:
    """Each settling is told the stages seen at the one before, over a restart too."""
    store = reopen()
    store.follow(follower)
    at = NOON
    for name in ("SESSION_CREATED", "STEP1_ENTERED", "PAGE_HIDDEN", "STEP2_ENTERED"):
        store.write([event(name, at)])
        at += IDLE_TIMEOUT
        assert store.settle(at, 10) == 1
    store = reopen()
    store.follow(follower)
    store.write([event("REJECTED", at)])
    assert store.settle(at + IDLE_TIMEOUT, 10) == 1
    settlements = [c.sessions[0].settlement for c in follower.changes if not c.sessions[0].fresh]
    assert [settlement.stages_told for settlement in settlements if settlement] == [
        frozenset(),
        {"ENTRY"},
        {"ENTRY", "STEP1"},
        {"ENTRY", "STEP1"},
        {"ENTRY", "STEP1", "STEP2"},
    ]


def test_a_revived_session_is_told_in_progress_again(store: Store, follower: Follower) -> None:
    """DROPPED is told on settling; an event that revives the session tells IN_PROGRESS."""
    store.write([event("PAGE_HIDDEN")])
    store.settle(DUE, 10)
    late = event("STEP_VIEW", DUE - MINUTE, received=DUE + SECOND)
    store.write([late])
    (change,) = follower.changes[-1].sessions
    assert (change.told, change.status) == (Status.DROPPED, Status.IN_PROGRESS)


def test_what_arrives_late_is_not_told_as_dropped(store: Store, follower: Follower) -> None:
    """A write tells DROPPED of no session, however old its events are: settling does."""
    store.write([event("STEP_VIEW", received=DUE + MINUTE)])
    (change,) = follower.changes[-1].sessions
    assert change.status is Status.IN_PROGRESS


def test_settling_goes_in_steps_the_longest_due_first(store: Store, follower: Follower) -> None:
    """A step settles at most so many, and no session that is due is left out."""
    store.write([event("STEP_VIEW", NOON + n, session_id=f"s-{n}") for n in range(5)])
    assert [store.settle(DUE + MINUTE, 2) for _ in range(4)] == [2, 2, 1, 0]
    settled = [s.after.session_id for c in follower.changes[1:] for s in c.sessions]
    assert settled == [f"s-{n}" for n in range(5)]


def test_parcels_leave_the_line_when_delivered_or_parked(store: Store, follower: Follower) -> None:
    """A line is served in order; what was delivered is gone, what is parked is out of the way."""
    store.write([event("STEP_VIEW", session_id=f"s-{n}") for n in range(4)])
    assert follower.committed == 1
    rows = store.waiting("audit", 3)
    assert [row.parcel.payload for row in rows] == [b"s-0", b"s-1", b"s-2"]
    store.delivered([rows[0].id])
    store.park(rows[1].id, "the receiver said 400")
    assert [row.parcel.payload for row in store.waiting("audit", 3)] == [b"s-2", b"s-3"]
    (parked,) = store.parked(10)
    assert (parked.id, parked.reason) == (rows[1].id, "the receiver said 400")
    assert store.outbox() == {"audit": OutboxState(2, NOON, 1)}


def test_requeued_parcels_go_to_the_end(store: Store, follower: Follower) -> None:
    """Requeueing puts parked parcels, named or all, behind what waits, and touches nothing else."""
    store.write([event("STEP_VIEW", session_id=f"s-{n}") for n in range(4)])
    assert follower.committed == 1
    ids = [row.id for row in store.waiting("audit", 4)]
    for row_id in ids[:3]:
        store.park(row_id, "no")
    assert store.requeue([ids[1], ids[3]]) == 1
    assert [row.parcel.payload for row in store.waiting("audit", 9)] == [b"s-3", b"s-1"]
    assert store.requeue() == 2
    assert len(store.waiting("audit", 9)) == 4
    assert store.parked(9) == []


def test_expired_sessions_are_erased_with_all_they_left(store: Store, follower: Follower) -> None:
    """After its retention a session, its events and its parcels are gone; others stay."""
    created = event("SESSION_CREATED", retention_days=30)
    store.write([created, event("STEP_VIEW", NOON + 1)])
    store.write([event("SESSION_CREATED", session_id="longer", retention_days=90)])
    expiry = NOON + 30 * NS_PER_DAY
    assert store.erase(expiry - 1, 100) == 0
    assert store.erase(expiry, 100) == 3
    assert follower.changes[-1].records == {"erased": 1}
    assert store.session(SESSION) is None
    assert store.events(SESSION) == []
    assert store.session("longer") is not None
    assert [row.parcel.session_id for row in store.waiting("audit", 9)] == ["longer"]


def test_erasing_goes_in_small_steps(store: Store) -> None:
    """A step erases at most so many rows, however many events a session has."""
    store.write([event("STEP_VIEW", NOON + n) for n in range(10)])
    steps: list[int] = []

    def erased() -> int:
        steps.append(store.erase(NOON + 31 * NS_PER_DAY, 4))
        return steps[-1]

    exhaust("erasing", erased)
    assert all(step <= 5 for step in steps)
    assert sum(steps) == 11
    assert store.session(SESSION) is None


def test_a_noisy_session_is_stopped_but_its_end_is_known(limited: Store) -> None:
    """Over its limit a session takes no more noise, but still what decides and completes it."""
    store = limited
    noise = [event("API_CALL", NOON + n) for n in range(15)]
    written = store.write(noise)
    assert (written.new, len(written.refused)) == (10, 5)
    end = [event("REJECTED", NOON + 20), event("FINAL_PAGE_VIEW", NOON + 21)]
    assert store.write([*end[:1], noise[0], noise[14]]).refused == (noise[14],)
    known = store.session(SESSION)
    assert known is not None
    assert known.state.decided is not None
    assert store.write(end).refused == (end[1],)


@pytest.mark.parametrize("noise", ["STEP_VIEW", "FINAL_PAGE_VIEW", "APPROVED", "ERROR_PAGE_VIEWED"])
def test_nobody_uses_up_what_a_decision_needs(place: Place, noise: str) -> None:
    """After any number of resumptions, completions or the same decision the real one is taken."""
    store = place.open(SessionLimits(events=20))
    store.write([event(noise, NOON + n) for n in range(60)])
    real = event("REJECTED", NOON + MINUTE, reason="SELFIE_DUPLICATE")
    assert store.write([real]).new == 1
    known = store.session(SESSION)
    assert known is not None
    assert known.state.decided is not None
    assert known.state.decided[2:] == ("REJECTED", "SELFIE_DUPLICATE")
    assert known.state.events <= 22
    store.close()


def test_open_sessions_are_counted_by_project_and_stage(store: Store) -> None:
    """Only what is in progress at the moment of asking is open."""
    store.write([event("SESSION_CREATED", session_id="a", project_id="acme")])
    store.write([event("STEP2_ENTERED", session_id="b")])
    store.write([event("FINAL_PAGE_VIEW", session_id="c")])
    assert store.open_sessions(NOON) == {("acme", "ENTRY"): 1, (None, "STEP2"): 1}
    assert store.open_sessions(DUE) == {}


def test_a_write_of_nothing_is_still_followed(store: Store, follower: Follower) -> None:
    """Spans that are no journey events are carried on though they leave no session."""
    store.write((), Carried(at=NOON, ignored=3))
    assert follower.changes[0].records["ignored"] == 3
    assert store.sessions(SessionQuery(), NOON).sessions == []


def test_what_is_handed_out_at_once_is_bounded_in_bytes(store: Store) -> None:
    """Large parcels are handed out as far as they fit, and one that never fits alone."""
    sizes = (OUTBOX_BYTES + 1, OUTBOX_BYTES // 2, OUTBOX_BYTES // 2, 1)

    def large(change: Change) -> Followup:
        numbers = [int(session.after.session_id) for session in change.sessions]
        return Followup(Tally(), [Parcel("audit", bytes(sizes[number])) for number in numbers])

    store.follow(large)
    for number in range(len(sizes)):
        store.write([event("STEP_VIEW", session_id=str(number))])
    for expected in ([0], [1, 2], [3]):
        rows = store.waiting("audit", 100)
        assert [len(row.parcel.payload) for row in rows] == [sizes[number] for number in expected]
        store.delivered([row.id for row in rows])
