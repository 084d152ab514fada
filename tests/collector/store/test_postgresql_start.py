"""What is PostgreSQL's alone: starting, migrations, losing the server, the reading role."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

import psycopg
import pytest
from tests.support.events import IDLE_TIMEOUT, event
from tests.support.postgresql import PASSWORD, Server
from tests.support.waiting import join

from journeytrace.catalogue import builtin_catalogue
from journeytrace_collector.errors import StartError, StoreUnavailableError
from journeytrace_collector.store.postgresql import PostgresqlStore
from journeytrace_collector.store.postgresql_connections import place

Open = Callable[..., PostgresqlStore]


def start(url: str, name: str = "one") -> None:
    """Open a store and close it."""
    PostgresqlStore(url, builtin_catalogue(), IDLE_TIMEOUT, collector_id=name).close()


def test_starters_that_race_make_the_tables_once(server: Server, open_store: Open) -> None:
    """Several collectors that start on an empty database at once all start."""
    url = server.empty()
    failures: list[BaseException] = []

    def run(name: str) -> None:
        try:
            start(url, name)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=run, args=(f"c-{n}",), daemon=True) for n in range(4)]
    for thread in threads:
        thread.start()
    join(*threads)
    assert failures == []
    assert open_store("later", url).write([event("STEP_VIEW")]).new == 1


def test_a_later_schema_is_refused(server: Server, url: str) -> None:
    """A database that a later version has migrated is not touched."""
    server.execute("UPDATE settings SET value = 99 WHERE name = 'schema_version'", url)
    with pytest.raises(StartError, match="later version"):
        start(url)


@pytest.mark.parametrize(
    "broken",
    [
        "postgresql://journeytrace:{password}@127.0.0.1:1/jt",
        "postgresql://nobody:{password}@/postgres?host={folder}",
        "postgresql://journeytrace:{password}@/no_such_database?host={folder}",
        "postgresql://journeytrace:{password}@[::1/jt",
        "postgresql://journeytrace:{password}%zz@/jt",
        "postgresql://journeytrace:{password}@/jt?no_such_option=1",
    ],
)
def test_a_server_that_cannot_be_used_is_told_in_one_line(server: Server, broken: str) -> None:
    """Starting fails with one line that does not hold the password."""
    url = broken.format(password=PASSWORD, folder=server.folder)
    with pytest.raises(StartError) as raised:
        start(url)
    message = str(raised.value)
    assert message.startswith("store: ")
    assert "\n" not in message
    assert PASSWORD not in message


def test_the_place_of_a_store_is_told_without_its_password() -> None:
    """What is logged names server and database."""
    url = f"postgresql://me:{PASSWORD}@db.example:6432/journeys?sslmode=require&password={PASSWORD}"
    assert place(url) == "postgresql://db.example:6432/journeys"


def test_a_name_is_taken_by_one_collector_at_a_time(open_store: Open) -> None:
    """A second collector of the same name is refused; once the first is gone it may start."""
    first = open_store("same")
    with pytest.raises(StartError, match="another collector named same"):
        open_store("same")
    assert first.write([event("STEP_VIEW")]).new == 1
    first.close()
    open_store("same")


def test_a_restart_of_the_server_is_survived(server: Server, open_store: Open) -> None:
    """While the server is away nothing is taken; when it is back all goes on by itself."""
    store = open_store("one")
    store.write([event("STEP_VIEW")])
    assert store.outbox() == {}
    server.stop("immediate")
    try:
        for call in (lambda: store.write([event("STEP_VIEW", 5)]), store.outbox):
            with pytest.raises(StoreUnavailableError) as raised:
                call()
            assert "\n" not in str(raised.value)
    finally:
        server.start()
    assert store.outbox() == {}
    assert store.write([event("STEP_VIEW", 5)]).new == 1
    assert len(store.events(event("STEP_VIEW").session_id)) == 2


def test_a_restart_between_two_calls_goes_unnoticed_by_readers(
    server: Server, open_store: Open
) -> None:
    """A connection that died while it lay idle is replaced, not shown to the caller."""
    store = open_store("one")
    store.write([event("STEP_VIEW")])
    assert store.outbox() == {}
    server.stop()
    server.start()
    assert store.session(event("STEP_VIEW").session_id) is not None


def test_a_server_that_takes_no_writes_is_unavailable(
    server: Server, url: str, open_store: Open
) -> None:
    """While the server is read only nothing is taken, and afterwards it goes on."""
    store = open_store("one")
    database = name_of(url)
    try:
        server.execute(f"ALTER DATABASE {database} SET default_transaction_read_only = on")
        end_connections(server, url)
        with pytest.raises(StoreUnavailableError):
            store.write([event("STEP_VIEW")])
    finally:
        server.execute(f"ALTER DATABASE {database} RESET default_transaction_read_only")
    assert store.write([event("STEP_VIEW")]).new == 1


def name_of(url: str) -> str:
    """Give the name of the database at an address."""
    return url.split("/")[3].partition("?")[0]


def end_connections(server: Server, url: str) -> None:
    """Let the server end all connections to a database."""
    others = "datname = current_database() AND pid <> pg_backend_pid()"
    server.execute(
        f"SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE {others}",  # noqa: S608
        url,
    )


def test_readers_see_the_views_and_nothing_else(url: str, open_store: Open) -> None:
    """The reading role may look at the views, not at tables, and may change nothing."""
    open_store("one").write([event("STEP_VIEW", email="a@example.com")])
    with psycopg.connect(url) as connection:
        connection.execute("SET ROLE journeytrace_reader")
        rows = connection.execute("SELECT email, status FROM journey_sessions").fetchall()
        assert rows == [("a@example.com", "DROPPED")]
        assert len(connection.execute("SELECT * FROM journey_events").fetchall()) == 1
        for sql in ("SELECT * FROM sessions", "DELETE FROM journey_sessions"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege), connection.transaction():
                connection.execute(sql)


def test_a_user_that_may_make_no_role_starts_with_one_warning(
    server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    """Where the reading role is missing and cannot be made, collecting goes on all the same."""
    url = server.empty()
    database = name_of(url)
    server.execute(f"CREATE ROLE modest LOGIN PASSWORD '{PASSWORD}'")
    server.execute(f"ALTER DATABASE {database} OWNER TO modest")
    server.execute("ALTER ROLE journeytrace_reader RENAME TO hidden")
    try:
        with caplog.at_level(logging.WARNING):
            start(url.replace("//journeytrace:", "//modest:"))
    finally:
        server.execute("ALTER ROLE hidden RENAME TO journeytrace_reader")
    (record,) = caplog.records
    assert "journeytrace_reader" in record.getMessage()
