"""What people did that belongs to no session, in rows: the same in every store."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from journeytrace_collector.store.base import Act, ActQuery
from journeytrace_collector.store.ledger import json_text
from journeytrace_collector.store.sql import Dialect, Sql, all_of
from journeytrace_collector.store.subjects import in_scope

__all__ = ["COLUMNS", "act_of", "listed", "row_of"]

COLUMNS: Final = ("at", "actor", "act", "project", "digest", "detail")
"""Of what `row_of` writes."""


def row_of(act: Act) -> tuple[object, ...]:
    """Give the columns of an act."""
    detail = json_text(act.detail) if act.detail else None
    return act.at, act.actor, act.act, act.project, act.digest, detail


def act_of(row: tuple[Any, ...]) -> Act:
    """Read a row of `listed`."""
    at, actor, act, project, digest, detail, no = row
    said = msgspec.json.decode(detail) if detail else {}
    return Act(at, actor, act, project, None if digest is None else bytes(digest), said, no)


def listed(query: ActQuery, limit: int, dialect: Dialect) -> Sql:
    """Give the query for so many acts."""
    value = dialect.placeholder
    asked = {
        f"actor = {value}": query.actor,
        f"act = {value}": query.act,
        f"at >= {value}": query.since,
        f"at < {value}": query.until,
        f"digest = {value}": query.digest,
        f"no < {value}": query.after,
    }
    met = [Sql(text, (wanted,)) for text, wanted in asked.items() if wanted is not None]
    where = all_of([*met, in_scope(query.scope, "project", dialect)])
    text = (
        f"SELECT {', '.join(COLUMNS)}, no FROM acts WHERE {where.text}"
        f" ORDER BY no DESC LIMIT {value}"
    )
    return Sql(text, (*where.values, limit))
