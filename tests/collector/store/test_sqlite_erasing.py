"""After an erasure on request no file of the data folder holds what was erased."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from tests.support.events import IDLE_TIMEOUT, NOON, event
from tests.support.waiting import exhaust

from journeytrace.catalogue import builtin_catalogue
from journeytrace.identity import trace_id
from journeytrace_collector.core.change import Change, Exemplar, Followup, Parcel, Tally
from journeytrace_collector.store import Erased, SqliteStore, Subject, sqlite_erasing
from journeytrace_collector.store.migrations import steps
from journeytrace_collector.store.sqlite import FILE_NAME

PEOPLE = 200
ROUNDS = 6
_rng = random.Random(1)
MARKS = [f"{_rng.getrandbits(64):016x}" for _ in range(PEOPLE)]


def follow(change: Change) -> Followup:
    """Let parcels of all sizes leave, of a session and of none, and keep an exemplar."""
    tally, parcels = Tally(), []
    for session in change.sessions:
        session_id = session.after.session_id
        tally.exemplars["s", (session_id[-1],)] = Exemplar(trace_id(session_id).hex(), 1, 1)
        payload = f"{session_id}{'q' * _rng.randrange(6_000)}{session_id}".encode()
        parcels.append(Parcel("a", payload, session_id))
        parcels.append(Parcel("b", payload))
    return Followup(tally, parcels)


def opened(folder: Path) -> SqliteStore:
    """Open a store in `folder`."""
    return SqliteStore(folder, builtin_catalogue(), IDLE_TIMEOUT)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    """Give a store in which many sessions have grown side by side, with much that has left."""
    _rng.seed(2)
    made = opened(tmp_path)
    made.follow(follow)
    sent = [(n + _rng.random() * 3, mark) for n in range(ROUNDS) for mark in MARKS]
    for number, (_, mark) in enumerate(sorted(sent)):
        metadata = f'{{"m":"{mark}{"x" * _rng.randrange(3_000)}"}}'
        email = f"{mark}@example.com" if number % 2 else None
        made.write(
            [
                event(
                    "STEP_VIEW",
                    NOON + number,
                    session_id=f"session-{mark}",
                    user_id=f"user-{mark}",
                    email=email,
                    metadata=metadata,
                )
            ]
        )
        if number % 10 == 0:
            made.delivered([row.id for row in made.waiting("b", 100)])
            made.delivered([row.id for row in made.waiting("a", 5)])
    made.delivered([row.id for row in made.waiting("b", 100)])
    made.park(made.waiting("a", 1)[0].id, "no")
    yield made
    with suppress(OSError):
        made.close()  # unless the test has


def found(folder: Path, marks: list[str]) -> set[str]:
    """Give those of the marks that any file of the folder holds, as they are or as trace id."""
    texts = {mark: (mark.encode(), trace_id(f"session-{mark}").hex().encode()) for mark in marks}
    files = [path.read_bytes() for path in folder.iterdir()]
    return {
        mark for mark, each in texts.items() if any(text in file for text in each for file in files)
    }


def erase(store: SqliteStore, subject: Subject) -> None:
    """Erase on request, with all that follows."""
    assert store.forget(subject, "admin", NOON, 100) == Erased(1, ROUNDS)
    assert store.scrub() is False
    exhaust("erasing", lambda: store.erase(NOON, 100))


def test_no_file_holds_what_was_erased(store: SqliteStore, tmp_path: Path) -> None:
    """Neither database nor log holds an id, address, metadata, payload or trace id any more."""
    gone, stays = MARKS[:40], MARKS[40:]
    assert found(tmp_path, MARKS) == set(MARKS)
    for number, mark in enumerate(gone):
        subjects = (
            Subject("session_id", f"session-{mark}"),
            Subject("user_id", f"user-{mark}"),
            Subject("email", f"{mark}@EXAMPLE.com"),
        )
        erase(store, subjects[number % 3])
    assert store.scrub() is True
    assert found(tmp_path, gone) == set()
    assert found(tmp_path, stays) == set(stays)
    assert len(store.events(f"session-{stays[0]}")) == ROUNDS


def test_a_large_database_is_not_written_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There the pages that parcels and events have left are written over, in steps."""
    monkeypatch.setattr(sqlite_erasing, "SMALL", 0)
    monkeypatch.setattr(sqlite_erasing, "PAGES_AT_ONCE", 3)
    store = opened(tmp_path)
    store.follow(follow)
    for mark in MARKS[:20]:
        metadata = f'{{"m":"{mark * 1_000}"}}'
        store.write([event("STEP_VIEW", session_id=f"session-{mark}", metadata=metadata)])
    for destination in ("a", "b"):
        store.delivered([row.id for row in store.waiting(destination, 100)])
    for mark in MARKS[:20]:
        assert store.forget(Subject("session_id", f"session-{mark}"), "admin", NOON, 9).sessions
    exhaust("erasing", lambda: store.erase(NOON, 100))
    assert found(tmp_path, MARKS[:20])
    assert store.scrub() is True
    assert found(tmp_path, MARKS[:20]) == set()
    store.close()


def test_a_reader_only_puts_it_off(store: SqliteStore, tmp_path: Path) -> None:
    """While somebody reads an older state the log cannot be emptied; later it is."""
    reader = sqlite3.connect(tmp_path / FILE_NAME, isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("SELECT 1 FROM sessions").fetchone()
    erase(store, Subject("session_id", f"session-{MARKS[0]}"))
    assert store.scrub() is False
    reader.close()
    assert store.scrub() is True
    assert found(tmp_path, MARKS[:1]) == set()


def test_it_stays_due_over_a_restart(store: SqliteStore, tmp_path: Path) -> None:
    """A collector that ends before the disk was seen to does so when it is back."""
    assert store.forget(Subject("session_id", f"session-{MARKS[0]}"), "admin", NOON, 9).sessions
    store.close()
    again = opened(tmp_path)
    exhaust("erasing", lambda: again.erase(NOON, 100))
    assert again.scrub() is True
    assert found(tmp_path, MARKS[:1]) == set()
    again.close()


def test_a_store_of_before_knows_every_value_that_was_carried(tmp_path: Path) -> None:
    """The step that adds the table of former values fills it from the events that are stored."""
    connection = sqlite3.connect(tmp_path / FILE_NAME)
    for step in steps("sqlite")[:2]:
        connection.executescript(step)
    connection.execute("PRAGMA user_version = 2")
    connection.execute(
        "INSERT INTO sessions (no, session_id, state, last_event, idle_at, user_id, email,"
        " created_at, expires_at, phase, told, arrived_at)"
        """ VALUES (1, 's', '{"events": 2}', 'E', 0, 'new', 'new@x', 0, 0, 'OPEN', 'x', 0)"""
    )
    for event_id, value in ((b"1", "old"), (b"2", "new")):
        connection.execute(
            "INSERT INTO events (session_no, event_id, name, source, impact, at, duration,"
            " received, user_id, email, metadata)"
            " VALUES (1, ?, 'E', 'BE', 'NONE', 0, 0, 0, ?, ?, '{}')",
            (event_id, value, f"{value}@x"),
        )
    connection.commit()
    connection.close()
    store = opened(tmp_path)
    for subject in (
        Subject("user_id", "old"),
        Subject("email", "OLD@x"),
        Subject("email", "new@x"),
    ):
        assert store.erasable(subject) == Erased(1, 2)
    store.close()
