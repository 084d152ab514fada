"""The list query as SQL: which index to walk, which to narrow down with.

Two ways to answer "the newest 50 that match". *Walk* an index that is ordered by creation and skip
what does not match: quick when matches are dense. *Narrow* down by an index of the condition itself
and sort what it gives: quick when matches are few. Counting the narrow index up to `FEW` rows tells
which of the two it is, so neither is ever slow.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from journeytrace.conventions import Status
from journeytrace_collector.core.derive import Phase
from journeytrace_collector.store.base import SessionQuery

__all__ = ["FEW", "POSTGRESQL", "SQLITE", "Dialect", "Sql", "narrow", "page"]

FEW: Final = 1_000
_LAST_CHARACTER: Final = "\U0010ffff"


@dataclass(frozen=True, slots=True)
class Sql:
    """A piece of SQL with the values for its placeholders."""

    text: str
    values: tuple[object, ...] = ()

    def __and__(self, other: Sql) -> Sql:
        return Sql(f"{self.text} AND {other.text}", self.values + other.values)


@dataclass(frozen=True, slots=True)
class Dialect:
    """How a database spells what SQL leaves open."""

    placeholder: str
    folded: str
    """The column ``{}`` with ASCII letters in one case, as it is indexed."""
    folds: str
    """The same of a placeholder."""
    indexed_by: str
    """Which index ``{}`` to use; empty: the database knows best."""


SQLITE: Final = Dialect("?", "{} COLLATE NOCASE", "?", " INDEXED BY {}")
POSTGRESQL: Final = Dialect("%s", "lower({})", 'lower(%s COLLATE "C")', "")


def narrow(
    query: SessionQuery, now: int, idle_timeout: int, dialect: Dialect = SQLITE
) -> Iterator[Sql]:
    """Give queries that each name all sessions meeting one selective condition, best first."""
    if query.search is not None:
        ranges = [
            Sql(
                f"SELECT no FROM sessions{_by(dialect, f'sessions_{field}')} WHERE {begins.text}",
                begins.values,
            )
            for field, begins in _searches(query.search, query.fields, dialect)
        ]
        # Not UNION, which would read all of the ranges before a LIMIT could end it.
        yield Sql(" UNION ALL ".join(r.text for r in ranges), sum((r.values for r in ranges), ()))
    if (idle := _idle(query.status, now - idle_timeout, dialect)) is not None:
        yield Sql(
            f"SELECT no FROM sessions{_by(dialect, 'sessions_idle')}"
            f" WHERE phase = 'OPEN' AND {idle.text}",
            idle.values,
        )


def page(
    query: SessionQuery,
    now: int,
    idle_timeout: int,
    few: Sql | None,
    dialect: Dialect = SQLITE,
) -> Sql:
    """Give the query for one page and one row more; `few`: only sessions that this query names."""
    where = Sql("TRUE")
    value = dialect.placeholder
    if query.status is not None:
        where &= Sql(f"phase = {value}", (_phase(query.status).value,))
    if (idle := _idle(query.status, now - idle_timeout, dialect)) is not None:
        where &= idle
    if query.decision is not None:
        where &= Sql(f"decision = {value}", (query.decision.value,))
    elif query.undecided:
        where &= Sql("decision IS NULL")
    if query.since is not None:
        where &= Sql(f"created_at >= {value}", (query.since,))
    if query.until is not None:
        where &= Sql(f"created_at < {value}", (query.until,))
    if query.after is not None:
        where &= Sql(f"(created_at, no) < ({value}, {value})", query.after)
    if few is not None:
        source = "sessions"
        where = Sql(f"no IN ({few.text})", few.values) & where
    else:
        source = f"sessions{_by(dialect, _walk(query))}"
    if query.search is not None:
        ranges = [begins for _, begins in _searches(query.search, query.fields, dialect)]
        either = " OR ".join(f"({begins.text})" for begins in ranges)
        where &= Sql(f"({either})", sum((begins.values for begins in ranges), ()))
    text = (
        f"SELECT created_at, no, state, settled_at, revision FROM {source} WHERE {where.text}"
        f" ORDER BY created_at DESC, no DESC LIMIT {value}"
    )
    return Sql(text, (*where.values, query.limit + 1))


def _walk(query: SessionQuery) -> str:
    decision = query.decision is not None or query.undecided
    if query.status is not None:
        return "sessions_phase_decision" if decision else "sessions_phase"
    return "sessions_decision" if decision else "sessions_created"


def _phase(status: Status) -> Phase:
    return Phase.OPEN if status in {Status.IN_PROGRESS, Status.DROPPED} else Phase(status.value)


def _idle(status: Status | None, dropped_since: int, dialect: Dialect) -> Sql | None:
    if status is Status.DROPPED:
        return Sql(f"idle_at <= {dialect.placeholder}", (dropped_since,))
    if status is Status.IN_PROGRESS:
        return Sql(f"idle_at > {dialect.placeholder}", (dropped_since,))
    return None


def _by(dialect: Dialect, index: str) -> str:
    return dialect.indexed_by.format(index)


def _searches(search: str, fields: tuple[str, ...], dialect: Dialect) -> Iterator[tuple[str, Sql]]:
    for field in fields:
        column = dialect.folded.format(field)
        text = f"{column} >= {dialect.folds} AND {column} < {dialect.folds}"
        yield field, Sql(text, (search, search + _LAST_CHARACTER))
