"""The roles that the compose stack makes in its database, on a real server."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from tests.support.events import IDLE_TIMEOUT, event
from tests.support.postgresql import PASSWORD, Server, running_server
from tests.support.waiting import PATIENCE

from journeytrace.catalogue import builtin_catalogue
from journeytrace_collector.store.postgresql import PostgresqlStore

ROLES = Path(__file__).parents[1] / "dashboards/provisioning/postgresql/roles.sh"
COLLECTOR, READER = "a-password'of the\\collector", "a-password'of the\\reader"


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """Give a server as its image leaves it once the script has run."""
    with running_server(user="postgres") as server:
        server.execute("CREATE DATABASE journeytrace")
        variables = {
            "POSTGRES_USER": "postgres",
            "POSTGRES_DB": "journeytrace",
            "COLLECTOR_POSTGRESQL_PASSWORD": COLLECTOR,
            "GRAFANA_POSTGRESQL_PASSWORD": READER,
            "PGHOST": str(server.folder),
            "PGPASSWORD": PASSWORD,
        }
        subprocess.run(
            ["sh", str(ROLES)],
            env=os.environ | variables,
            check=True,
            capture_output=True,
            timeout=PATIENCE,
        )
        yield server


@pytest.fixture(scope="module")
def store(server: Server) -> Iterator[PostgresqlStore]:
    """Give a store as the collector of the stack opens it, with one session."""
    url = conninfo(server, "journeytrace", COLLECTOR)
    store = PostgresqlStore(url, builtin_catalogue(), IDLE_TIMEOUT, collector_id="compose")
    store.write([event("STEP_VIEW")])
    yield store
    store.close()


def conninfo(server: Server, user: str, password: str) -> str:
    """Give where the stack's database is, for one of its roles."""
    return psycopg.conninfo.make_conninfo(
        host=str(server.folder), dbname="journeytrace", user=user, password=password
    )


@pytest.fixture
def reader(server: Server, store: PostgresqlStore) -> Iterator[psycopg.Connection[tuple[object]]]:
    """Give a connection as Grafana has it, once a collector has started."""
    assert store.outbox() == {}
    with psycopg.connect(conninfo(server, "journeytrace_reader", READER)) as connection:
        yield connection


def test_the_collector_is_no_superuser(server: Server, store: PostgresqlStore) -> None:
    """It owns its database, and may do nothing to the server or to other roles."""
    assert store.write([event("STEP_VIEW", 5)]).new == 1
    sql = (
        "SELECT rolsuper, rolcreaterole, rolcreatedb, rolreplication, rolbypassrls"
        " FROM pg_roles WHERE rolname = 'journeytrace'"
    )
    assert server.execute(sql) == [(False,) * 5]


def test_the_reader_reads_the_views(reader: psycopg.Connection[tuple[object]]) -> None:
    """What Grafana shows comes from them, and the API's rows are there."""
    assert reader.execute("SELECT count(*) FROM journey_sessions").fetchone() == (1,)


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM sessions",
        "CREATE TABLE mine (n int)",
        "CREATE TEMP TABLE mine (n int)",
        "SELECT lo_create(0)",
        "SELECT lo_from_bytea(0, 'x')",
        "SELECT pg_advisory_lock(1)",
        "SELECT pg_try_advisory_xact_lock_shared(1, 2)",
        "LOCK TABLE journey_sessions IN SHARE MODE",
        "ALTER ROLE journeytrace_reader CONNECTION LIMIT 1000",
        "SET ROLE journeytrace",
    ],
)
def test_the_reader_may_do_nothing_else(
    reader: psycopg.Connection[tuple[object]], sql: str
) -> None:
    """Not even once it has lifted the default that it only reads."""
    reader.execute("SET default_transaction_read_only = off")
    reader.commit()
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        reader.execute(sql.encode())
