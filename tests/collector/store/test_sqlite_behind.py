"""Rows of sessions that are written behind their events, and caught up after a kill."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.events import IDLE_TIMEOUT, MINUTE, NOON, SECOND, deeds, event, journeys
from tests.support.rows import killed, rows_behind
from tests.support.waiting import exhaust, wait_until

from journeytrace.catalogue import builtin_catalogue
from journeytrace.conventions import Status
from journeytrace_collector.core.change import Change, Followup, Tally
from journeytrace_collector.core.decode import Decoded
from journeytrace_collector.core.derive import QUIET
from journeytrace_collector.core.model import Event
from journeytrace_collector.errors import StoreUnavailableError
from journeytrace_collector.ingest import Ingest
from journeytrace_collector.store import SessionQuery, SqliteStore
from journeytrace_collector.store.base import Subject
from journeytrace_collector.store.sqlite import FILE_NAME, ROWS_AT_ONCE

MANY = ROWS_AT_ONCE + 100
"""Sessions, more than a list waits for."""


def opened(folder: Path) -> SqliteStore:
    """Open a store in `folder`."""
    return SqliteStore(folder, builtin_catalogue(), IDLE_TIMEOUT)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    """Give an empty store."""
    folder = tmp_path / "store"
    folder.mkdir()
    found = opened(folder)
    yield found
    found.close()


def touch(store: SqliteStore, at: int, sessions: int = 1, **fields: Any) -> None:
    """Let so many sessions have one event more."""
    store.write([event("STEP_VIEW", at, session_id=f"s-{n}", **fields) for n in range(sessions)])


def rest(store: SqliteStore) -> None:
    """Have nobody wait for a while."""
    exhaust("what is behind", store.catch_up)


def file(folder: Path) -> sqlite3.Connection:
    """Open the file behind the store's back."""
    return sqlite3.connect(folder / FILE_NAME)


def test_a_kill_before_the_rows_are_written(store: SqliteStore, tmp_path: Path) -> None:
    """The next start folds what came after the mark, and every row is the fold of its events."""
    for n in range(5):
        touch(store, NOON + n * SECOND, 20, user_id=f"u-{n}")
    left = killed(tmp_path / "store", tmp_path / "left")
    assert len(rows_behind(left)) == 20
    opened(left).close()
    assert rows_behind(left) == []


STEPS = st.one_of(
    st.tuples(st.just("write"), journeys(max_size=8)),
    st.tuples(st.just("write"), deeds(max_size=3)),
    st.tuples(st.just("settle"), st.integers(0, 3)),
    st.tuples(st.just("rest"), st.none()),
    st.tuples(st.just("kill"), st.none()),
    st.tuples(st.just("restart"), st.none()),
)


@settings(max_examples=25, deadline=None)
@given(st.lists(STEPS, min_size=1, max_size=12))
def test_rows_equal_the_fold_whatever_happens(steps: list[tuple[str, Any]]) -> None:
    """After writes, settling, rests, kills and restarts in any order a start makes them so."""
    with TemporaryDirectory() as place:
        folder = Path(place) / "0"
        folder.mkdir()
        store, kills = opened(folder), 0
        for step, what in steps:
            match step:
                case "write":
                    store.write(what)
                case "settle":
                    store.settle(NOON + what * IDLE_TIMEOUT, 10)
                case "rest":
                    rest(store)
                    assert rows_behind(folder) == []
                case "kill":
                    kills += 1
                    left = killed(folder, Path(place) / str(kills))
                    store.close()
                    folder, store = left, opened(left)
                    assert rows_behind(folder) == []
                case "restart":
                    store.close()
                    assert rows_behind(folder) == []
                    store = opened(folder)
        store.close()
        assert rows_behind(folder) == []


def test_a_clean_stop_leaves_nothing_to_fold(tmp_path: Path) -> None:
    """All rows are written when a store is closed, and the mark says so."""
    store = opened(tmp_path)
    touch(store, NOON, 3)
    touch(store, NOON + SECOND, 3)
    store.close()
    with closing(file(tmp_path)) as found:
        newest = found.execute("SELECT max(rowid) FROM events").fetchone()
        assert found.execute("SELECT mark FROM projection").fetchone() == newest == (6,)
    assert rows_behind(tmp_path) == []


def test_the_mark_stands_before_what_is_behind(store: SqliteStore, tmp_path: Path) -> None:
    """What one session has not told yet holds the mark, however much of others is told."""
    touch(store, NOON)
    touch(store, NOON + SECOND)
    store.write([event("STEP_VIEW", NOON + n, session_id=f"new-{n}") for n in range(5)])
    with closing(file(tmp_path / "store")) as found:
        assert found.execute("SELECT mark FROM projection").fetchone() == (1,)


def test_a_detail_is_never_behind(store: SqliteStore) -> None:
    """However many rows are, one session is told with all of its events."""
    touch(store, NOON, MANY)
    touch(store, NOON + SECOND, MANY)
    known = store.session("s-7")
    assert known is not None
    assert known.state.events == 2


def test_a_list_waits_for_few_rows(store: SqliteStore) -> None:
    """While few are behind, a list tells of all that was answered for."""
    touch(store, NOON, ROWS_AT_ONCE)
    touch(store, NOON + SECOND, ROWS_AT_ONCE)
    found = store.sessions(SessionQuery(limit=1), NOON).sessions
    assert [known.state.events for known in found] == [2]


def test_a_list_does_not_wait_for_many_rows(store: SqliteStore) -> None:
    """It lags rather than hold up the writer, until nobody waits for that."""
    touch(store, NOON, MANY)
    touch(store, NOON + SECOND, MANY)
    query = SessionQuery(limit=1)
    assert [known.state.events for known in store.sessions(query, NOON).sessions] == [1]
    rest(store)
    assert [known.state.events for known in store.sessions(query, NOON).sessions] == [2]


def test_traffic_writes_what_has_been_behind_for_a_second(
    store: SqliteStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Requests that keep coming carry the rows of others along."""
    now = monotonic()
    monkeypatch.setattr(store._behind, "_clock", lambda: now)
    touch(store, NOON, 20)
    touch(store, NOON + SECOND, 20)
    touch(store, NOON + 2 * SECOND)
    assert len(rows_behind(tmp_path / "store")) == 20
    now += 1.5
    store.write([event("STEP_VIEW", session_id="other")])
    assert rows_behind(tmp_path / "store") == []


def test_what_is_told_is_never_behind(store: SqliteStore, tmp_path: Path) -> None:
    """A status that was told outside stands in the row at once: nobody is told of it twice."""
    touch(store, NOON)
    store.write([event("FINAL_PAGE_VIEW", NOON + SECOND, session_id="s-0")])
    with closing(file(tmp_path / "store")) as found:
        assert found.execute("SELECT told FROM sessions").fetchone() == (Status.COMPLETED.value,)


def test_a_session_whose_row_looks_due_is_not(store: SqliteStore) -> None:
    """Settling goes by what the writer knows, and by the row only where that is up to date."""
    touch(store, NOON)
    touch(store, NOON + IDLE_TIMEOUT)
    assert store.settle(NOON + IDLE_TIMEOUT + 2 * MINUTE, 10) == 0
    assert store.settle(NOON + 2 * IDLE_TIMEOUT + QUIET + SECOND, 10) == 1


def test_what_failed_is_not_remembered(store: SqliteStore, tmp_path: Path) -> None:
    """A transaction that is rolled back leaves the sessions as they were, and a retry is new."""
    touch(store, NOON)

    def fail(_: Change) -> Followup:
        raise StoreUnavailableError("full")

    store.follow(fail)
    with pytest.raises(StoreUnavailableError):
        touch(store, NOON + SECOND)
    known = store.session("s-0")
    assert known is not None
    assert known.state.events == 1
    store.follow(lambda _: Followup(Tally()))
    touch(store, NOON + SECOND)
    known = store.session("s-0")
    assert known is not None
    assert known.state.events == 2
    rest(store)
    assert rows_behind(tmp_path / "store") == []


def test_the_numbers_of_erased_events_may_come_again(store: SqliteStore, tmp_path: Path) -> None:
    """What takes the place of erased events is folded after a kill, too."""
    touch(store, NOON, 2)
    store.forget(Subject("session_id", "s-1"), "ann", NOON, 10)
    exhaust("what is left to erase", lambda: store.erase(NOON, 100))
    touch(store, NOON + SECOND)
    left = killed(tmp_path / "store", tmp_path / "left")
    assert rows_behind(left) == ["s-0"]
    opened(left).close()
    assert rows_behind(left) == []


def test_who_was_named_last_is_found_to_be_erased(store: SqliteStore) -> None:
    """An erasure asks for a person whose name has not come into the row yet."""
    touch(store, NOON, MANY)
    touch(store, NOON + SECOND, MANY, user_id="u")
    assert store.forget(Subject("user_id", "u"), "ann", NOON, 10_000).sessions == MANY


def test_a_period_that_begins_finds_its_sessions(store: SqliteStore, tmp_path: Path) -> None:
    """How long sessions are kept is counted anew for rows that are behind, too."""
    touch(store, NOON)
    touch(store, NOON + SECOND, project_id="acme")
    assert store.choose_period("acme", 180, "ann", NOON - SECOND)
    touch(store, NOON + 2 * SECOND)
    rest(store)
    assert rows_behind(tmp_path / "store") == []


def test_a_quiet_collector_writes_the_rows_by_itself(store: SqliteStore, tmp_path: Path) -> None:
    """Nothing has to come in for the rows to be written."""

    def decode(_: bytes, received: int) -> Decoded:
        return Decoded(events=[event("STEP_VIEW", received, session_id="s-0")])

    ingest = Ingest(store, 1_000_000)
    try:
        for n in range(3):
            ingest.submit(decode, b"", NOON + n).result(timeout=10)
        wait_until("the row to be written", lambda: rows_behind(tmp_path / "store") == [])
        with closing(file(tmp_path / "store")) as found:
            assert found.execute("SELECT mark FROM projection").fetchone() == (3,)
    finally:
        ingest.close()


def test_one_event_twice_in_one_request(store: SqliteStore) -> None:
    """Of two records with one id the first is kept, also beside others that are new."""
    same: dict[str, Any] = {"event_id": b"12345678"}
    written: list[Event] = [event("STEP_VIEW", NOON, **same), event("PAGE_HIDDEN", NOON, **same)]
    assert store.write([*written, event("STEP_VIEW", NOON + 1)]).new == 2
    assert [one.name for one in store.events(written[0].session_id)] == ["STEP_VIEW", "STEP_VIEW"]
