"""What a list asks of a session, as SQL: one condition a filter, by the filter's name."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Final

from journeytrace.conventions import TIME_SENT, Impact, Status
from journeytrace.identity import read_support_code
from journeytrace_collector.core.derive import Phase
from journeytrace_collector.core.funnel import further
from journeytrace_collector.core.marks import CORRECTED, OneEvent
from journeytrace_collector.store.base import SessionQuery
from journeytrace_collector.store.idling import idle
from journeytrace_collector.store.sql import Dialect, Sql, all_of, any_of

__all__ = [
    "APART",
    "COLUMNS",
    "IS_CORRECTED",
    "TOLD",
    "VIOLATES",
    "apart",
    "conditions",
    "is_exact",
    "of_event",
    "searches",
]

COLUMNS: Final = {
    "project": "project_id",
    "reason": "reason",
    "error_code": "last_error_code",
    "stage": "stage",
}
"""The column that holds each text of a session that a query can name."""

# What indexes are restricted to, in these very words: databases know them again by nothing else.
IS_CORRECTED: Final = Sql(f"(marks & {CORRECTED}) <> 0")
VIOLATES: Final = Sql("violates IS NOT NULL")
_HURDLE: Final = Sql(
    "((impact <> 'NONE' AND impact <> 'COMPLETED' AND impact <> 'APPROVED') OR result = 'FAIL')"
)

APART: Final = ("status", "idle", "decision")
"""Conditions in which the counts beside the filters differ."""
TOLD: Final = "phase, idle_at, coalesce(decision, 'NONE')"
"""What tells whether they are met."""

_LAST_CHARACTER: Final = "\U0010ffff"


def conditions(
    query: SessionQuery, now: int, idle_timeout: int, dialect: Dialect, stages: Sequence[str]
) -> Iterator[tuple[str, Sql]]:
    """Give all that has to be met beside the range of time, the dearest last; times in ns.

    `stages` are the ordered ones, first to last. That a session stands for its person is not among
    them: that depends on other sessions.
    """
    value = dialect.placeholder
    if query.status is not None:
        yield "status", Sql(f"phase = {value}", (_phase(query.status).value,))
    if query.decision is not None or query.undecided:
        decision = query.decision.value if query.decision else "NONE"
        yield "decision", Sql(f"coalesce(decision, 'NONE') = {value}", (decision,))
    for name, column in COLUMNS.items():
        wanted = getattr(query, name)
        if wanted == "":
            yield name, Sql(f"{column} IS NULL")
        elif wanted is not None:
            same = Sql(f"{column} = {value}", (wanted,))
            # Whose index is folded, for it is searched, too.
            yield name, _folded(column, wanted, dialect) & same if name == "project" else same
    if query.reached is not None:
        far = tuple(further(query.reached, stages))
        among = ", ".join([value] * len(far))
        yield "reached", Sql(f"stage IN ({among})" if far else "FALSE", far)
    if query.user is not None:
        same = Sql(f"user_id = {value}", (query.user,))
        yield "user", _folded("user_id", query.user, dialect) & same
    if query.codes:
        several = ", ".join([value] * len(query.codes))
        yield "codes", Sql(f"support_code IN ({several})", query.codes)
    if query.status in {Status.DROPPED, Status.IN_PROGRESS}:
        when: Final = "since" if query.status is Status.DROPPED else "after"
        yield "idle", idle(when, now - idle_timeout, dialect)
    if query.search is not None:
        yield "search", any_of(begins for _, begins in searches(query, dialect))
    if query.rule is not None:
        violated = dialect.contains.format("violates")
        yield "rule", VIOLATES & Sql(violated, (f" {query.rule} ",))
    if query.event not in {None, OneEvent()}:
        yield from _of_marks(query.event, dialect)


def apart(query: SessionQuery, since: int) -> Callable[[str, int, str], bool]:
    """Give what says of `TOLD` of a session whether it meets the conditions `APART`.

    Who has been idle since then (ns), or for longer, is so for too long.
    """
    phase = _phase(query.status).value if query.status else None
    dropped = query.status is Status.DROPPED if phase == Phase.OPEN else None
    undecided = "NONE" if query.undecided else None
    decision = query.decision.value if query.decision else undecided

    def met(own_phase: str, idle_at: int, own_decision: str) -> bool:
        return (
            phase in (None, own_phase)
            and decision in (None, own_decision)
            and dropped in (None, idle_at <= since)
        )

    return met


def searches(query: SessionQuery, dialect: Dialect) -> Iterator[tuple[str, Sql]]:
    """Give the condition that each field begins with, or is, what is searched, where it can."""
    for field in query.fields:
        text, column, value = query.search, dialect.folded.format(field), dialect.folds
        if field == "support_code":
            text, column, value = read_support_code(text or ""), field, dialect.placeholder
        if text is not None and field in query.exact:
            yield field, Sql(f"{column} = {value}", (text,))
        elif text is not None:
            begins = f"{column} >= {value} AND {column} < {value}"
            yield field, Sql(begins, (text, text + _LAST_CHARACTER))


def of_event(wanted: OneEvent, dialect: Dialect) -> Sql:
    """Give the condition that one event meets."""
    value = dialect.placeholder
    parts = [_HURDLE] if wanted.indexed else []
    if wanted.impact is not None:
        parts.append(Sql(f"impact = {value}", (wanted.impact.value,)))
    elif wanted.indexed:
        # Their index begins with the impact: each of them is a range of it.
        every = tuple(impact.value for impact in Impact)
        parts.append(Sql(f"impact IN ({', '.join([value] * len(every))})", every))
    texts = {"name": wanted.name, "result": wanted.result, "source": wanted.source}
    parts += [Sql(f"{name} = {value}", (str(text),)) for name, text in texts.items() if text]
    if wanted.corrected:
        parts.append(Sql(dialect.contains.format("metadata"), (f'"{TIME_SENT}":',)))
    return all_of(parts)


def is_exact(wanted: OneEvent) -> bool:
    """Whether the index of the hurdles leads to the very events of one session."""
    return wanted.indexed and wanted.name is not None


def _of_marks(wanted: OneEvent, dialect: Dialect) -> Iterator[tuple[str, Sql]]:
    value = dialect.placeholder
    marked = Sql(f"(marks & {value}) = {value}", (wanted.marks, wanted.marks))
    if wanted.told_by_marks:
        yield "event", marked
        return
    if wanted.marks:
        yield "marks", marked
    index = "events_hurdles" if is_exact(wanted) else "events_identity"
    of_session = Sql("session_no = sessions.no") & of_event(wanted, dialect)
    # A scalar, for PostgreSQL would make a join of EXISTS and begin with all such events.
    one = f"SELECT 1 FROM events{dialect.indexed_by.format(index)} WHERE {of_session.text} LIMIT 1"
    yield "event", Sql(f"({one}) IS NOT NULL", of_session.values)


def _phase(status: Status) -> Phase:
    return Phase.OPEN if status in {Status.IN_PROGRESS, Status.DROPPED} else Phase(status.value)


def _folded(column: str, text: str, dialect: Dialect) -> Sql:
    return Sql(f"{dialect.folded.format(column)} = {dialect.folds}", (text,))
