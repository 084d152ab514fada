"""The list query: which index to walk, which to narrow down with, and how far.

Two ways to answer "the newest 50 that match". *Walk* an index that is ordered by creation and skip
what does not match: quick when matches are dense. *Narrow* down by an index of one condition and
sort what it gives: quick when matches are few.

1. An index whose walk meets all conditions by itself is walked.
2. Else a condition that names at most `FEW` sessions narrows down.
3. Else the sparsest walk is taken: the one of whose next `NEAR` rows the last is the oldest, or
   which has fewer. It passes over at most `FAR` rows. If the page is not full by then, it ends
   there and says how far it has looked.

So no list takes longer than passing over `FAR` rows. Where the events of a session have to be read
one by one, because no index leads to those that are asked for, the three numbers are a tenth.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, Protocol, TypeAlias

from journeytrace_collector.core.attempts import Per
from journeytrace_collector.core.sessionize import NEVER
from journeytrace_collector.store.base import Cohort, Cursor, SessionQuery
from journeytrace_collector.store.cohorts import cohort_of, stands
from journeytrace_collector.store.conditions import (
    APART,
    COLUMNS,
    IS_CORRECTED,
    TOLD,
    VIOLATES,
    apart,
    conditions,
    is_exact,
    of_event,
    searches,
)
from journeytrace_collector.store.sql import SQLITE, TRUE, Dialect, Sql, all_of

__all__ = [
    "FAR",
    "FEW",
    "HASTE",
    "NEAR",
    "NUMBERS",
    "Ask",
    "Listed",
    "Listing",
    "Narrow",
    "Stretch",
    "Walk",
]

NEAR: Final = 1_000
"""Rows of each index that are counted to tell which one to walk."""
FEW: Final = 2_500
"""Rows that are fetched one by one, from all over the table, and sorted."""
FAR: Final = 10_000
"""Rows that a walk passes over."""
HASTE: Final = 10
"""How many times fewer rows a count looks at that must not be waited for; a page has ten."""
_DEARER: Final = 10
"""How many times dearer a row is whose events have to be read one by one."""

_NEWEST_FIRST: Final = "ORDER BY created_at DESC, no DESC"
NUMBERS: Final = "created_at, no"
_COLUMNS: Final = f"{NUMBERS}, state, settled_at, revision, violates"
_NO_SESSION: Final = "SELECT no FROM sessions WHERE FALSE"

Row: TypeAlias = tuple[Any, ...]


class Ask(Protocol):
    """Runs a query."""

    def __call__(self, sql: Sql, *, walking: bool) -> list[Row]:
        """Give the rows; `walking`: they come off an index in its order, whatever that costs."""


@dataclass(frozen=True, slots=True)
class Walk:
    """An index that is ordered by creation."""

    index: str
    meets: tuple[str, ...] = ()
    """Conditions that all of its rows meet once its first columns are given."""
    within: Sql = TRUE
    """What it is restricted to besides: without saying so it cannot be used."""


@dataclass(frozen=True, slots=True)
class Narrow:
    """An index of conditions."""

    sql: Sql
    """Gives the numbers of sessions."""
    meets: tuple[str, ...]
    """Conditions that all of them meet."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """Part of a walk."""

    after: Cursor | None = None
    """Begins behind this row; None: with the newest."""
    until: Cursor | None = None
    """Ends with this row; None: with the oldest."""


@dataclass(frozen=True, slots=True)
class Listed:
    """One page."""

    rows: list[Row]
    """The columns that were asked for."""
    next: Cursor | None
    searched_until: int | None = None
    """As in `Page`."""


@dataclass(frozen=True)
class Listing:
    """One list query, in the SQL of one database."""

    query: SessionQuery
    now: int
    """ns"""
    idle_timeout: int
    """ns"""
    dialect: Dialect = SQLITE
    columns: str = _COLUMNS
    """What is read of each session: `NUMBERS` to count them."""
    haste: int = 1
    """By how much the three numbers are smaller than they may be."""
    shared: bool = False
    """Whether others are asked that differ in `APART` alone: then all of them ask the database the
    same, and each picks its own out of that. It is meant for counts."""
    stages: Sequence[str] = ()
    """The ordered ones, first to last."""
    among: Cohort | None = None
    """The sessions of which some stand for their persons; None: those that the query says."""
    conditions: dict[str, Sql] = field(init=False)

    def __post_init__(self) -> None:
        query = self.query
        found = dict(conditions(query, self.now, self.idle_timeout, self.dialect, self.stages))
        if query.per is Per.PERSON:
            found["per"] = stands(self.among or cohort_of(query), self.dialect, self.stages)
        object.__setattr__(self, "conditions", found)

    def answer(self, ask: Ask) -> Listed:
        """Find one page."""
        walks = list(self.walks())
        for walk in walks:
            if set(walk.meets) == set(self.conditions):
                return self._whole(ask(self.page(walk), walking=True))
        cost = self.haste * (_DEARER if self._reads_events() else 1)
        for narrow in self.narrows():
            limited = Sql(f"{narrow.sql.text} LIMIT {FEW // cost + 1}", narrow.sql.values)
            numbers = [no for (no,) in ask(limited, walking=False)]
            if len(numbers) <= FEW // cost:
                few = sorted(set(numbers))
                found = ask(self.sorted(narrow, few), walking=False)
                return self._whole(self._picked(found) if self._shares(narrow.meets) else found)
        near = max(1, NEAR // cost)
        return self._walked(ask, walks, near, max(near + 1, FAR // cost))

    def _walked(self, ask: Ask, walks: list[Walk], near: int, far: int) -> Listed:
        ends = []
        for walk in walks:
            end = self._end(ask, walk, self.query.after, near)
            if end is None:
                return self._whole(self._on(ask, walk, Stretch(self.query.after), []))
            ends.append((end, walk))
        end, walk = min(ends, key=lambda one: one[0])
        rows = self._on(ask, walk, Stretch(self.query.after, end), [])
        if len(rows) > self.query.limit:
            return self._whole(rows)
        further = self._end(ask, walk, end, far - near)
        rows = self._on(ask, walk, Stretch(end, further), rows)
        if len(rows) > self.query.limit or further is None:
            return self._whole(rows)
        return Listed(rows, further, further[0])

    def _on(self, ask: Ask, walk: Walk, stretch: Stretch, rows: list[Row]) -> list[Row]:
        """Add to a page what matches on a stretch."""
        missing = self.query.limit + 1 - len(rows)
        if not self._shares(walk.meets):
            return rows + ask(self.page(walk, stretch, missing), walking=True)
        return rows + self._picked(ask(self._shared(walk, stretch), walking=True))[:missing]

    def _shares(self, meets: tuple[str, ...]) -> bool:
        """Whether others come by the same way: it is not one of `APART`."""
        return self.shared and not set(meets) & set(APART)

    def _picked(self, rows: list[Row]) -> list[Row]:
        """Give the rows of this one, of those that all share."""
        met = apart(self.query, self.now - self.idle_timeout)
        return [row[:2] for row in rows if met(*row[2:])]

    def _end(self, ask: Ask, walk: Walk, after: Cursor | None, count: int) -> Cursor | None:
        found = ask(self.end(walk, after, count), walking=True)
        return (found[0][0], found[0][1]) if found else None

    def _whole(self, rows: list[Row]) -> Listed:
        limit = self.query.limit
        if len(rows) <= limit:
            return Listed(rows, None)
        return Listed(rows[:limit], (rows[limit - 1][0], rows[limit - 1][1]))

    def _reads_events(self) -> bool:
        wanted = self.query.event
        return (
            wanted is not None
            and "event" in self.conditions
            and not (wanted.told_by_marks or is_exact(wanted))
        )

    def walks(self) -> Iterator[Walk]:
        """Give the walks that there are for these conditions."""
        if self.query.projects is not None:
            # Passes over nothing of another project: see `bound`.
            yield Walk("sessions_project_id", ("project",))
            return
        match "status" in self.conditions, "decision" in self.conditions:
            case True, True:
                yield Walk("sessions_phase_decision", ("status", "decision"))
            case True, False:
                yield Walk("sessions_phase", ("status",))
            case False, True:
                yield Walk("sessions_decision", ("decision",))
        for name, column in COLUMNS.items():
            # What is NULL stands in none of them.
            if getattr(self.query, name):
                yield Walk(f"sessions_{column}", (name,))
        if self.query.event is not None and self.query.event.corrected:
            meets = ("event",) if self.query.event.told_by_marks else ()
            yield Walk("sessions_corrected", meets, IS_CORRECTED)
        if self.query.rule is not None:
            yield Walk("sessions_violates", (), VIOLATES)
        yield Walk("sessions_created")

    def narrows(self) -> Iterator[Narrow]:
        """Give the ways to narrow down, the best first."""
        if "codes" in self.conditions:
            source = f"sessions{self._by('sessions_support_code')}"
            yield Narrow(self._numbers("no", source, self.conditions["codes"]), ("codes",))
        if self.query.search is not None:
            ranges = [
                part
                for name, begins in searches(self.query, self.dialect)
                for part in self._searched(name, begins)
            ] or [Sql(_NO_SESSION)]
            # Not UNION, which would read all of the ranges before a LIMIT could end it.
            text = " UNION ALL ".join(one.text for one in ranges)
            yield Narrow(Sql(text, sum((one.values for one in ranges), ())), ("search",))
        if "user" in self.conditions:
            source = f"sessions{self._by('sessions_user_id')}"
            yield Narrow(self._numbers("no", source, self.conditions["user"]), ("user",))
        if "idle" in self.conditions:
            idle = Sql("phase = 'OPEN'") & self.conditions["idle"]
            source = f"sessions{self._by('sessions_idle')}"
            yield Narrow(self._numbers("no", source, idle), ("status", "idle"))
        if self.query.rule is not None:
            # All that ever did are among them.
            of_rule = Sql(f"rule = {self.dialect.placeholder}", (self.query.rule,))
            yield Narrow(self._numbers("session_no", "violations", of_rule), ())
        wanted = self.query.event
        if wanted is not None and wanted.indexed:
            # By what stands in the index alone, so that nothing else has to be read.
            seen = replace(wanted, source=None, corrected=False)
            meets = ("marks", "event") if seen == wanted else ()
            source = f"events{self._by('events_hurdles')}"
            yield Narrow(self._numbers("session_no", source, of_event(seen, self.dialect)), meets)

    def _searched(self, name: str, begins: Sql) -> Iterator[Sql]:
        """Give what finds the sessions of which a column begins so."""
        source = f"sessions{self._by(f'sessions_{name}')}"
        resting, is_open = self.dialect.at_rest.get(name, (name, ""))
        at_rest = Sql(begins.text.replace(name, resting), begins.values)
        yield self._numbers("no", source, at_rest)
        if is_open:
            # There are few of them beside all that are stored.
            yield self._numbers("no", source, Sql(is_open) & begins)

    def _numbers(self, column: str, source: str, where: Sql) -> Sql:
        return Sql(f"SELECT {column} FROM {source} WHERE {where.text}", where.values)

    def end(self, walk: Walk, after: Cursor | None, count: int) -> Sql:
        """Give the query for the row with which so many have been passed over."""
        within = self._within(walk, Stretch(after))
        text = (
            f"SELECT created_at, no FROM sessions{self._by(walk.index)} WHERE {within.text}"
            f" {_NEWEST_FIRST} LIMIT 1 OFFSET {count - 1}"
        )
        return Sql(text, within.values)

    def page(self, walk: Walk, stretch: Stretch | None = None, limit: int | None = None) -> Sql:
        """Give the query for what matches on a walk, or a stretch of it.

        No `limit`: one row more than a page has.
        """
        within = self._within(walk, stretch or Stretch(self.query.after))
        source = f"sessions{self._by(walk.index)} WHERE {within.text} {_NEWEST_FIRST}"
        rest = self._all(name for name in self.conditions if name not in walk.meets)
        return self._select(Sql(source, within.values), rest, limit)

    def _shared(self, walk: Walk, stretch: Stretch) -> Sql:
        """Give the query for all on a stretch that `_picked` picks from."""
        within = self._within(walk, stretch)
        source = f"sessions{self._by(walk.index)} WHERE {within.text} {_NEWEST_FIRST}"
        fenced = f"(SELECT * FROM {source}{self.dialect.fence}) AS sessions"
        rest = self._common(walk.meets)
        text = f"SELECT {NUMBERS}, {TOLD} FROM {fenced} WHERE {rest.text} {_NEWEST_FIRST}"
        return Sql(text, within.values + rest.values)

    def _common(self, meets: tuple[str, ...]) -> Sql:
        return self._all(name for name in self.conditions if name not in (*meets, *APART))

    def sorted(self, narrow: Narrow, numbers: list[int]) -> Sql:
        """Give the query for a page of the sessions with these numbers."""
        source = f"sessions{self.dialect.by_number} WHERE no IN ({self.dialect.among})"
        if self._shares(narrow.meets):
            where = self._range(Stretch(self.query.after)) & self._common(narrow.meets)
            fenced = f"(SELECT * FROM {source}{self.dialect.fence}) AS sessions"
            text = f"SELECT {NUMBERS}, {TOLD} FROM {fenced} WHERE {where.text} {_NEWEST_FIRST}"
            return Sql(text, (self.dialect.pack(numbers), *where.values))
        rest = self._all(name for name in self.conditions if name not in narrow.meets)
        where = self._range(Stretch(self.query.after)) & rest
        # Sorted by what is short, for there are far more rows than the page has.
        page = self._select(Sql(source, (self.dialect.pack(numbers),)), where, columns="no")
        by_number = f"sessions{self.dialect.by_number} WHERE no IN ({page.text})"
        return Sql(f"SELECT {self.columns} FROM {by_number} {_NEWEST_FIRST}", page.values)

    def _select(
        self, source: Sql, where: Sql, limit: int | None = None, columns: str | None = None
    ) -> Sql:
        # From a subquery, so that `source` alone says by which index rows are found.
        text = (
            f"SELECT {columns or self.columns}"
            f" FROM (SELECT * FROM {source.text}{self.dialect.fence}) AS sessions"
            f" WHERE {where.text} {_NEWEST_FIRST} LIMIT {self.dialect.placeholder}"
        )
        most = self.query.limit + 1 if limit is None else limit
        return Sql(text, (*source.values, *where.values, most))

    def _within(self, walk: Walk, stretch: Stretch) -> Sql:
        return walk.within & self._all(walk.meets) & self._range(stretch)

    def _all(self, names: Iterable[str]) -> Sql:
        return all_of(self.conditions[name] for name in names)

    def _range(self, stretch: Stretch) -> Sql:
        value, parts = self.dialect.placeholder, []
        if self.query.since is not None:
            parts.append(Sql(f"created_at >= {value}", (self.query.since,)))
        # What has not begun is in no list, and so there is always an end.
        until = NEVER if self.query.until is None else self.query.until
        parts.append(Sql(f"created_at < {value}", (until,)))
        for cursor, side, number in ((stretch.after, "<", "<"), (stretch.until, ">", ">=")):
            if cursor is not None:
                at, no = cursor
                tie = f"(created_at <> {value} OR no {number} {value})"
                parts.append(Sql(f"created_at {side}= {value} AND {tie}", (at, at, no)))
        return all_of(parts)

    def _by(self, index: str) -> str:
        return self.dialect.indexed_by.format(index)
