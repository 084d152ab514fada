"""How often a transaction waits for the server, and how often it moves an index."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from tempfile import TemporaryFile
from typing import Any

import psycopg
import pytest
from psycopg.rows import dict_row
from tests.collector.store.conftest import Open
from tests.support.events import IDLE_TIMEOUT, MINUTE, NOON, SECOND, done, event
from tests.support.waiting import wait_until

from journeytrace.catalogue import builtin_catalogue
from journeytrace_collector.core.change import Change, Parcel
from journeytrace_collector.core.measure import Measure
from journeytrace_collector.core.model import Event
from journeytrace_collector.health import Health
from journeytrace_collector.outbox.effects import effects
from journeytrace_collector.outbox.exporter import Exporter
from journeytrace_collector.store.base import Carried
from journeytrace_collector.store.postgresql import PostgresqlStore

MANY = 100
BARE = Carried(versions=frozenset({("web", "1.0")}))


class Telling(Exporter):
    """Lets a parcel leave for each session."""

    def parcels(self, change: Change) -> list[Parcel]:
        return [Parcel("audit", b"news", session.after.session_id) for session in change.sessions]


@pytest.fixture
def store(open_store: Open) -> PostgresqlStore:
    """Give a store that counts and tells what happens, as a collector's does."""
    store = open_store("one")
    store.follow(effects(Measure(builtin_catalogue()), {"audit": Telling()}, Health()))
    return store


@contextmanager
def waits(store: PostgresqlStore) -> Iterator[Callable[[], int]]:
    """Tell how often the writing connection has waited for an answer inside the block."""
    writer = store._connections._writer
    assert writer is not None
    with TemporaryFile() as file:
        writer.pgconn.trace(file.fileno())

        def count() -> int:
            writer.pgconn.untrace()
            file.seek(0)
            return _waits(
                re.findall(r"\tF\t\d+\t(\w+)\t?(.*)", file.read().decode(errors="replace"))
            )

        yield count
        writer.pgconn.untrace()


def _waits(sent: list[tuple[str, str]]) -> int:
    """Count the messages after which a client does not go on without an answer."""
    found, before, statement = 0, "", ""
    for kind, said in sent:
        statement = said if kind == "Parse" else statement
        # What follows BEGIN is sent with it; a Flush after a Sync asks for the same answer.
        goes_on = "BEGIN" in statement if kind == "Sync" else before == "Sync"
        found += kind in {"Query", "CopyDone"} or (kind in {"Sync", "Flush"} and not goes_on)
        before = kind
    return found


def written(store: PostgresqlStore, events: list[Event]) -> int:
    """Write events; give how often that waited."""
    with waits(store) as count:
        store.write(events, BARE)
        return count()


def journeys(sessions: int, at: int, name: str = "STEP_VIEW", first: int = 0) -> list[Event]:
    """Give an event of so many sessions."""
    numbers = range(first, first + sessions)
    return [event(name, at, session_id=f"s-{n}", user_id=f"user-{at}-{n}") for n in numbers]


def test_a_request_waits_as_often_however_many_sessions_it_has(store: PostgresqlStore) -> None:
    """New sessions, known ones, former values and parcels: one or a hundred wait five times."""
    store.write(journeys(1, NOON, first=1000), BARE)
    for sessions in (1, MANY):
        for at in (NOON, NOON + SECOND, NOON + SECOND):
            assert written(store, journeys(sessions, at)) <= 5


def test_sessions_that_begin_wait_once_more(store: PostgresqlStore) -> None:
    """What a hundred sessions that were only invited had waited for is read in one step."""
    ids = [f"s-{n}" for n in range(MANY)]
    store.write([done("SESSION_INVITED", NOON, session_id=one) for one in ids])
    assert written(store, journeys(MANY, NOON + SECOND)) <= 7


@pytest.mark.parametrize("sessions", [1, MANY])
def test_settling_waits_four_times(store: PostgresqlStore, sessions: int) -> None:
    """Looking for what is due and for its events, writing what it comes to, and the commit."""
    store.write(journeys(sessions, NOON))
    with waits(store) as count:
        assert store.settle(NOON + IDLE_TIMEOUT + MINUTE, MANY) == sessions
        assert count() <= 4


def test_events_of_a_minute_move_no_index(store: PostgresqlStore, url: str) -> None:
    """Whatever an open session looks like, its row is written anew in place, but for the first
    event of each kind and minute."""
    names = ("STEP_VIEW", "API_CALL", "PAGE_HIDDEN", "FACE_COMPARE", "ID_RECOGNITION")
    store.write([event("STEP_VIEW", NOON)])
    for second in range(1, 31):
        store.write([event(names[second % 5], NOON + second * SECOND)])
    with psycopg.connect(url, autocommit=True, row_factory=dict_row) as connection:
        sql = "SELECT n_tup_upd AS all, n_tup_hot_upd AS hot FROM pg_stat_user_tables"

        def seen() -> Any:
            connection.execute("SELECT pg_stat_clear_snapshot()")
            found = connection.execute(f"{sql} WHERE relname = 'sessions'".encode()).fetchone()
            return found if found and found["all"] == 30 else None

        store.close()
        found = wait_until("the server has counted the updates", seen)
    assert found["hot"] >= 25
