"""The list query is answered from indexes alone, whatever the filters."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from itertools import product

import pytest
from tests.support.events import IDLE_TIMEOUT, NOON

from journeytrace.conventions import Decision, Impact, Result, Source, Status
from journeytrace_collector.core.marks import OneEvent
from journeytrace_collector.store import SessionQuery
from journeytrace_collector.store.base import SEARCH_FIELDS
from journeytrace_collector.store.listing import Listing, Stretch
from journeytrace_collector.store.migrations import steps
from journeytrace_collector.store.sql import Sql


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
        status=status, decision=decision, since=since, project=project, after=after, event=wanted
    )
    for status, decision, since, project, after, wanted in product(
        [None, *Status],
        [None, Decision.REJECTED],
        [None, 1],
        [None, "acme"],
        [None, (NOON, 7)],
        [None, OneEvent(corrected=True)],
    )
]
QUERIES += [SessionQuery(rule="a-rule", project=project) for project in (None, "acme")]


@pytest.mark.parametrize("query", QUERIES, ids=range(len(QUERIES)))
def test_walking_neither_scans_the_table_nor_sorts(
    database: sqlite3.Connection, query: SessionQuery
) -> None:
    """The page comes off one index that is ordered by creation, without a sort."""
    listing = Listing(query, NOON, IDLE_TIMEOUT)
    for walk in listing.walks():
        for sql in (
            listing.page(walk),
            listing.page(walk, Stretch((9, 9), (1, 1)), 5),
            listing.end(walk, query.after, 10),
        ):
            (step,) = plan(database, sql)
            assert re.search(rf"USING (COVERING )?INDEX {walk.index}\b", step)


@pytest.mark.parametrize(
    ("wanted", "columns"),
    [
        (OneEvent("A", impact=Impact.BLOCKED), "impact=? AND name=? AND session_no=?"),
        (OneEvent("A", result=Result.FAIL), "impact=? AND name=? AND session_no=? AND result=?"),
        (OneEvent("A"), "session_no=?"),
        (OneEvent(source=Source.FE, impact=Impact.BLOCKED), "session_no=?"),
    ],
    ids=str,
)
def test_a_session_s_event_is_looked_up(
    database: sqlite3.Connection, wanted: OneEvent, columns: str
) -> None:
    """While walking, an index leads to the event that is asked for, or to the session's events."""
    listing = Listing(SessionQuery(event=wanted), NOON, IDLE_TIMEOUT)
    (walk,) = listing.walks()
    assert plan(database, listing.page(walk))[-1].endswith(f"({columns})")


def test_what_stood_in_the_way_reads_an_index_alone(database: sqlite3.Connection) -> None:
    """Sessions with events that failed or had an impact come off the index of these few events."""
    for wanted in (OneEvent("A", impact=Impact.BLOCKED), OneEvent(result=Result.FAIL)):
        (narrow,) = Listing(SessionQuery(event=wanted), NOON, IDLE_TIMEOUT).narrows()
        (step,) = plan(database, narrow.sql)
        assert "SEARCH events USING COVERING INDEX events_hurdles (impact=?" in step


@pytest.mark.parametrize("field", SEARCH_FIELDS)
def test_searching_reads_one_range_of_an_index(database: sqlite3.Connection, field: str) -> None:
    """A search for a beginning reads that range of the field's own covering index."""
    (narrow,) = Listing(SessionQuery(search="ann", fields=(field,)), NOON, IDLE_TIMEOUT).narrows()
    (step,) = plan(database, narrow.sql)
    assert (
        f"SEARCH sessions USING COVERING INDEX sessions_{field} ({field}>? AND {field}<?)" in step
    )


@pytest.mark.parametrize("field", SEARCH_FIELDS)
def test_a_whole_value_is_one_place_of_an_index(database: sqlite3.Connection, field: str) -> None:
    """A search for the whole of a value reads no more than what has it."""
    query = SessionQuery(search="ABCD0123", fields=(field,), exact=frozenset({field}))
    (narrow,) = Listing(query, NOON, IDLE_TIMEOUT).narrows()
    (step,) = plan(database, narrow.sql)
    assert f"SEARCH sessions USING COVERING INDEX sessions_{field} ({field}=?)" in step


@pytest.mark.parametrize("status", [Status.IN_PROGRESS, Status.DROPPED])
def test_the_clock_reads_one_range_of_an_index(
    database: sqlite3.Connection, status: Status
) -> None:
    """What is in progress or dropped now is one range of the idle clock's index."""
    (narrow,) = Listing(SessionQuery(status=status), NOON, IDLE_TIMEOUT).narrows()
    (step,) = plan(database, narrow.sql)
    assert "SEARCH sessions USING INDEX sessions_idle (idle_minute" in step


def test_few_rows_are_fetched_by_number(database: sqlite3.Connection) -> None:
    """A narrow query's rows are looked up one by one and not found by a scan."""
    listing = Listing(SessionQuery(search="ann", project="acme"), NOON, IDLE_TIMEOUT)
    (narrow,) = listing.narrows()
    steps = plan(database, listing.sorted(narrow, [1, 2]))
    by_number = "SEARCH sessions USING INTEGER PRIMARY KEY (rowid=?)"
    assert [step for step in steps if "sessions" in step] == [by_number, by_number]


def test_a_rare_rule_is_found_by_those_who_ever_violated_it(database: sqlite3.Connection) -> None:
    """The numbers of the sessions come off the key of their table alone."""
    (narrow,) = Listing(SessionQuery(rule="a-rule"), NOON, IDLE_TIMEOUT).narrows()
    (step,) = plan(database, narrow.sql)
    assert step == "SEARCH violations USING PRIMARY KEY (rule=?)"
