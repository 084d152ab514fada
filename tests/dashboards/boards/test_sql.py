"""Every SQL query, asked of a real PostgreSQL store that holds known sessions."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest
from psycopg.rows import dict_row
from tests.support.events import IDLE_TIMEOUT, MINUTE, SECOND, event
from tests.support.postgresql import Server

from journeytrace.catalogue import builtin_catalogue
from journeytrace.identity import support_code, trace_id
from journeytrace_collector.insight.rule_file import rules_of
from journeytrace_collector.store.postgresql import PostgresqlStore
from journeytrace_dashboards.check import SAMPLE_VALUES, all_queries, sql_problems
from journeytrace_dashboards.queries import Query, substituted
from journeytrace_dashboards.session_detail import NO_TRACE

SQL = [query for query in all_queries() if query.kind == "sql"]
UUID = "018f3b5e-0000-7000-8000-000000000001"
CODE = support_code(trace_id(UUID))
EVERY: dict[str, str | list[str]] = {
    "__from": "2020-01-01T00:00:00Z",
    "__to": "2090-01-01T00:00:00Z",
    "project": ["acme", "globex", "(none)"],
    "search": "",
    "error_code": "",
    "stage": "",
    "rule": "",
    "event": "",
    "impact": "any",
}
RULE = '[rules.never-rejected]\nmeaning = "x"\nforbids = { decision = "REJECTED" }'
RULES = rules_of(RULE, "", builtin_catalogue())
Row = dict[str, Any]


@pytest.fixture(scope="module")
def database(postgresql: Server) -> str:
    """Four sessions, one of each status; as a reader who may see the views alone."""
    url = postgresql.fresh()
    now = time.time_ns()
    old = now - 2 * IDLE_TIMEOUT
    store = PostgresqlStore(url, builtin_catalogue(), IDLE_TIMEOUT, rules=RULES, collector_id="one")
    mail = "O'Neil@Example.com"
    who = {"project_id": "acme", "user_id": "u-1", "email": mail, "submission_id": "sub-1"}
    rejected = {"source": "BE", "reason": "SELFIE_DUPLICATE"}
    retake = {"result": "FAIL", "impact": "RETAKE", "error_code": "QS-10001", "duration": SECOND}
    store.write(
        [
            event("SESSION_CREATED", old, session_id=UUID, **who),
            event("STEP1_ENTERED", old + SECOND, session_id=UUID),
            event(
                "ID_RECOGNITION", old + 2 * SECOND, session_id=UUID, metadata='{"n":0}', **retake
            ),
            event("REJECTED", old + 3 * SECOND, session_id=UUID, **rejected),
            event("FINAL_PAGE_VIEW", old + 4 * SECOND, session_id=UUID),
            event("STEP_VIEW", old + MINUTE, session_id="dropped", project_id="globex"),
            event("STEP_VIEW", now, session_id="open", user_id="u_1%"),
            event("ERROR_PAGE_VIEWED", now - MINUTE, session_id="failed", error_code="ER001"),
        ]
    )
    store.settle(now, 10)
    store.close()
    postgresql.execute("DROP ROLE IF EXISTS dashboards")
    postgresql.execute("CREATE ROLE dashboards LOGIN PASSWORD 'read' IN ROLE journeytrace_reader")
    name = urlsplit(url).path.removeprefix("/")
    return postgresql.url(name, "dashboards", "read")


def ask(database: str, place: str, **values: Any) -> list[Row]:
    """Ask as Grafana does."""
    [query] = [query for query in SQL if query.place == place]
    text = substituted(query, SAMPLE_VALUES | EVERY | values)
    with psycopg.connect(database, row_factory=dict_row) as connection:
        return connection.execute(text.encode()).fetchall()


def listed(database: str, **values: Any) -> list[str]:
    """Give the ids on the list."""
    return [row["session_id"] for row in ask(database, "Sessions: Sessions (A)", **values)]


def test_every_query_can_be_prepared(database: str) -> None:
    """By a role that may read the two views and nothing else."""
    assert list(sql_problems(database)) == []


def test_an_empty_database_can_be_asked(postgresql: Server) -> None:
    """All projects are those that there are to choose: with none, the list would ask IN ()."""
    url = postgresql.fresh()
    PostgresqlStore(url, builtin_catalogue(), IDLE_TIMEOUT, collector_id="one").close()
    projects = [str(*row.values()) for row in ask(url, "Sessions: variable project")]
    assert projects == ["(none)"]
    assert ask(url, "Sessions: Found (A)", project=projects)[0]["Found"] == 0
    assert ask(url, "Sessions: Sessions (A)", project=projects) == []


def test_a_faulty_query_is_told(postgresql: Server) -> None:
    """Here all of them: the database has no views."""
    assert len(list(sql_problems(postgresql.empty()))) == len(SQL)


@pytest.mark.parametrize("query", SQL, ids=lambda query: query.place)
def test_every_query_is_answered(database: str, query: Query) -> None:
    """For the session that finished, no panel stays empty."""
    assert ask(database, query.place, session=UUID)


def test_the_list_has_every_session_newest_first(database: str) -> None:
    """With its status and, beside it, its decision."""
    rows = ask(database, "Sessions: Sessions (A)")
    found = {row["session_id"]: (row["status"], row["decision"]) for row in rows}
    assert found == {
        UUID: ("COMPLETED", "REJECTED"),
        "dropped": ("DROPPED", "—"),
        "failed": ("ERROR", "—"),
        "open": ("IN_PROGRESS", "—"),
    }
    assert [*found] == ["open", "failed", "dropped", UUID]
    assert rows[0]["submission_id"] == "—"
    assert rows[3]["submission_id"] == "sub-1"


def test_the_link_of_a_row_spans_its_session(database: str) -> None:
    """A minute more on both sides, in milliseconds and as text."""
    row = ask(database, "Sessions: Sessions (A)")[-1]
    begin, end = (datetime.fromtimestamp(int(row[k]) / 1000, UTC) for k in ("from_ms", "to_ms"))
    assert (row["created_at"] - begin).total_seconds() == pytest.approx(60, abs=0.01)
    assert (end - row["last_event_at"]).total_seconds() == pytest.approx(60, abs=0.01)


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({"status": "DROPPED"}, ["dropped"]),
        ({"status": ["DROPPED", "ERROR"]}, ["failed", "dropped"]),
        ({"decision": "REJECTED"}, [UUID]),
        ({"decision": "NONE"}, ["open", "failed", "dropped"]),
        ({"project": "globex"}, ["dropped"]),
        ({"project": "(none)"}, ["open", "failed"]),
        ({"field": "email", "search": "o'neil@"}, [UUID]),
        ({"field": "email", "search": " O'NEIL@EXAMPLE "}, [UUID]),
        ({"field": "user_id", "search": "o'neil@"}, []),
        ({"field": "user_id", "search": "u_1%"}, ["open"]),
        ({"field": "session_id", "search": UUID.upper()}, [UUID]),
        ({"field": "submission_id", "search": "sub"}, [UUID]),
        ({"field": "last_event", "search": "step_view"}, ["open", "dropped"]),
        ({"field": "reason", "search": "SELFIE_DUPLICATE"}, [UUID]),
        ({"field": "last_error_code", "search": "er0"}, ["failed"]),
        ({"field": "email", "search": "' OR true --"}, []),
        ({"field": "' OR true --", "search": "x"}, []),
        ({"field": "support_code", "search": CODE.lower().replace("1", "l")}, [UUID]),
        ({"reason": "SELFIE_DUPLICATE"}, [UUID]),
        ({"reason": "(none)", "status": "ERROR"}, ["failed"]),
        ({"error_code": "ER001"}, ["failed"]),
        ({"rule": " never-rejected "}, [UUID]),
        ({"rule": "rejected"}, []),
        ({"stage": "POST"}, [UUID]),
        ({"event": "ID_RECOGNITION", "impact": "RETAKE"}, [UUID]),
        ({"event": "ID_RECOGNITION", "impact": "BLOCKED"}, []),
        ({"event": "ID_RECOGNITION", "result": "FAIL", "event_source": "BE"}, [UUID]),
        ({"event": "ERROR_PAGE_VIEWED"}, ["failed"]),
        ({"event": "ERROR_PAGE_VIEWED", "event_source": "BE"}, []),
        ({"impact": "NONE", "event": "STEP_VIEW"}, ["open", "dropped"]),
        ({"corrected": "yes"}, []),
        ({"project": "other"}, ["dropped", UUID]),
        ({"reason": "other"}, [UUID]),
        ({"error_code": "other"}, ["failed", UUID]),
        ({"stage": "other", "decision": "NONE"}, ["open", "dropped"]),
        ({"event": "other"}, ["open", "failed", "dropped", UUID]),
        ({"event": "other", "impact": "RETAKE"}, [UUID]),
        ({"event": "other", "impact": "BLOCKED"}, ["failed"]),
        ({"__to": "2021-01-01T00:00:00Z"}, []),
    ],
)
def test_filters_leave_what_they_name(database: str, filters: Row, expected: list[str]) -> None:
    """Whatever is typed is compared, never run; a search is about the field it names alone.

    What the figures call other, the list cannot tell apart either: it stands for any.
    """
    assert listed(database, **filters) == expected


def test_the_counts_are_those_of_the_list(database: str) -> None:
    """By status and by decision."""
    [row] = ask(database, "Sessions: Found (A)", project=["acme", "globex"])
    assert {name: count for name, count in row.items() if count} == {
        "Found": 2,
        "COMPLETED": 1,
        "DROPPED": 1,
        "REJECTED": 1,
    }


def test_the_card_sums_a_session_up(database: str) -> None:
    """With the most recent error code, the decision and its reason."""
    [row] = ask(database, "Session detail: Summary (A)", session=f" {UUID} ")
    assert row == {
        "Status": "COMPLETED",
        "Decision": "REJECTED",
        "Reason": "SELFIE_DUPLICATE",
        "Most recent error code": "QS-10001",
        "Highest stage": "POST",
        "Last event": "FINAL_PAGE_VIEW",
        "Events": "5",
        "Retries": "1",
    }


def test_the_timeline_is_in_order(database: str) -> None:
    """Both sides or one, each event with its metadata."""
    place = "Session detail: Timeline (A)"
    rows = ask(database, place, session=UUID)
    assert [row["name"] for row in rows] == [
        "SESSION_CREATED",
        "STEP1_ENTERED",
        "ID_RECOGNITION",
        "REJECTED",
        "FINAL_PAGE_VIEW",
    ]
    assert rows[2]["attributes"] == {"n": 0}
    assert rows[2]["duration_ms"] == 1000
    assert [row["duration_ms"] for row in (rows[0], *rows[3:])] == [None] * 3
    assert [row["name"] for row in ask(database, place, session=UUID, source="FE")] == [
        "FINAL_PAGE_VIEW"
    ]


@pytest.mark.parametrize(
    ("session", "trace"), [(UUID, UUID.replace("-", "")), ("", NO_TRACE), ("nobody's", NO_TRACE)]
)
def test_the_trace_is_the_session_s(database: str, session: str, trace: str) -> None:
    """Or one that nobody has, for an empty query would be an error."""
    [row] = ask(database, "Session detail: variable trace", session=session)
    assert [*row.values()] == [trace]


def test_a_search_can_use_the_index_of_its_field(postgresql: Server, database: str) -> None:
    """The branches of the other fields are gone before anything is read."""
    [query] = [query for query in SQL if query.place == "Sessions: Sessions (A)"]
    values = SAMPLE_VALUES | EVERY | {"field": "email", "search": "o'neil"}
    explain = f"EXPLAIN {substituted(query, values)}"
    with psycopg.connect(postgresql.url(urlsplit(database).path[1:])) as connection:
        # With four sessions any index will do; this is the one it must be able to use.
        connection.execute("DROP INDEX sessions_created_time")
        connection.execute("SET enable_seqscan = off")
        plan = connection.execute(explain.encode()).fetchall()
        connection.rollback()
    text = "\n".join(line for (line,) in plan)
    assert "Index Cond: ((lower(email) >= 'o''neil'" in text
    assert "lower(user_id)" not in text
