"""The writer: group commit, isolation of a bad request, back pressure, draining."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from tests.support.events import IDLE_TIMEOUT, NOON, done, event
from tests.support.waiting import PATIENCE, join, wait_until

from journeytrace.catalogue import builtin_catalogue
from journeytrace_collector.core.decode import Decoded
from journeytrace_collector.core.model import Event
from journeytrace_collector.core.review import Guard, Rules, SessionMovedOnError, version_of
from journeytrace_collector.errors import (
    MalformedRequestError,
    OverloadedError,
    StoreUnavailableError,
)
from journeytrace_collector.ingest import Answer, Ingest
from journeytrace_collector.store import Carried, SessionLimits, SqliteStore, Written
from journeytrace_collector.store.base import NOTHING_CARRIED


class WatchedStore(SqliteStore):
    """The real store, which waits for a signal before it writes, and remembers each write."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, builtin_catalogue(), IDLE_TIMEOUT)
        self.may_write = threading.Event()
        self.may_write.set()
        self.writes: list[int] = []
        self.full = False

    def write(self, events: Sequence[Event], carried: Carried = NOTHING_CARRIED) -> Written:
        assert self.may_write.wait(PATIENCE), "nobody lets the store write"
        if self.full:
            raise StoreUnavailableError("database or disk is full")
        written = super().write(events, carried)
        self.writes.append(len(events))
        return written


@pytest.fixture
def store(tmp_path: Path) -> Iterator[WatchedStore]:
    """Give an open store."""
    store = WatchedStore(tmp_path)
    yield store
    store.close()


@pytest.fixture
def ingest(store: WatchedStore) -> Iterator[Ingest]:
    """Give a running writer with room for 100 bytes."""
    ingest = Ingest(store, max_queued_bytes=100)
    yield ingest
    store.may_write.set()
    ingest.close()


def decode(body: bytes, received: int) -> Decoded:
    """Read a body of this test's own: one event named by the body."""
    if body == b"malformed":
        raise MalformedRequestError("no good")
    if body == b"bug":
        raise ZeroDivisionError
    # A time that no database takes stands for whatever nobody foresaw.
    at = 2**63 if body == b"poison" else received
    return Decoded(events=[event(body.decode(), at)])


def test_an_answer_comes_after_the_commit(ingest: Ingest, store: WatchedStore) -> None:
    """While the transaction is not on disk there is no answer; then there is, and the event too."""
    store.may_write.clear()
    future = ingest.submit(decode, b"STEP_VIEW", NOON)
    assert not future.done()
    store.may_write.set()
    assert future.result(PATIENCE) == Answer()
    assert [e.name for e in store.events(event("x").session_id)] == ["STEP_VIEW"]


def test_waiting_requests_share_a_transaction(ingest: Ingest, store: WatchedStore) -> None:
    """What queued up while the writer was busy is written at once."""
    store.may_write.clear()
    first = ingest.submit(decode, b"A", NOON)
    wait_until("the writer to take the first", lambda: not ingest.waiting())
    others = [ingest.submit(decode, b"B%d" % n, NOON) for n in range(5)]
    store.may_write.set()
    for future in [first, *others]:
        future.result(PATIENCE)
    assert store.writes == [1, 5]


def test_bad_requests_harm_nobody_else(ingest: Ingest, store: WatchedStore) -> None:
    """In one group, the malformed and the unstorable requests fail alone."""
    store.may_write.clear()
    first = ingest.submit(decode, b"A", NOON)
    wait_until("the writer to take the first", lambda: not ingest.waiting())
    bodies = (b"good", b"malformed", b"bug", b"poison", b"fine")
    good, malformed, bug, poison, fine = (ingest.submit(decode, body, NOON) for body in bodies)
    store.may_write.set()
    assert {future.result(PATIENCE) for future in (first, good, fine)} == {Answer()}
    assert isinstance(malformed.exception(PATIENCE), MalformedRequestError)
    assert isinstance(bug.exception(PATIENCE), ZeroDivisionError)
    assert isinstance(poison.exception(PATIENCE), OverflowError)
    assert sorted(e.name for e in store.events(event("x").session_id)) == ["A", "fine", "good"]


def test_of_verdicts_that_wait_together_one_is_kept(
    ingest: Ingest, store: WatchedStore, caplog: pytest.LogCaptureFixture
) -> None:
    """Each is compared with what the one before has left, which is no fault of anything; what else
    waits is stored as ever.
    """
    ingest.submit(decode, b"SESSION_CREATED", NOON).result(PATIENCE)
    known = store.session(event("x").session_id)
    assert known is not None
    guard = Guard(version_of(known.state), lambda _: Rules())

    def decide(body: bytes, received: int) -> Decoded:
        return Decoded(events=[done("VERDICT_APPROVED", received, body.decode())], guard=guard)

    store.may_write.clear()
    first = ingest.submit(decode, b"NOTE_ADDED", NOON)
    wait_until("the writer to take the first", lambda: not ingest.waiting())
    viewed = ingest.submit(decode, b"SESSION_VIEWED", NOON)
    kept, *others = [ingest.submit(decide, b"%d" % number, NOON) for number in range(5)]
    after = ingest.submit(decode, b"STEP_VIEW", NOON)
    store.may_write.set()
    assert {one.result(PATIENCE) for one in (first, viewed, kept, after)} == {Answer()}
    assert {type(one.exception(PATIENCE)) for one in others} == {SessionMovedOnError}
    assert not caplog.records
    names = Counter(one.name for one in store.events(event("x").session_id))
    assert names["VERDICT_APPROVED"] == names["STEP_VIEW"] == names["SESSION_VIEWED"] == 1


def test_a_full_store_is_a_passing_fault(ingest: Ingest, store: WatchedStore) -> None:
    """Requests fail as retryable while the store takes nothing, and succeed when it does again."""
    store.full = True
    assert isinstance(ingest.submit(decode, b"A", NOON).exception(PATIENCE), StoreUnavailableError)
    store.full = False
    assert ingest.submit(decode, b"A", NOON).result(PATIENCE) == Answer()


def test_a_full_queue_refuses(ingest: Ingest, store: WatchedStore) -> None:
    """Beyond the bound a request is refused at once, and taken again when there is room."""
    store.may_write.clear()
    first = ingest.submit(decode, b"A", NOON)
    wait_until("the writer to take the first", lambda: not ingest.waiting())
    waiting = ingest.submit(decode, b"B" * 100, NOON)
    with pytest.raises(OverloadedError, match="waiting"):
        ingest.submit(decode, b"C", NOON)
    store.may_write.set()
    first.result(PATIENCE)
    waiting.result(PATIENCE)
    assert ingest.submit(decode, b"C", NOON).result(PATIENCE) == Answer()


def test_closing_stores_what_is_queued(store: WatchedStore) -> None:
    """Closing answers every request that was taken and refuses further ones."""
    ingest = Ingest(store, max_queued_bytes=100)
    store.may_write.clear()
    futures = [ingest.submit(decode, b"A%d" % n, NOON) for n in range(10)]
    closing = threading.Thread(target=ingest.close, daemon=True)
    closing.start()
    store.may_write.set()
    join(closing)
    assert all(future.done() for future in futures)
    assert len(store.events(event("x").session_id)) == 10
    with pytest.raises(OverloadedError, match="stopping"):
        ingest.submit(decode, b"A", NOON)


def test_a_sender_that_hangs_up_cancels_nothing(ingest: Ingest, store: WatchedStore) -> None:
    """A future cannot be cancelled: what was taken is stored."""
    future = ingest.submit(decode, b"A", NOON)
    assert not future.cancel()
    future.result(PATIENCE)
    assert len(store.events(event("x").session_id)) == 1


def test_jobs_take_turns_with_requests(ingest: Ingest, store: WatchedStore) -> None:
    """A job runs between two groups, gives its result, and its failure is the asker's alone."""
    store.may_write.clear()
    first = ingest.submit(decode, b"A", NOON)
    wait_until("the writer to take the first", lambda: not ingest.waiting())
    job = ingest.run(lambda: list(store.writes))
    failing = ingest.run(lambda: 1 // 0)
    store.may_write.set()
    first.result(PATIENCE)
    assert job.result(PATIENCE) == [1]
    assert isinstance(failing.exception(PATIENCE), ZeroDivisionError)
    assert ingest.submit(decode, b"B", NOON).result(PATIENCE) == Answer()


def test_events_over_their_sessions_limit_are_told(tmp_path: Path) -> None:
    """An event for which its session has no room is rejected by name; the rest is stored."""
    limits = SessionLimits(events=2)
    store = SqliteStore(tmp_path, builtin_catalogue(), IDLE_TIMEOUT, limits)
    ingest = Ingest(store, max_queued_bytes=100)
    assert ingest.submit(decode, b"A", NOON).result(PATIENCE) == Answer()
    assert ingest.submit(decode, b"B", NOON).result(PATIENCE) == Answer()
    answer = ingest.submit(decode, b"C", NOON).result(PATIENCE)
    assert answer.rejected == 1
    assert "event 'C': session.id" in answer.message
    assert ingest.submit(decode, b"A", NOON).result(PATIENCE) == Answer()
    ingest.close()
    store.close()
