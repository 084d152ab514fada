"""What every store promises about lines that failed, and about parcels that nobody took."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest
from tests.support.events import MINUTE, NOON, SECOND, event

from journeytrace_collector.core.change import Change, Followup, Parcel, Tally
from journeytrace_collector.store import Carried, Store
from journeytrace_collector.store.base import OutboxRow, OutboxState

LATER = NOON + MINUTE


@pytest.fixture
def put(store: Store) -> Callable[..., None]:
    """Give a function that puts parcels, named by session, into the outbox in one transaction."""

    def put(*sessions: str | None, at: int = NOON, destination: str = "audit") -> None:
        parcels = [
            Parcel(destination, str(n).encode(), session) for n, session in enumerate(sessions)
        ]
        made = iter([parcels])

        def follow(_: Change) -> Followup:
            return Followup(Tally(), next(made, []))

        store.follow(follow)
        store.write((), Carried(at=at))

    return put


def sessions(rows: Sequence[OutboxRow]) -> list[str | None]:
    """Tell whose parcels were handed out."""
    return [row.parcel.session_id for row in rows]


def first(store: Store, session: str | None, destination: str = "audit") -> int:
    """Give the number of the first parcel of a session that is handed out."""
    rows = store.waiting(destination, 99)
    return next(row.id for row in rows if row.parcel.session_id == session)


def test_a_line_that_is_put_off_is_left_out_alone(store: Store, put: Callable[..., None]) -> None:
    """All of its session is held back, what joins it later too; other sessions are not."""
    put("a", "b", "a")
    store.put_off({first(store, "a"): LATER})
    put("a", "b")
    assert sessions(store.waiting("audit", 9)) == ["b", "b"]
    assert sessions(store.again("audit", 9, LATER - 1)) == []
    assert sessions(store.again("audit", 9, LATER)) == ["a", "a", "a"]
    assert sessions(store.waiting("audit", 9, now=LATER)) == ["b", "b"], "handed out by both"


def test_a_line_belongs_to_one_destination(store: Store, put: Callable[..., None]) -> None:
    """What a session fails at in one place holds it back nowhere else."""
    put("a")
    put("a", destination="other")
    store.put_off({first(store, "a"): LATER})
    put("a", destination="other")
    assert sessions(store.waiting("other", 9)) == ["a", "a"]
    assert sessions(store.waiting("audit", 9)) == []


def test_the_longest_due_come_first(store: Store, put: Callable[..., None]) -> None:
    """However many are due, each has its turn: one that fails again goes behind the others."""
    put("a", "b", "c", "b")
    for wait, session in enumerate(("c", "a", "b")):
        store.put_off({first(store, session): NOON + wait})
    (row,) = store.again("audit", 1, LATER)
    assert row.parcel.session_id == "c"
    store.put_off({row.id: NOON + 9})
    (row,) = store.again("audit", 1, LATER)
    assert row.parcel.session_id == "a"
    store.delivered([row.id])
    (row,) = store.again("audit", 1, LATER)
    assert row.parcel.session_id == "b"


def test_what_arrives_frees_the_rest_of_its_line(store: Store, put: Callable[..., None]) -> None:
    """Once a parcel of a line that was held back is delivered, the others wait no longer."""
    put("a", "a", "a", "b")
    store.put_off({first(store, "a"): LATER, first(store, "b"): LATER})
    (row,) = store.again("audit", 1, LATER)
    store.delivered([row.id])
    found = store.waiting("audit", 9)
    assert sessions(found) == ["a", "a"]
    assert [row.failures for row in found] == [0, 0]
    assert sessions(store.again("audit", 9, LATER)) == ["b"]


def test_failures_in_a_row_are_counted_and_kept(
    store: Store, put: Callable[..., None], reopen: Callable[[], Store]
) -> None:
    """A line's failures and its next attempt outlive the process."""
    put("a", "a")
    (row, _) = store.waiting("audit", 9)
    assert row.failures == 0
    store.put_off({row.id: NOON})
    store.put_off({row.id: LATER})
    store = reopen()
    assert store.waiting("audit", 9) == []
    assert store.again("audit", 9, NOON) == []
    assert [row.failures for row in store.again("audit", 9, LATER)] == [2, 2]


def test_parcels_without_a_session_are_one_line(store: Store, put: Callable[..., None]) -> None:
    """While the first of them is held back all are, and they stay in order; sessions go on."""
    put(None, "a", None)
    store.put_off({first(store, None): LATER})
    put(None)
    assert sessions(store.waiting("audit", 9, now=LATER - 1)) == ["a"]
    assert store.again("audit", 9, LATER) == []
    rows = store.waiting("audit", 9, now=LATER)
    assert sessions(rows) == [None, "a", None, None]
    assert [row.failures for row in rows] == [1, 0, 0, 0]
    store.delivered([rows[0].id])
    assert sessions(store.waiting("audit", 9)) == ["a", None, None]


def test_a_few_can_be_tried_from_anywhere(store: Store, put: Callable[..., None]) -> None:
    """Passing over a part of what waits gives later sessions, but none without its first parcel."""
    put("a", "b", "c", "d", "a", "e")
    assert sessions(store.waiting("audit", 2, skip=1.0)) == ["e"]
    assert sessions(store.waiting("audit", 3, skip=0.5)) == ["c", "d"]
    assert sessions(store.waiting("audit", 9, skip=0.01)) == ["a", "b", "c", "d", "a", "e"]
    assert store.waiting("nobody", 9, skip=0.5) == []


def test_a_requeued_parcel_waits_with_its_line(store: Store, put: Callable[..., None]) -> None:
    """Put back in line while its session is held back, it does not overtake the others."""
    put("a", "a")
    parked, other = store.waiting("audit", 9)
    store.park(parked.id, "no")
    store.put_off({other.id: LATER})
    assert store.requeue() == 1
    assert store.waiting("audit", 9) == []
    assert [row.parcel.payload for row in store.again("audit", 9, LATER)] == [b"1", b"0"]


def test_a_parked_parcel_forgets_that_it_was_held_back(
    store: Store, put: Callable[..., None]
) -> None:
    """Requeued it is tried at once."""
    put("a")
    store.put_off({first(store, "a"): LATER})
    (row,) = store.again("audit", 9, LATER)
    store.park(row.id, "no")
    store.requeue()
    assert [row.failures for row in store.waiting("audit", 9)] == [0]


def test_lines_that_are_held_back_are_counted(store: Store, put: Callable[..., None]) -> None:
    """Each destination tells how many, and since when the oldest of their parcels is there."""
    put("c")
    put("a", "a", None, at=NOON + SECOND)
    put("b", at=NOON + 2 * SECOND)
    held = {first(store, session): LATER for session in ("a", "b")}
    store.put_off(held)
    found = store.outbox()["audit"]
    assert found == OutboxState(5, NOON, 0, backing_off=2, backing_off_since=NOON + SECOND)
    store.put_off({first(store, None): LATER})
    assert store.outbox()["audit"].backing_off == 3
    store.delivered([row.id for row in store.again("audit", 9, LATER)])
    store.delivered([row.id for row in store.waiting("audit", 9, now=LATER)])
    assert store.outbox() == {}


def test_what_is_discarded_is_gone(store: Store, put: Callable[..., None]) -> None:
    """Parked parcels, named or all, are forgotten; one that waits is not, though it is named."""
    put("a", "b", "c", "d")
    ids = [row.id for row in store.waiting("audit", 9)]
    for row_id in ids[:3]:
        store.park(row_id, "no")
    assert store.discard([ids[0], ids[0], ids[3], 4711]) == 1
    assert sorted(row.id for row in store.parked(9)) == ids[1:3]
    assert store.discard([]) == 0
    assert store.discard() == 2
    assert store.parked(9) == []
    assert sessions(store.waiting("audit", 9)) == ["d"]


def test_parcels_that_are_too_old_are_erased(store: Store, put: Callable[..., None]) -> None:
    """Waiting, held back or parked, with or without a session, a few at a time."""
    put("a", None, "b")
    put("c", at=LATER)
    parked, waits, held, _ = store.waiting("audit", 9)
    store.park(parked.id, "no")
    store.put_off({held.id: LATER})
    assert store.erase_parcels(NOON, 9) == []
    gone = [row for _ in range(3) for row in store.erase_parcels(NOON + 1, 2)]
    assert {row.id: row.reason for row in gone} == {parked.id: "no", waits.id: None, held.id: None}
    assert all(row.parcel.payload == b"" for row in gone)
    assert store.outbox() == {"audit": OutboxState(1, LATER, 0)}


def test_a_line_that_was_erased_is_not_put_off(store: Store, put: Callable[..., None]) -> None:
    """What became of a parcel that is gone changes nothing, and its line begins anew."""
    put("a")
    gone = first(store, "a")
    store.delivered([gone])
    store.put_off({gone: LATER})
    put("a")
    assert sessions(store.waiting("audit", 9)) == ["a"]


def test_events_are_written_as_before(store: Store, put: Callable[..., None]) -> None:
    """A session whose parcels are held back takes events."""
    put("a")
    store.put_off({first(store, "a"): LATER})
    assert store.write([event("STEP_VIEW", session_id="a")]).new == 1
