"""Whose sessions are to be erased, as SQL: the same in every store."""

from __future__ import annotations

from journeytrace_collector.store.base import Subject
from journeytrace_collector.store.sql import Dialect, Sql

__all__ = ["sessions_of"]


def sessions_of(subject: Subject, dialect: Dialect) -> Sql:
    """Give the condition that the sessions of a subject meet, and no others.

    Of a person these are all that an event with the user id or address was ever part of: the newest
    value stands in the session's row, others in ``former_values``.
    """
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
