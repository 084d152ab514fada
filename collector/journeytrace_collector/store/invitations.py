"""Invitations in rows: the same in every store.

A row says what the marks of its events say, each the earliest. Whose link it is never changes: what
another session says of the same digest is passed over.
"""

from __future__ import annotations

from typing import Any, Final

from journeytrace_collector.core.invitations import Standing
from journeytrace_collector.store.base import InvitationQuery, Invited
from journeytrace_collector.store.sql import TRUE, Dialect, Sql
from journeytrace_collector.store.subjects import in_scope

__all__ = ["COLUMNS", "MARK", "invited_of", "listed", "owner"]

COLUMNS: Final = {
    "digest": "bytea",
    "session_no": "bigint",
    "invited_at": "bigint",
    "expires_at": "bigint",
    "opened_at": "bigint",
    "revoked_at": "bigint",
}
"""With their types in PostgreSQL."""

_TIMES: Final = ("invited_at", "expires_at", "opened_at", "revoked_at")
# The earlier of two, either of which may be missing: spelled so that both databases read it.
_EARLIER: Final = ", ".join(
    f"{name} = CASE WHEN excluded.{name} < coalesce(invitations.{name}, excluded.{name} + 1)"
    f" THEN excluded.{name} ELSE invitations.{name} END"
    for name in _TIMES
)
MARK: Final = (
    f"INSERT INTO invitations ({', '.join(COLUMNS)}) {{}} ON CONFLICT (digest) DO UPDATE"
    f" SET {_EARLIER} WHERE invitations.session_no = excluded.session_no"
)
"""The statement that notes marks; ``{}`` is their rows."""


def owner(digest: bytes, dialect: Dialect) -> Sql:
    """Give the query for the session that a link leads into."""
    text = (
        "SELECT session_id FROM invitations JOIN sessions ON no = session_no"
        f" WHERE digest = {dialect.placeholder} AND invited_at IS NOT NULL"
    )
    return Sql(text, (digest,))


def listed(query: InvitationQuery, now: int, dialect: Dialect) -> Sql:
    """Give the query for the rows of `invited_of`, the newest first."""
    value = dialect.placeholder
    where = Sql("invited_at IS NOT NULL") & in_scope(query.scope, "project_id", dialect)
    where &= _standing(query.standing, now, value)
    if query.after is not None:
        at, digest = query.after
        where &= Sql(
            f"(invited_at < {value} OR (invited_at = {value} AND digest < {value}))",
            (at, at, digest),
        )
    text = (
        "SELECT digest, session_id, project_id, invited_at, invitations.expires_at, opened_at,"
        " revoked_at"
        f" FROM invitations JOIN sessions ON no = session_no WHERE {where.text}"
        f" ORDER BY invited_at DESC, digest DESC LIMIT {value}"
    )
    return Sql(text, (*where.values, query.limit))


def _standing(wanted: Standing | None, now: int, value: str) -> Sql:
    match wanted:
        case Standing.REVOKED:
            return Sql("revoked_at IS NOT NULL")
        case Standing.OPENED:
            return Sql("revoked_at IS NULL AND opened_at IS NOT NULL")
        case Standing.EXPIRED | Standing.NOT_OPENED:
            compared = "<=" if wanted is Standing.EXPIRED else ">"
            text = "revoked_at IS NULL AND opened_at IS NULL"
            text += f" AND invitations.expires_at {compared} {value}"
            return Sql(text, (now,))
    return TRUE


def invited_of(row: tuple[Any, ...]) -> Invited:
    """Read a row of `listed`."""
    digest, *rest = row
    return Invited(bytes(digest), *rest)
