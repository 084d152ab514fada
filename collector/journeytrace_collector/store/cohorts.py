"""Which sessions a count is about, as SQL; and which of them stand for their persons."""

from __future__ import annotations

from collections.abc import Sequence

from journeytrace.conventions import Decision
from journeytrace_collector.core.attempts import BEST_DECISION, standing
from journeytrace_collector.core.sessionize import NEVER
from journeytrace_collector.store.base import Cohort, SessionQuery
from journeytrace_collector.store.sql import Dialect, Sql, all_of

__all__ = ["cohort_of", "stands", "superseded", "within"]


def cohort_of(query: SessionQuery) -> Cohort:
    """Give the sessions among which a list finds those that stand for their persons."""
    return Cohort(query.project, query.since, query.until, query.projects, query.per)


def within(cohort: Cohort, dialect: Dialect, of: str = "sessions") -> Sql:
    """Give the condition that all sessions of a cohort meet, each person's all; `of`: the table."""
    value = dialect.placeholder
    # What has not begun counts nowhere.
    until = NEVER if cohort.until is None else min(cohort.until, NEVER)
    parts = [Sql(f"{of}.created_at < {value}", (until,))]
    if cohort.since is not None:
        parts.append(Sql(f"{of}.created_at >= {value}", (cohort.since,)))
    if cohort.project:
        parts.append(Sql(f"{of}.project_id = {value}", (cohort.project,)))
    elif cohort.project is not None:
        parts.append(Sql(f"{of}.project_id IS NULL"))
    if cohort.projects is not None:
        several = sorted(cohort.projects)
        among = ", ".join([value] * len(several))
        # No database takes an empty list.
        parts.append(Sql(f"{of}.project_id IN ({among})" if among else "FALSE", tuple(several)))
    return all_of(parts)


def stands(cohort: Cohort, dialect: Dialect, stages: Sequence[str]) -> Sql:
    """Give the condition that no other session of its person comes before it: `core.attempts`."""
    other, mine = (_standing(of, dialect, stages) for of in ("other", "sessions"))
    before = (
        Sql("other.user_id = sessions.user_id")
        & within(cohort, dialect, "other")
        & Sql(
            f"({other.text}, other.created_at, other.no)"
            f" > ({mine.text}, sessions.created_at, sessions.no)",
            other.values + mine.values,
        )
    )
    # The newest first, for of most persons' sessions the newer comes before the older.
    text = (
        f"(SELECT 1 FROM sessions AS other{_by_person(dialect)} WHERE {before.text}"
        " ORDER BY other.created_at DESC LIMIT 1) IS NULL"
    )
    return Sql(text, before.values)


def superseded(cohort: Cohort, dialect: Dialect, stages: Sequence[str]) -> Sql:
    """Give the table and the condition for the sessions that do not stand for their persons.

    Most persons have one session, and are passed over by that.
    """
    inside = within(cohort, dialect)
    table = f"sessions{_by_person(dialect)}"
    several = (
        f"SELECT user_id FROM {table} WHERE user_id IS NOT NULL AND {inside.text}"
        " GROUP BY user_id HAVING count(*) > 1"
    )
    stand = stands(cohort, dialect, stages)
    return Sql(
        f"{table} WHERE user_id IN ({several}) AND {inside.text} AND NOT {stand.text}",
        inside.values * 2 + stand.values,
    )


def _by_person(dialect: Dialect) -> str:
    return dialect.indexed_by.format("sessions_person")


def _standing(of: str, dialect: Dialect, stages: Sequence[str]) -> Sql:
    value = dialect.placeholder

    def case(decision: Decision | None) -> str:
        known = "".join(f" WHEN {value} THEN {standing(decision, one, stages)}" for one in stages)
        least = standing(decision, None, stages)
        return f"CASE {of}.stage{known} ELSE {least} END" if known else str(least)

    text = (
        f"CASE WHEN {of}.decision = '{BEST_DECISION.value}'"
        f" THEN {case(BEST_DECISION)} ELSE {case(None)} END"
    )
    return Sql(text, tuple(stages) * 2)
