"""What is PostgreSQL's alone about erasing: its files, and collectors that meet on a session."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from tests.support.events import NOON, SESSION, event
from tests.support.postgresql import Server
from tests.support.waiting import exhaust

from journeytrace.identity import trace_id
from journeytrace_collector.core.change import Change, Exemplar, Followup, Parcel, Tally
from journeytrace_collector.store import Erased, Subject, Written
from journeytrace_collector.store.postgresql import PostgresqlStore

Open = Callable[..., PostgresqlStore]

MINE = Subject("session_id", SESSION)
MARK = "marker-58d2c1"


def follow(change: Change) -> Followup:
    """Let a parcel leave for each session that changed, and keep an exemplar."""
    tally = Tally()
    for changed in change.sessions:
        tally.exemplars["s", ()] = Exemplar(trace_id(changed.after.session_id).hex(), 1, 1)
    parcels = [Parcel("a", MARK.encode(), s.after.session_id) for s in change.sessions]
    return Followup(tally, parcels)


def test_vacuum_makes_room_of_what_was_erased(server: Server, url: str, open_store: Open) -> None:
    """After `scrub` no deleted row takes up room in any table that holds personal data."""
    store = open_store("one")
    store.follow(follow)
    for n in range(20):
        told: dict[str, Any] = {"user_id": f"{MARK}-{n}", "email": f"{MARK}@example.com"}
        store.write(
            [event("STEP_VIEW", session_id=f"{MARK}-{n}", metadata=f'{{"m":"{MARK}"}}', **told)]
        )
    assert store.forget(Subject("email", f"{MARK}@EXAMPLE.com"), "admin", NOON, 100) == Erased(
        20, 20
    )
    assert store.scrub() is False
    exhaust("erasing", lambda: store.erase(NOON, 100))
    assert store.scrub() is True
    # Nothing is left in these tables, so VACUUM has cut their files to nothing.
    left = server.execute(
        "SELECT relname FROM pg_class WHERE pg_relation_size(oid) > 0"
        " AND relname IN ('sessions', 'events', 'outbox', 'former_values', 'tasks', 'erasing',"
        " 'exemplars')",
        url,
    )
    assert left == []


def test_one_of_several_collectors_vacuums(open_store: Open) -> None:
    """It is due once for all of them."""
    one, two = open_store("one"), open_store("two")
    one.write([event("STEP_VIEW")])
    one.forget(MINE, "admin", NOON, 9)
    exhaust("erasing", lambda: two.erase(NOON, 100))
    assert two.scrub() is True
    assert one.scrub() is True


def test_a_session_made_and_erased_meanwhile_stays_erased(
    open_store: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A writer for whom it is new finds the digest, though it was not there when it looked."""
    one, two = open_store("one"), open_store("two")
    looked = one._tables.forgotten
    tries = []

    def forgotten(digests: Sequence[bytes]) -> set[bytes]:
        found = looked(digests)
        tries.append(found)
        if len(tries) == 1:
            two.write([event("STEP_VIEW")])
            two.forget(MINE, "admin", NOON, 9)
        return found

    monkeypatch.setattr(one._tables, "forgotten", forgotten)
    assert one.write([event("STEP_VIEW", NOON + 1)]) == Written(0, 0, (), (), 1)
    assert len(tries) == 2
    assert one.session(SESSION) is None


def test_erasing_on_request_beside_writing_makes_no_ring(open_store: Open) -> None:
    """A person is erased while all their sessions are written to: none fails, none comes back."""
    one, two = open_store("one"), open_store("two")
    for store in (one, two):
        store.follow(follow)
    ids = [f"s-{n:02}" for n in range(30)]
    failures: list[BaseException] = []

    def write() -> None:
        try:
            for n in range(30):
                one.write([event("STEP_VIEW", NOON + n, session_id=s, user_id="u-1") for s in ids])
        except BaseException as error:
            failures.append(error)

    thread = threading.Thread(target=write, daemon=True)
    thread.start()
    gone = 0

    def forget_some() -> bool:
        nonlocal gone
        gone += two.forget(Subject("user_id", "u-1"), "admin", NOON, 7).sessions
        return thread.is_alive()

    exhaust("erasing beside writing", forget_some, 1_000_000)
    gone += two.forget(Subject("user_id", "u-1"), "admin", NOON, 100).sessions
    exhaust("erasing", lambda: two.erase(NOON, 100))
    assert failures == []
    assert gone == len(ids)
    assert [two.session(session_id) for session_id in ids] == [None] * len(ids)
    assert two.waiting("a", 9) == []
