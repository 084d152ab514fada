"""Sessions counted by the database: none of them is read by us."""

from __future__ import annotations

from journeytrace_collector.core.sessionize import NEVER
from journeytrace_collector.store.base import Cohort
from journeytrace_collector.store.sql import SQLITE, Dialect, Sql

__all__ = ["highest_stages"]


def highest_stages(cohort: Cohort, dialect: Dialect = SQLITE) -> Sql:
    """Give the query for the sessions of `cohort` by their highest stage."""
    value = dialect.placeholder
    # What has not begun counts nowhere.
    where = Sql(f"created_at < {value}", (NEVER if cohort.until is None else cohort.until,))
    if cohort.project:
        where &= Sql(f"project_id = {value}", (cohort.project,))
    elif cohort.project is not None:
        where &= Sql("project_id IS NULL")
    if cohort.since is not None:
        where &= Sql(f"created_at >= {value}", (cohort.since,))
    text = f"SELECT stage, count(*) FROM sessions WHERE {where.text} GROUP BY stage"
    return Sql(text, where.values)
