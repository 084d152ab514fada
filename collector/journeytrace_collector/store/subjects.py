"""Whose sessions are meant, as SQL: the same in every store."""

from __future__ import annotations

from journeytrace_collector.store.base import Scope, Subject
from journeytrace_collector.store.sql import TRUE, Dialect, Sql

__all__ = ["in_scope", "page_of", "sessions_of"]


def in_scope(scope: Scope, column: str, dialect: Dialect) -> Sql:
    """Give the condition that a project's column meets."""
    found = TRUE
    if scope.only is not None:
        found &= _among(column, scope.only, dialect)
    if scope.but:
        left_out = _among(column, scope.but, dialect)
        found &= Sql(f"({column} IS NULL OR NOT {left_out.text})", left_out.values)
    return found


def _among(column: str, projects: frozenset[str], dialect: Dialect) -> Sql:
    # No project at all is among none.
    values = ", ".join([dialect.placeholder] * len(projects)) or "NULL"
    return Sql(f"coalesce({column} IN ({values}), FALSE)", tuple(sorted(projects)))


def sessions_of(subject: Subject, dialect: Dialect) -> Sql:
    """Give the condition that the sessions of a subject meet, and no others.

    Of a person these are all that an event with the user id or address was ever part of: the newest
    value stands in the session's row, others in ``former_values``.
    """
    return _whose(subject, dialect) & in_scope(subject.scope, "project_id", dialect)


def page_of(subject: Subject, limit: int, after: str, dialect: Dialect) -> Sql:
    """Give the query for what is `Known` of so many sessions of a subject, by their ids."""
    value = dialect.placeholder
    where = sessions_of(subject, dialect) & Sql(f"session_id > {value}", (after,))
    text = (
        f"SELECT state, settled_at, revision, violates FROM sessions WHERE {where.text}"
        f" ORDER BY session_id LIMIT {value}"
    )
    return Sql(text, (*where.values, limit))


def _whose(subject: Subject, dialect: Dialect) -> Sql:
    value = dialect.placeholder
    if subject.field == "session_id":
        return Sql(f"session_id = {value}", (subject.value,))
    newest = _same(subject, subject.field, dialect)
    former = _same(subject, "value", dialect)
    text = (
        f"no IN (SELECT no FROM sessions WHERE {newest.text} UNION"
        f" SELECT session_no FROM former_values WHERE {former.text} AND field = {value})"
    )
    return Sql(text, (*newest.values, *former.values, subject.field))


def _same(subject: Subject, column: str, dialect: Dialect) -> Sql:
    # What is indexed is folded.
    folded = Sql(f"{dialect.folded.format(column)} = {dialect.folds}", (subject.value,))
    if subject.field == "email":
        return folded
    return folded & Sql(f"{column} = {dialect.placeholder}", (subject.value,))
