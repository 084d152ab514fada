"""A store that an earlier version wrote is brought up to date and goes on."""

from __future__ import annotations

import gzip
import json
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, Final

import msgspec
import pytest
from tests.support.events import IDLE_TIMEOUT, SECOND, done, event
from tests.support.postgresql import PASSWORD, Server, running_server

from journeytrace.catalogue import builtin_catalogue
from journeytrace.conventions import Impact
from journeytrace.identity import support_code, trace_id
from journeytrace_collector.core.derive import QUIET, summary
from journeytrace_collector.core.marks import OneEvent
from journeytrace_collector.core.sessionize import fold
from journeytrace_collector.errors import StartError
from journeytrace_collector.store import SessionQuery, SqliteStore, Store
from journeytrace_collector.store.base import TaskQuery
from journeytrace_collector.store.migrations import pending_steps, steps
from journeytrace_collector.store.migrations.refold import LACKING
from journeytrace_collector.store.postgresql import PostgresqlStore
from journeytrace_collector.store.sqlite import FILE_NAME

WRITTEN: Final = Path(__file__).parents[2] / "data" / "stores"
"""Stores of 12 demo journeys with 3 parcels that wait, and what their API said of them."""


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """Give a running PostgreSQL."""
    with running_server() as server:
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def written(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Store, list[Any]]]:
    """Give a store that schema 1 wrote, opened now, and what was said of its sessions then."""
    catalogue = builtin_catalogue()
    store: Store
    if request.param == "sqlite":
        data = gzip.decompress((WRITTEN / "schema-1.sqlite.gz").read_bytes())
        (tmp_path / FILE_NAME).write_bytes(data)
        store = SqliteStore(tmp_path, catalogue, IDLE_TIMEOUT)
        said = (WRITTEN / "schema-1.sqlite.json").read_text("utf-8")
    else:
        url = request.getfixturevalue("server").empty()
        subprocess.run(
            ["psql", "-q", "-v", "ON_ERROR_STOP=1", url],
            input=gzip.decompress((WRITTEN / "schema-1.sql.gz").read_bytes()),
            env={"PGPASSWORD": PASSWORD, "PATH": "/usr/bin:/bin"},
            check=True,
            capture_output=True,
            timeout=60,
        )
        store = PostgresqlStore(url, catalogue, IDLE_TIMEOUT, collector_id="one")
        said = (WRITTEN / "schema-1.sql.json").read_text("utf-8")
    yield store, json.loads(said)["sessions"]
    store.close()


def test_every_session_is_what_it_was(written: tuple[Store, list[Any]]) -> None:
    """The list says of each session what it said before, but for the clock's share."""
    store, said = written
    page = store.sessions(SessionQuery(limit=100), 0)
    found = [
        msgspec.to_builtins(summary(k.state, 0, IDLE_TIMEOUT, k.settled_at, k.revision))
        for k in page.sessions
    ]
    clocked = {"status", "expires_at", "retention_days"}
    for mine, theirs in zip(found, said, strict=True):
        # What a summary has gained since, that program could not say.
        assert {k: mine[k] for k in theirs if k not in clocked} == {
            k: v for k, v in theirs.items() if k not in clocked
        }


def test_every_state_equals_the_fold_of_its_events(written: tuple[Store, list[Any]]) -> None:
    """What a state remembers since is filled in from the events that are stored."""
    store, said = written
    for session in said:
        events = store.events(session["session_id"])
        known = store.session(session["session_id"])
        assert known is not None
        assert known.state == fold(events, builtin_catalogue())[known.state.session_id]


_AS_BEFORE = f"""
DROP TABLE tasks;
DROP TABLE invitations;
DROP TABLE projection;
DROP TABLE violations;
DROP INDEX sessions_violates;
ALTER TABLE sessions DROP COLUMN violates;
DROP INDEX sessions_idle;
DROP INDEX sessions_pending;
DROP INDEX sessions_quiet;
ALTER TABLE sessions DROP COLUMN idle_minute;
ALTER TABLE sessions DROP COLUMN arrived_minute;
CREATE INDEX sessions_idle ON sessions (idle_at) WHERE phase = 'OPEN';
CREATE INDEX sessions_pending ON sessions (idle_at, arrived_at) WHERE pending = 'IDLE';
CREATE INDEX sessions_quiet ON sessions (arrived_at) WHERE pending = 'QUIET';
PRAGMA user_version = {LACKING - 1};
"""


def test_what_old_sessions_ask_for_is_listed(tmp_path: Path) -> None:
    """A hold of before there were tasks is one as soon as the store is opened."""
    catalogue = builtin_catalogue()
    first = SqliteStore(tmp_path, catalogue, IDLE_TIMEOUT)
    first.write([event("PENDING", reason="FACE_AGENT_REVIEW")])
    (before,) = first.tasks(TaskQuery())
    first.close()
    with closing(sqlite3.connect(tmp_path / FILE_NAME)) as file:
        file.executescript(_AS_BEFORE)
    again = SqliteStore(tmp_path, catalogue, IDLE_TIMEOUT)
    assert again.tasks(TaskQuery()) == [before]
    again.close()


def test_of_older_counters_nobody_knows_the_birth(written: tuple[Store, list[Any]]) -> None:
    """They are there with their values; a timestamp that was made up would be a false rise."""
    counters = written[0].counters()
    assert any(counters.rises.values())
    assert counters.born == {}


def test_every_session_is_found_by_what_is_new_since(written: tuple[Store, list[Any]]) -> None:
    """Support code, reason, error code and what an event was like are filled in for old ones."""
    store, said = written

    def found(**asked: Any) -> list[str]:
        page = store.sessions(SessionQuery(limit=100, **asked), 0)
        return sorted(known.state.session_id for known in page.sessions)

    def having(field: str, value: object) -> list[str]:
        return sorted(one["session_id"] for one in said if one[field] == value)

    for session in said:
        code = support_code(trace_id(session["session_id"]))
        assert found(search=code, fields=("support_code",)) == [session["session_id"]]
        assert found(reason=session["reason"] or "") == having("reason", session["reason"])
        code = session["last_error_code"]
        assert found(error_code=code or "") == having("last_error_code", code)
    for impact in (Impact.RETAKE, Impact.BLOCKED):
        wanted = sorted(one["session_id"] for one in said if one["impacts"][impact])
        assert found(event=OneEvent(impact=impact)) == wanted


def test_what_was_open_settles_and_what_waits_is_delivered(
    written: tuple[Store, list[Any]],
) -> None:
    """Only the sessions that had not settled do so now, and no parcel is lost."""
    store, said = written
    still_open = [s["session_id"] for s in said if s["settled_at"] is None]
    assert still_open
    newest = max(e.received for s in said for e in store.events(s["session_id"]))
    assert store.settle(newest + IDLE_TIMEOUT + QUIET + SECOND, 100) == len(still_open)
    assert len(store.waiting("otlp", 10)) == 3
    assert store.write([event("STEP_VIEW", newest + SECOND)]).new == 1


def test_a_person_decides_on_an_old_session(written: tuple[Store, list[Any]]) -> None:
    """One that had settled is told again because of a verdict, and is else what it was."""
    store, said = written
    old = next(s for s in said if s["settled_at"] is not None and s["decision"] == "REJECTED")
    newest = max(e.received for s in said for e in store.events(s["session_id"]))
    store.settle(newest + IDLE_TIMEOUT + QUIET + SECOND, 100)
    at = newest + 2 * IDLE_TIMEOUT
    store.write([done("VERDICT_APPROVED", at, session_id=old["session_id"])])
    assert store.settle(at, 100) == 1
    known = store.session(old["session_id"])
    assert known is not None
    assert known.revision == old["revision"] + 1
    found = summary(known.state, at, IDLE_TIMEOUT)
    assert (found.decided_by, found.automatic_decision) == ("ann", "REJECTED")
    assert (found.events, found.last_event) == (old["events"], old["last_event"])


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_a_later_schema_is_left_alone(database: str) -> None:
    """A version that is not known yet is refused with what to do."""
    known = len(steps(database))
    assert pending_steps(database, known, "here") == []
    with pytest.raises(StartError, match=r"here: .* later version .* restore a copy"):
        pending_steps(database, known + 1, "here")
