"""Up to when logs have been stored, and what settles by it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.support.events import IDLE_TIMEOUT, MINUTE, NOON, SESSION, event

from journeytrace_collector.core.change import Change, Followup, Parcel, Tally
from journeytrace_collector.store import Carried

if TYPE_CHECKING:
    from journeytrace_collector.store import Store

DAY = 24 * 60 * MINUTE


def test_a_watermark_goes_forward_alone(store: Store) -> None:
    """Of what two collectors tell of a partition the later time stays, in whatever order."""
    assert store.watermarks() == {}
    store.advance({("spans", 0): 7, ("spans", -1): 9})
    store.advance({("spans", 0): 5, ("spans", 1): 0})
    assert store.watermarks() == {("spans", 0): 7, ("spans", 1): 0, ("spans", -1): 9}


def test_a_topic_that_is_retired_is_forgotten(store: Store) -> None:
    """What nobody reads any more holds nothing back; other topics do as before."""
    store.advance({("spans", 0): 7, ("logs", 0): 5})
    store.retire(["logs", "never"])
    assert store.watermarks() == {("spans", 0): 7}


def test_what_is_read_late_is_told_as_it_was_and_written_now(store: Store) -> None:
    """Events of a backlog make sessions what they were then; parcels and counters are of now."""
    changes: list[Change] = []

    def follow(change: Change) -> Followup:
        changes.append(change)
        return Followup(Tally(), [Parcel("webhook", b"{}", SESSION)])

    store.follow(follow)
    store.write([event("SESSION_CREATED")], Carried(at=NOON + DAY))
    store.write([event("ERROR_PAGE_VIEWED", NOON + 1)], Carried(at=NOON + DAY))
    store.write([event("STEP_VIEW", NOON + 2)], Carried(at=NOON + DAY))
    assert [one.sessions[0].status.value for one in changes] == [
        "IN_PROGRESS",
        "ERROR",
        "IN_PROGRESS",
    ]
    assert {row.at for row in store.waiting("webhook", 9)} == {NOON + DAY}


def test_a_session_settles_by_one_time_and_at_another(store: Store) -> None:
    """By the clock of what has come in it is due; it settles when that is done."""
    store.write([event("SESSION_CREATED")])
    assert store.settle(NOON + IDLE_TIMEOUT - 1, 9, NOON + DAY) == 0
    assert store.settle(NOON + IDLE_TIMEOUT, 9, NOON + DAY) == 1
    known = store.session(SESSION)
    assert known is not None
    assert known.settled_at == NOON + DAY


def test_parcels_that_follow_from_no_change_wait_like_others(store: Store) -> None:
    """What is put into the outbox is handed out, parked and discarded."""
    store.put([Parcel("kafka", b"\xff", headers={"topic": "spans"})], NOON)
    (row,) = store.waiting("kafka", 9)
    assert (row.parcel.payload, row.parcel.headers, row.at) == (b"\xff", {"topic": "spans"}, NOON)
    store.park(row.id, "it is no OTLP")
    assert [one.reason for one in store.parked(9)] == ["it is no OTLP"]
    assert store.discard() == 1
