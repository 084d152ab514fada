"""The list query is answered from indexes alone, whatever the filters."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from itertools import product

import pytest
from tests.support.events import IDLE_TIMEOUT, NOON

from journeytrace.conventions import Decision, Status
from journeytrace_collector.store import SessionQuery
from journeytrace_collector.store.base import SEARCH_FIELDS
from journeytrace_collector.store.listing import Sql, narrow, page
from journeytrace_collector.store.migrations import steps


@pytest.fixture
def database() -> Iterator[sqlite3.Connection]:
    """Give an empty database with the store's tables."""
    connection = sqlite3.connect(":memory:")
    connection.executescript(";".join(steps("sqlite")))
    yield connection
    connection.close()


def plan(database: sqlite3.Connection, sql: Sql) -> list[str]:
    """Give the steps by which SQLite would answer."""
    return [row[3] for row in database.execute(f"EXPLAIN QUERY PLAN {sql.text}", sql.values)]


QUERIES = [
    SessionQuery(
        status=status, decision=decision, since=since, until=NOON, search=search, after=after
    )
    for status, decision, since, search, after in product(
        [None, *Status], [None, Decision.REJECTED], [None, 1], [None, "ann"], [None, (NOON, 7)]
    )
]


@pytest.mark.parametrize("query", QUERIES, ids=range(len(QUERIES)))
def test_walking_neither_scans_the_table_nor_sorts(
    database: sqlite3.Connection, query: SessionQuery
) -> None:
    """The page comes off one index that is ordered by creation, without a sort."""
    steps = plan(database, page(query, NOON, IDLE_TIMEOUT, None))
    assert len(steps) == 1
    assert "USING INDEX sessions_" in steps[0]


@pytest.mark.parametrize("field", SEARCH_FIELDS)
def test_searching_reads_one_range_of_an_index(database: sqlite3.Connection, field: str) -> None:
    """A search for a beginning reads that range of the field's own covering index."""
    (sql,) = narrow(SessionQuery(search="ann", fields=(field,)), NOON, IDLE_TIMEOUT)
    (step,) = plan(database, sql)
    assert (
        f"SEARCH sessions USING COVERING INDEX sessions_{field} ({field}>? AND {field}<?)" in step
    )


@pytest.mark.parametrize("status", [Status.IN_PROGRESS, Status.DROPPED])
def test_the_clock_reads_one_range_of_an_index(
    database: sqlite3.Connection, status: Status
) -> None:
    """What is in progress or dropped now is one range of the idle clock's index."""
    (sql,) = narrow(SessionQuery(status=status), NOON, IDLE_TIMEOUT)
    (step,) = plan(database, sql)
    assert "SEARCH sessions USING INDEX sessions_idle (idle_at" in step


def test_few_rows_are_fetched_by_number(database: sqlite3.Connection) -> None:
    """A narrow query's rows are looked up one by one and not found by a scan."""
    query = SessionQuery(search="ann")
    (few,) = narrow(query, NOON, IDLE_TIMEOUT)
    steps = plan(database, page(query, NOON, IDLE_TIMEOUT, few))
    assert steps[0] == "SEARCH sessions USING INTEGER PRIMARY KEY (rowid=?)"
    assert not any(step.startswith("SCAN") for step in steps)
