"""The views say what the API says, and lists come from indexes."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime
from itertools import product
from typing import Any

import msgspec
import psycopg
import pytest
from psycopg.rows import dict_row
from tests.support.events import IDLE_TIMEOUT, MINUTE, NOON, SECOND, SESSION, done, event

from journeytrace.conventions import PRIVATE_PREFIXES, Decision, Status
from journeytrace_collector.admin.told import told_event
from journeytrace_collector.core import derive
from journeytrace_collector.core.derive import rfc3339
from journeytrace_collector.core.model import Event
from journeytrace_collector.store import SessionQuery
from journeytrace_collector.store.base import SEARCH_FIELDS
from journeytrace_collector.store.checking import marks_of
from journeytrace_collector.store.listing import Listing
from journeytrace_collector.store.postgresql import PostgresqlStore
from journeytrace_collector.store.sql import POSTGRESQL, Sql

Open = Callable[..., PostgresqlStore]
UUID = "018f3b5e-0000-7000-8000-000000000001"


def journeys(now: int) -> list[Event]:
    """Give a session for each way to end, one of which is going on now."""
    retry = event("ID_DOCUMENT_RETRY", NOON + 3, session_id="retry", impact="RETAKE")
    return [
        event("STEP_VIEW", now - MINUTE, session_id="going-on", metadata='{"path": "/é\\n"}'),
        event("SESSION_CREATED", NOON, session_id="dropped", retention_days=90, email="A@b.c"),
        event("STEP1_ENTERED", NOON + 1_999, session_id="dropped", user_id='u"\\{1}'),
        event("SUBMISSION_CREATED", NOON + SECOND, session_id="dropped", submission_id="s,1"),
        event("ERROR_PAGE_VIEWED", NOON, session_id="error", error_code="QS-10001"),
        event("REJECTED", NOON, session_id=UUID, reason="AGE_LIMIT", project_id="NULL"),
        event("FINAL_PAGE_VIEW", NOON + SECOND, session_id=UUID, service="web", duration=1_500_000),
        done("VERDICT_APPROVED", NOON + 2 * SECOND, session_id=UUID),
        done("VERDICT_REJECTED", NOON, session_id="error", reason="Forged"),
        done("SESSION_INVITED", NOON, session_id="not-begun", user_id="u"),
        retry,
    ]


def shown(row: dict[str, Any]) -> dict[str, Any]:
    """Write the times of a row as the API does."""
    return {
        key: rfc3339(_ns(value)) if isinstance(value, datetime) else value
        for key, value in row.items()
    }


def _ns(moment: datetime) -> int:
    since = moment - datetime(1970, 1, 1, tzinfo=UTC)
    return (since.days * 86_400 + since.seconds) * SECOND + since.microseconds * 1_000


@pytest.fixture
def connection(url: str) -> Any:
    """Give a connection that gives rows by column, inside one transaction."""
    with psycopg.connect(url, row_factory=dict_row) as connection:
        yield connection


_NO_COLUMNS = (
    "why",
    "last_error_meaning",
    "last_error_page",
    "flow_id",
    "decision_confirmed",
    "proposal",
    "reason_text",
)
"""What the catalogue says, which the collector has read and no SQL knows; the flow, which is a
column of events alone; and what a person said beside a verdict."""


def test_the_view_of_sessions_says_what_a_summary_says(connection: Any, open_store: Open) -> None:
    """Each field of a summary but a few is a column with the same value."""
    now = _ns(connection.execute("SELECT now()").fetchone()["now"])
    store = open_store("one")
    store.write(journeys(now))
    store.settle(NOON + 2 * IDLE_TIMEOUT, 1)
    rows = connection.execute("SELECT * FROM journey_sessions").fetchall()
    assert len(rows) == 5
    for row in rows:
        known = store.session(row["session_id"])
        assert known is not None
        expected = derive.summary(
            known.state,
            now,
            IDLE_TIMEOUT,
            known.settled_at,
            known.revision,
            violates=known.violates,
        )
        assert shown(row) == {
            **{n: getattr(expected, n) for n in expected.__struct_fields__ if n not in _NO_COLUMNS},
            "retries": expected.impacts["RETAKE"],
            "corrected": False,
            "session_no": row["session_no"],
            "violates": marks_of(expected.violates),
        }
    assert {row["status"] for row in rows} == set(Status)


def test_the_status_in_the_view_follows_the_idle_timeout(connection: Any, open_store: Open) -> None:
    """IN_PROGRESS becomes DROPPED exactly when the timeout has passed."""
    now = _ns(connection.execute("SELECT now()").fetchone()["now"])
    idle = now - IDLE_TIMEOUT
    events = [event("STEP_VIEW", idle + n, session_id=f"s{n}") for n in (0, 1_000)]
    open_store("one").write(events)
    sql = "SELECT status FROM journey_sessions ORDER BY session_id"
    found = [row["status"] for row in connection.execute(sql)]
    assert found == ["DROPPED", "IN_PROGRESS"]


def test_the_view_of_events_says_what_the_api_says(connection: Any, open_store: Open) -> None:
    """Each field of an event is a column with the same value; attributes are JSON."""
    store = open_store("one")
    store.write(journeys(NOON))
    for session_id in ("going-on", "dropped", UUID):
        sql = "SELECT * FROM journey_events WHERE session_id = %s ORDER BY at"
        rows = connection.execute(sql, (session_id,)).fetchall()
        events = store.events(session_id)
        for row, found in zip(rows, events, strict=True):
            expected = msgspec.structs.asdict(told_event(found)) | {"session_id": session_id}
            expected["session_no"] = row["session_no"]
            for name in ("attributes", "error_meaning", "error_page", "actor", "order_certain"):
                del expected[name]
            attributes = row.pop("attributes")
            assert shown(row) == expected
            path = {"path": "/é\n"} if session_id == "going-on" else {}
            assert attributes == ({"journey.actor.id": "ann"} if found.source == "OP" else path)


def test_what_is_private_is_in_no_view(connection: Any, open_store: Open) -> None:
    """Of what was typed, read off a document or kept back the views know nothing; the API does."""
    kept = {"path": "/id", "score": 0.5, "formal": "yes"}
    private = {f"{prefix}name": "Ann" for prefix in PRIVATE_PREFIXES}
    store = open_store("one")
    store.write([event("STEP_VIEW", metadata=json.dumps(kept | private))])
    (row,) = connection.execute("SELECT attributes FROM journey_events").fetchall()
    assert row["attributes"] == kept
    (found,) = store.events(SESSION)
    assert json.loads(found.metadata) == kept | private


def test_hostile_metadata_can_be_looked_into(connection: Any, open_store: Open) -> None:
    """No escape in anybody's metadata makes a query of the views fail."""
    metadata = r'{"path":"a\u0000b","half":"\udc00\ud800x","kept":"\\u0000"}'
    store = open_store("one")
    store.write([event("STEP_VIEW", metadata=metadata), event("STEP_VIEW", NOON + 1)])
    sql = "SELECT attributes->>'path' AS path, attributes->>'kept' AS kept FROM journey_events"
    rows = connection.execute(sql + " ORDER BY at").fetchall()
    assert rows[0] == {"path": "a\ufffdb", "kept": "\\u0000"}


QUERIES = [
    SessionQuery(status=status, decision=decision, since=since, project=project, after=after)
    for status, decision, since, project, after in product(
        [None, *Status], [None, Decision.REJECTED], [None, 1], [None, "acme"], [None, (NOON, 7)]
    )
]


def plan(connection: Any, sql: Sql) -> str:
    """Give the plan for a big table: an empty one is read as it is."""
    connection.execute("SET LOCAL enable_seqscan = off")
    connection.execute("SET LOCAL enable_bitmapscan = off")
    rows = connection.execute(f"EXPLAIN {sql.text}".encode(), sql.values).fetchall()
    return "\n".join(row["QUERY PLAN"] for row in rows)


@pytest.mark.parametrize("query", QUERIES, ids=range(len(QUERIES)))
def test_walking_can_come_off_an_index_in_order(connection: Any, query: SessionQuery) -> None:
    """For each page there is an index that is ordered by creation: no sort is needed."""
    connection.execute("SET LOCAL enable_sort = off")
    listing = Listing(query, NOON, IDLE_TIMEOUT, POSTGRESQL)
    for walk in listing.walks():
        for sql in (listing.page(walk), listing.end(walk, query.after, 10)):
            steps = plan(connection, sql)
            assert re.search(r"Index (Only )?Scan Backward using sessions_", steps)
            assert "Sort" not in steps


@pytest.mark.parametrize("field", SEARCH_FIELDS)
def test_searching_reads_one_range_of_an_index(connection: Any, field: str) -> None:
    """A search for a beginning reads that range of the field's own index."""
    query = SessionQuery(search="ann", fields=(field,))
    (narrow,) = Listing(query, NOON, IDLE_TIMEOUT, POSTGRESQL).narrows()
    steps = plan(connection, narrow.sql)
    assert f"using sessions_{field} on sessions" in steps
    assert "Index Cond" in steps
    # No index holds the last event of an open session: all of these are looked at.
    scanned = re.findall(r"using (\w+) on sessions.*\n +Filter", steps)
    assert scanned == (["sessions_pending"] if field == "last_event" else [])


def test_a_time_range_of_the_view_reads_an_index(connection: Any) -> None:
    """Dashboards narrow the view down by time, which an index answers."""
    sql = "SELECT * FROM journey_sessions WHERE created_at > %s ORDER BY created_at DESC LIMIT 9"
    steps = plan(connection, Sql(sql, (datetime(2026, 6, 1, tzinfo=UTC),)))
    assert "Index Scan Backward using sessions_created_time" in steps
