"""Who has which name among the collectors of one database, and whose turn it is.

All of it hangs on one table of our own. Advisory locks would be simpler, but anybody who may
connect can take any of them and keep it: the role that reads for Grafana could stop every
collector. A lock of a table takes a right on that table, which nobody else has.
"""

from __future__ import annotations

import time
from typing import Any, Final

import psycopg

__all__ = ["TAKE_TURN", "claim"]

TAKE_TURN: Final = "LOCK TABLE collectors IN SHARE ROW EXCLUSIVE MODE"
"""One transaction at a time goes on from here to its end."""

_MAKE: Final = """
CREATE TABLE collectors (
    name text PRIMARY KEY,
    pid integer NOT NULL, -- of the server's process for the connection that writes for it
    role oid NOT NULL,
    started timestamptz NOT NULL -- the process; a later one may have the same pid
)
"""
# It is free if the server has no such process any more. Of another role's processes one sees no
# start, and need not: the role tells them apart from ours.
_CLAIM: Final = """
INSERT INTO collectors AS mine (name, pid, role, started)
SELECT %s, pid, usesysid, backend_start FROM pg_stat_activity WHERE pid = pg_backend_pid()
ON CONFLICT (name) DO UPDATE
SET pid = excluded.pid, role = excluded.role, started = excluded.started
WHERE NOT EXISTS (
    SELECT FROM pg_stat_activity AS other
    WHERE other.pid = mine.pid AND other.usesysid = mine.role
        AND coalesce(other.backend_start = mine.started, true)
)
"""
_PATIENCE: Final = 2.0
"""Seconds: a collector that was killed may be connected for a moment still."""
_PAUSE: Final = 0.05


def claim(connection: psycopg.Connection[Any], name: str) -> bool:
    """Claim a name for as long as this connection lasts; False: another collector has it."""
    _make_table(connection)
    end = time.monotonic() + _PATIENCE
    # A transaction for each look: within one the server tells of the same processes again.
    while not _claimed(connection, name):
        if time.monotonic() > end:
            return False
        time.sleep(_PAUSE)
    return True


def _claimed(connection: psycopg.Connection[Any], name: str) -> bool:
    with connection.transaction():
        connection.execute(TAKE_TURN)
        return connection.execute(_CLAIM, (name,)).rowcount == 1


def _make_table(connection: psycopg.Connection[Any]) -> None:
    # No migration does it, for whoever migrates takes his turn by this table.
    try:
        with connection.transaction():
            if connection.execute("SELECT to_regclass('collectors')").fetchone() == (None,):
                connection.execute(_MAKE)
    except (
        psycopg.errors.DuplicateObject,
        psycopg.errors.DuplicateTable,
        psycopg.errors.UniqueViolation,
    ):
        # Somebody else who starts was quicker: with the name, the table, or the type of its rows.
        pass
