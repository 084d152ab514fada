"""Whoever reads the views cannot hold up those who write."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
from tests.support.events import IDLE_TIMEOUT, MINUTE, NOON, event
from tests.support.postgresql import PASSWORD, Server

from journeytrace_collector.core.change import Change, Followup, Parcel, Tally
from journeytrace_collector.core.retention import NS_PER_DAY
from journeytrace_collector.errors import StartError
from journeytrace_collector.store.postgresql import PostgresqlStore

Open = Callable[..., PostgresqlStore]

_MODES = (
    "ACCESS SHARE",
    "ROW SHARE",
    "ROW EXCLUSIVE",
    "SHARE UPDATE EXCLUSIVE",
    "SHARE",
    "SHARE ROW EXCLUSIVE",
    "EXCLUSIVE",
    "ACCESS EXCLUSIVE",
)
_KEYS = ("collector one", "collector two", "schema", "outbox audit")
_RELATIONS = (
    "SELECT relname FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace"
    " WHERE nspname = 'public' AND relkind IN ('r', 'v')"
)


def tell(_: Change) -> Followup:
    """Let a parcel leave with every change."""
    return Followup(Tally(), [Parcel("audit", b"news")])


@pytest.fixture(scope="module")
def grafana(server: Server) -> str:
    """Give the name of a user that may do what a reader may, as Grafana connects."""
    server.execute(f"CREATE ROLE grafana LOGIN PASSWORD '{PASSWORD}' IN ROLE journeytrace_reader")
    return "grafana"


@pytest.fixture
def reader(url: str, grafana: str) -> Iterator[psycopg.Connection[Any]]:
    """Give a connection of that user."""
    with psycopg.connect(url.replace("//journeytrace:", f"//{grafana}:")) as connection:
        yield connection


def attempt(reader: psycopg.Connection[Any], sql: str, *values: object) -> bool:
    """Run something in the transaction that is open; False: it is not allowed."""
    try:
        with reader.transaction():
            reader.execute(sql.encode(), values)
    except psycopg.errors.InsufficientPrivilege:
        return False
    return True


def take_what_it_can(server: Server, url: str, reader: psycopg.Connection[Any]) -> set[str]:
    """Take every lock there is, and keep it; give the relations that were not refused."""
    reader.execute("SET default_transaction_read_only = off")
    for key in _KEYS:
        sql = "SELECT pg_try_advisory_lock(hashtextextended('journeytrace ' || %s, 0))"
        attempt(reader, sql, key)
    names = [str(name) for (name,) in server.execute(_RELATIONS, url)]
    assert {"collectors", "settings", "sessions", "outbox", "journey_sessions"} <= set(names)
    taken = set()
    for name, mode in itertools.product(names, _MODES):
        if attempt(reader, f"LOCK TABLE {name} IN {mode} MODE NOWAIT"):
            taken.add(f"{name} {mode}")
        attempt(reader, f"TABLE {name} FOR UPDATE")
    return taken


def test_a_reader_that_takes_every_lock_it_can_stops_nobody(
    server: Server, url: str, open_store: Open, reader: psycopg.Connection[Any]
) -> None:
    """Collectors start, write, hand out, settle and erase while a reader does its worst."""
    taken = take_what_it_can(server, url, reader)
    assert taken == {"journey_events ACCESS SHARE", "journey_sessions ACCESS SHARE"}
    one, two = open_store("one"), open_store("two")
    one.follow(tell)
    assert one.write([event("STEP_VIEW")]).new == 1
    assert len(one.waiting("audit", 9)) == 1
    assert two.waiting("audit", 9) == []
    assert two.settle(NOON + IDLE_TIMEOUT + MINUTE, 9) == 1
    assert two.erase(NOON + 366 * NS_PER_DAY, 9) == 2
    with pytest.raises(StartError, match="another collector named one"):
        open_store("one")


@pytest.mark.parametrize(
    "sql",
    [
        "INSERT INTO collectors SELECT 'one', pg_backend_pid(), 10, now()",
        "SELECT * FROM collectors",
        "UPDATE settings SET value = 0",
        "DELETE FROM journey_sessions",
        "CREATE TABLE public.mine (n int)",
        "DROP VIEW journey_events",
    ],
)
@pytest.mark.usefixtures("open_store")
def test_a_reader_writes_nothing_without_its_read_only_default(
    reader: psycopg.Connection[Any], sql: str
) -> None:
    """It is rights that keep a reader from writing, not a default that it can lift."""
    reader.execute("SET default_transaction_read_only = off")
    assert not attempt(reader, sql)


def test_a_name_is_free_once_its_connection_is_gone(
    url: str, open_store: Open, grafana: str
) -> None:
    """Neither a later process with the same number nor somebody else's keeps a name."""
    open_store("one").close()
    with (
        psycopg.connect(url) as ours,
        psycopg.connect(url.replace("//journeytrace:", f"//{grafana}:")) as theirs,
    ):
        for pid in (ours.info.backend_pid, theirs.info.backend_pid):
            ours.execute("UPDATE collectors SET pid = %s WHERE name = 'one'", (pid,))
            ours.commit()
            open_store("one").close()
