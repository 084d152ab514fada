"""Erasing in the PostgreSQL store: the rows, then what its files still hold.

A deleted row stays in its file until VACUUM has been there. That makes its place free, so that the
next rows write over it. The server's log (WAL), its replicas and its backups are its operator's.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from journeytrace_collector.store.acts import act_of, listed, row_of
from journeytrace_collector.store.base import Act, ActQuery, Erased, Subject
from journeytrace_collector.store.erasing import Found, Gone
from journeytrace_collector.store.postgresql_arrays import array, arrays, unnest
from journeytrace_collector.store.postgresql_connections import Connection
from journeytrace_collector.store.sql import POSTGRESQL
from journeytrace_collector.store.subjects import sessions_of

__all__ = [
    "PostgresqlErasing",
    "acts",
    "claim_scrub",
    "erasable",
    "salt",
    "set_scrub_due",
    "vacuum",
]

# What people did is counted apart from the journey.
_EVENTS: Final = "events + coalesce((state::json #>> '{operations,events}')::integer, 0)"
_FOUND: Final = f"SELECT no, session_id, {_EVENTS}, project_id FROM sessions"
# By number, for somebody may be about to note that some of them have arrived.
_ERASE_PARCELS: Final = (
    "DELETE FROM outbox WHERE id IN"
    " (SELECT id FROM outbox WHERE session_id = ANY(%s::text[]) ORDER BY id FOR UPDATE)"
)
# One that somebody holds is about to be replaced by a newer one.
_ERASE_EXEMPLARS: Final = (
    "DELETE FROM exemplars WHERE (collector, name, labels) IN"
    " (SELECT collector, name, labels FROM exemplars WHERE trace_id = ANY(%s::text[])"
    " FOR UPDATE SKIP LOCKED)"
)
_DIGEST: Final = {"digest": "bytea", "kept_until": "bigint"}
_KEEP_DIGESTS: Final = (
    f"INSERT INTO digests SELECT * FROM {unnest(_DIGEST)}"
    " ON CONFLICT (digest) DO UPDATE SET kept_until = excluded.kept_until"
)
_LEFT: Final = "SELECT session_no FROM erasing ORDER BY session_no LIMIT %s FOR UPDATE SKIP LOCKED"
_ERASE_EVENTS: Final = (
    "DELETE FROM events WHERE (session_no, event_id) IN"
    " (SELECT session_no, event_id FROM events WHERE session_no = ANY(%s::bigint[]) LIMIT %s)"
)
_ERASED: Final = (
    "DELETE FROM erasing WHERE session_no = ANY(%s::bigint[]) AND NOT EXISTS"
    " (SELECT 1 FROM events WHERE events.session_no = erasing.session_no)"
)
_DROP_DIGESTS: Final = (
    "DELETE FROM digests WHERE digest IN (SELECT digest FROM digests WHERE kept_until <= %s"
    " ORDER BY kept_until LIMIT %s FOR UPDATE SKIP LOCKED)"
)
_ACT: Final = {
    "at": "bigint",
    "actor": "text",
    "act": "text",
    "project": "text",
    "digest": "bytea",
    "detail": "text",
}
_NOTE_ACTS: Final = f"INSERT INTO acts ({', '.join(_ACT)}) SELECT * FROM {unnest(_ACT)}"
# Without the option a few dead rows leave their entries in the indexes, user ids among them.
_VACUUM: Final = (
    "VACUUM (INDEX_CLEANUP ON) sessions, events, outbox, exemplars, former_values, invitations,"
    " tasks, erasing"
)


class PostgresqlErasing:
    """Implements `Erasing`, and finds what is to be erased."""

    connection: Connection
    """The one whose transaction is open."""

    def expired(self, now: int, limit: int) -> list[Found]:
        """Hold sessions that have expired at `now` (ns) and that nobody else holds."""
        sql = f"{_FOUND} WHERE expires_at <= %s ORDER BY expires_at LIMIT %s FOR UPDATE SKIP LOCKED"
        return [Found(*row) for row in self.connection.execute(sql.encode(), (now, limit))]

    def of_subject(self, subject: Subject, limit: int) -> list[Found]:
        """Hold sessions of a subject, in the order in which everybody does."""
        condition = sessions_of(subject, POSTGRESQL)
        sql = f"{_FOUND} WHERE {condition.text} ORDER BY session_id LIMIT %s FOR UPDATE"
        found = self.connection.execute(sql.encode(), (*condition.values, limit))
        return [Found(*row) for row in found]

    def forgotten(self, digests: Sequence[bytes]) -> set[bytes]:
        """See `Tables.forgotten`."""
        sql = "SELECT digest FROM digests WHERE digest = ANY(%s::bytea[])"
        return {digest for (digest,) in self.connection.execute(sql, (array(digests),))}

    def erase_sessions(self, sessions: Sequence[Gone]) -> None:
        """See `Erasing.erase_sessions`."""
        if not sessions:
            return
        numbers, ids, traces, digests, until = arrays(sessions)
        execute = self.connection.execute
        with self.connection.pipeline():
            execute(_ERASE_PARCELS, (ids,))
            execute(_ERASE_EXEMPLARS, (traces,))
            execute("DELETE FROM sessions WHERE no = ANY(%s::bigint[])", (numbers,))
            execute("DELETE FROM former_values WHERE session_no = ANY(%s::bigint[])", (numbers,))
            execute("DELETE FROM tasks WHERE session_no = ANY(%s::bigint[])", (numbers,))
            execute("DELETE FROM violations WHERE session_no = ANY(%s::bigint[])", (numbers,))
            execute("DELETE FROM invitations WHERE session_no = ANY(%s::bigint[])", (numbers,))
            execute("INSERT INTO erasing SELECT unnest(%s::bigint[])", (numbers,))
            execute(_KEEP_DIGESTS, (digests, until))

    def erase_events(self, limit: int) -> int:
        """See `Erasing.erase_events`."""
        if limit <= 0:
            return 0
        left = array([no for (no,) in self.connection.execute(_LEFT, (limit,))])
        if left == array(()):
            return 0
        erased = self.connection.execute(_ERASE_EVENTS, (left, limit)).rowcount
        self.connection.execute(_ERASED, (left,))
        return erased

    def drop_digests(self, now: int, limit: int) -> int:
        """See `Erasing.drop_digests`."""
        if limit <= 0:
            return 0
        return self.connection.execute(_DROP_DIGESTS, (now, limit)).rowcount

    def note_acts(self, acts: Sequence[Act]) -> None:
        """See `Erasing.note_acts`."""
        if acts:
            self.connection.execute(_NOTE_ACTS, arrays([row_of(act) for act in acts]))


def salt(connection: Connection) -> bytes:
    """Give the salt of the store's digests."""
    ((found,),) = connection.execute("SELECT salt FROM erasure").fetchall()
    return bytes(found)


def erasable(connection: Connection, subject: Subject) -> Erased:
    """See `Store.erasable`."""
    condition = sessions_of(subject, POSTGRESQL)
    sql = f"SELECT count(*), coalesce(sum({_EVENTS}), 0) FROM sessions WHERE {condition.text}"
    ((sessions, events),) = connection.execute(sql.encode(), condition.values).fetchall()
    return Erased(int(sessions), int(events))


def acts(connection: Connection, limit: int, query: ActQuery) -> list[Act]:
    """See `Store.acts`."""
    sql = listed(query, limit, POSTGRESQL)
    return [act_of(row) for row in connection.execute(sql.text.encode(), sql.values)]


def set_scrub_due(connection: Connection) -> None:
    """Note that the tables have to be vacuumed."""
    connection.execute("UPDATE erasure SET scrub_due = true")


def claim_scrub(connection: Connection) -> bool:
    """Take it on to vacuum the tables; False: nobody has to, or somebody else does."""
    return connection.execute("UPDATE erasure SET scrub_due = false WHERE scrub_due").rowcount > 0


def vacuum(connection: Connection) -> None:
    """Vacuum all tables that hold personal data; the connection is in no transaction."""
    connection.execute(_VACUUM)
