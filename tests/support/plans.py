"""Every statement that a store sends to PostgreSQL, explained on tables that are not empty."""

# ruff: noqa: S608 - made of our own words

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import psycopg
import pytest
from tests.support.events import IDLE_TIMEOUT, MINUTE, NOON, done, event
from tests.support.postgresql import Server

from journeytrace.catalogue import builtin_catalogue
from journeytrace_collector.store.postgresql import PostgresqlStore
from journeytrace_collector.store.postgresql_connections import BY_KEY

__all__ = ["SMALL", "WHOLE", "Plans", "faults"]

SMALL: Final = {
    "settings": "a row a setting",
    "erasure": "one row",
    "collectors": "a row a collector",
    "retention_periods": "a few rows a project",
    "service_versions": "no more than are kept of versions",
    "counters": "a row a series",
    "exemplars": "a row a series",
    "sighted": "a row a bit of one number",
    "watermarks": "a row a partition of a log",
    "pg_authid": "the server's own",
}
"""Tables that may be read as they are, each with the reason."""
WHOLE: Final = {
    "acts_pkey": "what people did, newest first",
    "invitations_invited": "the links that there are, newest first",
    "tasks_due": "the tasks that are open, the earliest day first",
    "outbox_ready": "what waits is counted by destination, off the index alone",
    "outbox_put_off": "the same",
    "outbox_sessionless": "the same",
    "outbox_held_line": "the same",
    "outbox_parked": "the same",
    "sighted_pkey": "a row a bit of one number",
    "watermarks_pkey": "a row a partition of a log",
}
"""Indexes that may be read without a condition on them, each with the reason."""

_MADE: Final = 40
_COPIES: Final = 250
_MANY: Final = (
    "INSERT INTO digests SELECT decode(md5(n::text), 'hex'), n",
    "INSERT INTO former_values SELECT n, 'user_id', 'was-' || n",
    "INSERT INTO erasing SELECT n + 9000000",
    f"""INSERT INTO invitations
        SELECT decode(md5(n::text), 'hex'), n, n, {NOON} + (n - 2500) * {MINUTE},
        CASE WHEN n % 3 > 0 THEN n END, CASE WHEN n % 5 = 0 THEN n END""",
    "INSERT INTO acts (at, actor, act) SELECT n, 'ann', 'ERASE'",
    """INSERT INTO outbox (destination, line, at, session_id, headers, payload, reason)
        SELECT 'otlp', n, n, CASE WHEN n % 9 > 0 THEN 's-' || n END, '{}', '',
        CASE WHEN n % 7 = 0 THEN 'refused' END""",
)
# What is read as it is all the same, no index leads to. Rows cost as much as in a store that is a
# hundred times as large: to read all of them is nothing where there are few.
_READING: Final = "SET LOCAL enable_seqscan = off; SET LOCAL cpu_tuple_cost = 1"
_PASS_ON: Final = {"LockRows", "Subquery Scan", "Append", "Result", "Nested Loop", "Memoize"}
"""Steps that ask for no more rows than they are asked for."""
_KINDS: Final = re.compile(r"\s*(WITH|SELECT|INSERT|UPDATE|DELETE)\b")


class Plans:
    """Notes what is sent, and explains each statement once."""

    def __init__(self, server: Server) -> None:
        self._filled = _filled(server)
        self._explained: set[str] = set()
        self._sent: dict[str, tuple[Any, bool]] = {}

    @contextmanager
    def noting(self) -> Iterator[None]:
        """Note what is sent inside the block."""
        with pytest.MonkeyPatch.context() as patch:
            for name in ("execute", "executemany"):
                patch.setattr(psycopg.Cursor, name, self._noting(getattr(psycopg.Cursor, name)))
            yield

    def _noting(self, execute: Any) -> Any:
        several = execute.__name__ == "executemany"

        def noted(cursor: Any, query: Any, values: Any = None, **how: Any) -> Any:
            text = query.decode() if isinstance(query, bytes) else query
            rows = [values]
            if several:
                rows = values = list(values)
            if isinstance(text, str) and rows and self._is_new(cursor.connection, text):
                self._sent[text] = rows[0], cursor.connection.autocommit
            return execute(cursor, query, *(() if values is None else (values,)), **how)

        return noted

    def _is_new(self, connection: psycopg.Connection[Any], text: str) -> bool:
        if text in self._explained or text in self._sent or not _KINDS.match(text):
            return False
        # What a test does behind the store's back is its own affair.
        name = connection.info.get_parameters().get("application_name", "")
        return name.startswith("journeytrace ")

    def faults(self) -> list[str]:
        """Explain what was sent for the first time; give what is wrong with it."""
        found = []
        sent, self._sent = self._sent, {}
        self._explained.update(sent)
        if sent:
            with psycopg.connect(self._filled) as connection:
                for text, (values, reads) in sent.items():
                    settings = _READING if reads else BY_KEY
                    connection.execute(settings.encode())
                    found += [f"{fault}: {text}" for fault in faults(connection, text, values)]
                    connection.rollback()
        return found


def faults(connection: psycopg.Connection[Any], text: str, values: Any = None) -> list[str]:
    """Explain a statement; give where it reads a whole table, or a whole index of one."""
    explain = f"EXPLAIN (FORMAT JSON) {text}".encode()
    ((plans,),) = connection.execute(explain, values).fetchall()
    return [fault for node in _nodes(plans[0]["Plan"]) if (fault := _fault(*node))]


def _nodes(plan: dict[str, Any], bounded: bool = False) -> Iterator[tuple[dict[str, Any], bool]]:
    """Give a plan's steps, each with whether it ends after so many rows."""
    yield plan, bounded
    # A step between a limit and a scan may read all that the scan gives, or pass most of it over.
    kind = plan["Node Type"]
    ends = kind == "Limit" or (bounded and kind in _PASS_ON and "Filter" not in plan)
    for number, part in enumerate(plan.get("Plans", ())):
        yield from _nodes(part, ends and (number == 0 or kind != "Nested Loop"))


def _fault(plan: dict[str, Any], bounded: bool) -> str | None:
    kind, table, index = plan["Node Type"], plan.get("Relation Name"), plan.get("Index Name")
    if kind == "Seq Scan" and table not in SMALL:
        return f"reads all of {table}"
    whole = kind in {"Index Scan", "Index Only Scan"} and "Index Cond" not in plan
    if whole and table not in SMALL and index not in WHOLE and ("Filter" in plan or not bounded):
        return f"reads all of the index {index}"
    return None


def _filled(server: Server) -> str:
    """Make a store of some thousand sessions with all that there can be beside them."""
    url = server.fresh()
    store = PostgresqlStore(url, builtin_catalogue(), IDLE_TIMEOUT, collector_id="filling")
    for number in range(_MADE):
        at, common = NOON + number * MINUTE, {"session_id": f"s-{number:03}"}
        person = {"user_id": f"u-{number}", "email": f"{number}@example.com", "project_id": "acme"}
        store.write(
            [
                event("SESSION_CREATED", at, **common, **person),
                event("FACE_COMPARE", at + 1, impact="BLOCKED", result="FAIL", **common),
                event("PENDING", at + 2, reason="FACE_AGENT_REVIEW", source="BE", **common),
                done("SESSION_INVITED", at + 3, **common),
            ]
        )
    store.settle(NOON + IDLE_TIMEOUT + _MADE * MINUTE // 2, _MADE)
    store.close()
    n = f"generate_series(1, {_COPIES}) AS n"
    with psycopg.connect(url, autocommit=True) as connection:
        for table, changed in (
            ("sessions", {"no": "no + n * 1000", "session_id": "session_id || n"}),
            ("events", {"session_no": "session_no + n * 1000"}),
            ("tasks", {"session_no": "session_no + n * 1000"}),
        ):
            columns = connection.execute(
                "SELECT column_name FROM information_schema.columns WHERE table_name = %s"
                " AND is_generated = 'NEVER'",
                (table,),
            ).fetchall()
            names = [name for (name,) in columns]
            values = ", ".join(changed.get(name, name) for name in names)
            sql = f"INSERT INTO {table} ({', '.join(names)}) SELECT {values} FROM {table}, {n}"
            connection.execute(sql.encode())
        for sql in _MANY:
            connection.execute(f"{sql} FROM generate_series(1, 5000) AS n".encode())
        connection.execute("VACUUM ANALYZE")
    return url
