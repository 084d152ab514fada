"""The list query as SQL: which index to walk, which to narrow down with, and how far.

Two ways to answer "the newest 50 that match". *Walk* an index that is ordered by creation and skip
what does not match: quick when matches are dense. *Narrow* down by an index of one condition and
sort what it gives: quick when matches are few.

1. An index whose walk meets all conditions by itself is walked.
2. Else a condition that names at most `FEW` sessions narrows down.
3. Else the sparsest walk is taken: the one of whose next `NEAR` rows the last is the oldest, or
   which has no more rows than that. It passes over at most `FAR` rows. If the page is not full by
   then, it ends there, and says how far it has looked.

So no list takes longer than passing over `FAR` rows, and with a million sessions it is complete for
whatever is spread evenly. Where a session's events have to be read one by one, for which nothing
tells in advance, all three limits are a tenth.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import reduce
from operator import and_
from typing import Any, Final, Protocol, TypeAlias

from journeytrace.conventions import TIME_SENT, Impact, Status
from journeytrace.identity import read_support_code
from journeytrace_collector.core.derive import Phase
from journeytrace_collector.core.marks import CORRECTED, OneEvent
from journeytrace_collector.store.base import Cursor, SessionQuery

__all__ = [
    "FAR",
    "FEW",
    "NEAR",
    "POSTGRESQL",
    "SQLITE",
    "Ask",
    "Dialect",
    "Listed",
    "Listing",
    "Sql",
]

NEAR: Final = 1_000
"""Rows of each index that are counted to tell which one to walk."""
FEW: Final = 5_000
"""Rows that are fetched one by one and sorted."""
FAR: Final = 10_000
"""Rows that a walk passes over."""
_DEARER: Final = 10
"""How many times dearer a row is whose events have to be read one by one."""

_LAST_CHARACTER: Final = "\U0010ffff"
_NEWEST_FIRST: Final = "ORDER BY created_at DESC, no DESC"
# What the index of events is about; in these very words, by which databases know it again.
_MARKED: Final = "(impact <> 'NONE' OR result = 'FAIL')"
_IS_CORRECTED: Final = f"(marks & {CORRECTED}) <> 0"


@dataclass(frozen=True, slots=True)
class Sql:
    """A piece of SQL with the values for its placeholders."""

    text: str
    values: tuple[object, ...] = ()

    def __and__(self, other: Sql) -> Sql:
        return Sql(f"{self.text} AND {other.text}", self.values + other.values)


class Ask(Protocol):
    """Runs a query; `walking`: indexes are to be read in their order, whatever it costs."""

    def __call__(self, sql: Sql, *, walking: bool) -> list[tuple[Any, ...]]: ...


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
    fence: str
    """What keeps a subquery from being joined with what stands around it."""
    contains: str
    """Whether the column ``{}`` contains a placeholder."""
    among: str
    """The numbers that are packed in a placeholder."""
    pack: Callable[[list[int]], str]


SQLITE: Final = Dialect(
    "?",
    "{} COLLATE NOCASE",
    "?",
    " INDEXED BY {}",
    "",
    "instr({}, ?) > 0",
    "SELECT value FROM json_each(?)",
    str,
)
POSTGRESQL: Final = Dialect(
    "%s",
    "lower({})",
    'lower(%s COLLATE "C")',
    "",
    f" {_NEWEST_FIRST} OFFSET 0",
    "strpos({}, %s) > 0",
    "SELECT unnest(%s::bigint[])",
    lambda numbers: "{" + str(numbers)[1:-1] + "}",
)


@dataclass(frozen=True, slots=True)
class Walk:
    """An index that is ordered by creation."""

    index: str
    meets: tuple[str, ...] = ()
    """Conditions that it begins with, by name."""
    within: tuple[Sql, ...] = ()
    """What it is restricted to besides, without which it cannot be used."""


@dataclass(frozen=True, slots=True)
class Narrow:
    """An index of conditions: it gives the numbers of the sessions that meet them."""

    sql: Sql
    meets: tuple[str, ...]


Row: TypeAlias = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Listed:
    """Rows of one page: created_at, no, state, settled_at, revision."""

    rows: list[Row]
    next: Cursor | None
    """Where the next page starts; None: there is none."""
    searched_until: int | None = None
    """The walk has ended at this time (ns), with no full page and not at the end."""


@dataclass(frozen=True, slots=True)
class _Stretch:
    """The rows of an index behind one and down to another; None: from the first, to the last."""

    after: Cursor | None = None
    until: Cursor | None = None


@dataclass(frozen=True)
class Listing:
    """One list query, in the SQL of one database."""

    query: SessionQuery
    now: int
    """ns"""
    idle_timeout: int
    """ns"""
    dialect: Dialect = SQLITE
    conditions: dict[str, Sql] = field(init=False)
    """What has to be met beside the range of time, by name; the dearest stands last."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "conditions", dict(self._conditions()))

    def answer(self, ask: Ask) -> Listed:
        """Find one page."""
        walks = list(self.walks())
        for walk in walks:
            if set(walk.meets) == set(self.conditions):
                return self._full(ask(self.page(walk), walking=True))
        cost = _DEARER if self._reads_events else 1
        for narrow in self.narrows():
            if (few := self._few(ask, narrow, FEW // cost)) is not None:
                return self._full(ask(self.sorted(narrow, few), walking=False))
        return self._walk(ask, walks, NEAR // cost, FAR // cost)

    def _few(self, ask: Ask, narrow: Narrow, few: int) -> list[int] | None:
        limited = Sql(f"{narrow.sql.text} LIMIT {few + 1}", narrow.sql.values)
        numbers = [no for (no,) in ask(limited, walking=False)]
        return numbers if len(numbers) <= few else None

    def _full(self, rows: list[Row]) -> Listed:
        limit = self.query.limit
        if len(rows) <= limit:
            return Listed(rows, None)
        return Listed(rows[:limit], (rows[limit - 1][0], rows[limit - 1][1]))

    def _walk(self, ask: Ask, walks: list[Walk], near: int, far: int) -> Listed:
        ends: list[tuple[Cursor, Walk]] = []
        for walk in walks:
            end = self._end(ask, walk, _Stretch(self.query.after), near)
            if end is None:
                return self._full(ask(self.page(walk), walking=True))
            ends.append((end, walk))
        end, walk = min(ends, key=lambda one: one[0])
        rows: list[Row] = []
        stretch = _Stretch(self.query.after, end)
        for more in (far - near, 0):
            missing = self.query.limit + 1 - len(rows)
            rows += ask(self.page(walk, stretch, missing), walking=True)
            if len(rows) > self.query.limit or stretch.until is None:
                return self._full(rows)
            end = stretch.until
            if more:
                following = _Stretch(end)
                stretch = _Stretch(end, self._end(ask, walk, following, more))
        return Listed(rows, end, end[0])

    def _end(self, ask: Ask, walk: Walk, stretch: _Stretch, count: int) -> Cursor | None:
        found = ask(self.end(walk, stretch, count), walking=True)
        return (found[0][0], found[0][1]) if found else None

    def end(self, walk: Walk, stretch: _Stretch, count: int) -> Sql:
        """Give the query for the row with which so many have been passed over."""
        source = f"sessions{self._by(walk.index)}"
        within = self._within(walk, stretch)
        text = (
            f"SELECT created_at, no FROM {source} WHERE {within.text} {_NEWEST_FIRST}"
            f" LIMIT 1 OFFSET {count - 1}"
        )
        return Sql(text, within.values)

    def page(self, walk: Walk, stretch: _Stretch | None = None, limit: int | None = None) -> Sql:
        """Give the query for what matches on a stretch of a walk; no limit: a page and a row."""
        within = self._within(walk, stretch or _Stretch(self.query.after))
        # As a subquery, so that nothing but the index decides where it walks.
        inner = f"SELECT * FROM sessions{self._by(walk.index)} WHERE {within.text}"
        source = f"({inner}{self.dialect.fence}) AS sessions"
        rest = self._all(name for name in self.conditions if name not in walk.meets)
        return self._select(source, within.values, rest, limit)

    def sorted(self, narrow: Narrow, few: list[int]) -> Sql:
        """Give the query for a page of sessions with these numbers."""
        among = Sql(f"no IN ({self.dialect.among})", (self.dialect.pack(few),))
        rest = self._all(name for name in self.conditions if name not in narrow.meets)
        return self._select("sessions", (), among & self._range(_Stretch(self.query.after)) & rest)

    def _select(
        self, source: str, given: tuple[object, ...], where: Sql, limit: int | None = None
    ) -> Sql:
        text = (
            f"SELECT created_at, no, state, settled_at, revision FROM {source} WHERE {where.text}"
            f" {_NEWEST_FIRST} LIMIT {self.dialect.placeholder}"
        )
        most = self.query.limit + 1 if limit is None else limit
        return Sql(text, (*given, *where.values, most))

    def walks(self) -> Iterator[Walk]:
        """Give the walks that there are for these conditions."""
        status, decision = "status" in self.conditions, "decision" in self.conditions
        if status and decision:
            yield Walk("sessions_phase_decision", ("status", "decision"))
        elif status:
            yield Walk("sessions_phase", ("status",))
        elif decision:
            yield Walk("sessions_decision", ("decision",))
        for name, index in _INDEXES.items():
            # What is NULL stands in none of them.
            if getattr(self.query, name):
                yield Walk(index, (name,))
        if self.query.event is not None and self.query.event.corrected:
            meets = ("event",) if self.query.event.told_by_marks else ()
            yield Walk("sessions_corrected", meets, (Sql(_IS_CORRECTED),))
        yield Walk("sessions_created")

    def narrows(self) -> Iterator[Narrow]:
        """Give the ways to narrow down, the best first."""
        if self.query.search is not None:
            ranges = [
                Sql(
                    f"SELECT no FROM sessions{self._by(f'sessions_{field}')} WHERE {begins.text}",
                    begins.values,
                )
                for field, begins in self._searches()
            ]
            # Not UNION, which would read all of the ranges before a LIMIT could end it.
            yield Narrow(_joined(" UNION ALL ", ranges) or Sql(_NONE), ("search",))
        if "idle" in self.conditions:
            where = Sql("phase = 'OPEN'") & self.conditions["idle"]
            text = f"SELECT no FROM sessions{self._by('sessions_idle')} WHERE {where.text}"
            yield Narrow(Sql(text, where.values), ("status", "idle"))
        wanted = self.query.event
        if wanted is not None and wanted.indexed:
            where = self._of_event(wanted)
            text = f"SELECT session_no FROM events{self._by('events_marked')} WHERE {where.text}"
            yield Narrow(Sql(text, where.values), ("marks", "event"))

    def _conditions(self) -> Iterator[tuple[str, Sql]]:
        query, value = self.query, self.dialect.placeholder
        if query.status is not None:
            yield "status", Sql(f"phase = {value}", (_phase(query.status).value,))
        if query.decision is not None:
            yield "decision", Sql(f"decision = {value}", (query.decision.value,))
        elif query.undecided:
            yield "decision", Sql("decision IS NULL")
        for name, column in _COLUMNS.items():
            wanted = getattr(query, name)
            if wanted:
                same = Sql(f"{column} = {value}", (wanted,))
                yield name, self._folded(column, wanted) & same if name == "project" else same
            elif wanted is not None:
                yield name, Sql(f"{column} IS NULL")
        if query.status is Status.DROPPED:
            yield "idle", Sql(f"idle_at <= {value}", (self.now - self.idle_timeout,))
        elif query.status is Status.IN_PROGRESS:
            yield "idle", Sql(f"idle_at > {value}", (self.now - self.idle_timeout,))
        if query.search is not None:
            either = _joined(" OR ", [Sql(f"({b.text})", b.values) for _, b in self._searches()])
            yield "search", Sql(f"({either.text})", either.values) if either else Sql("FALSE")
        if query.event is not None and query.event != OneEvent():
            yield from self._of_marks(query.event)

    def _of_marks(self, wanted: OneEvent) -> Iterator[tuple[str, Sql]]:
        marks, value = wanted.marks, self.dialect.placeholder
        marked = Sql(f"(marks & {value}) = {value}", (marks, marks))
        if wanted.told_by_marks:
            yield "event", marked
            return
        if marks:
            yield "marks", marked
        # A scalar, for PostgreSQL would make a join of EXISTS and read all such events first.
        of_session = Sql("session_no = sessions.no") & self._of_event(wanted)
        index = "events_marked" if self._is_exact(wanted) else "events_identity"
        text = f"(SELECT 1 FROM events{self._by(index)} WHERE {of_session.text} LIMIT 1) IS NOT NULL"
        yield "event", Sql(text, of_session.values)

    def _of_event(self, wanted: OneEvent) -> Sql:
        """Give the condition that one event meets."""
        value = self.dialect.placeholder
        where = Sql(_MARKED) if wanted.indexed else Sql("TRUE")
        if wanted.impact is not None:
            where &= Sql(f"impact = {value}", (wanted.impact.value,))
        elif wanted.indexed:
            # The index begins with the impact: each of them is one range of it.
            where &= Sql(f"impact IN ({', '.join([value] * len(Impact))})", tuple(Impact))
        for column in ("name", "result", "source"):
            if (given := getattr(wanted, column)) is not None:
                where &= Sql(f"{column} = {value}", (str(given),))
        if wanted.corrected:
            where &= Sql(self.dialect.contains.format("metadata"), (f'"{TIME_SENT}":',))
        return where

    def _is_exact(self, wanted: OneEvent) -> bool:
        """Whether the index of events leads to those of one session."""
        return wanted.indexed and wanted.name is not None

    @property
    def _reads_events(self) -> bool:
        wanted = self.query.event
        return "event" in self.conditions and not (
            wanted is None or wanted.told_by_marks or self._is_exact(wanted)
        )

    def _within(self, walk: Walk, stretch: _Stretch) -> Sql:
        return reduce(and_, walk.within, self._all(walk.meets)) & self._range(stretch)

    def _all(self, names: Iterator[str] | tuple[str, ...]) -> Sql:
        return reduce(and_, (self.conditions[name] for name in names), Sql("TRUE"))

    def _range(self, stretch: _Stretch) -> Sql:
        query, value = self.query, self.dialect.placeholder
        where = Sql("TRUE")
        if query.since is not None:
            where &= Sql(f"created_at >= {value}", (query.since,))
        if query.until is not None:
            where &= Sql(f"created_at < {value}", (query.until,))
        for cursor, way, number in ((stretch.after, "<", "<"), (stretch.until, ">", ">=")):
            if cursor is not None:
                at, no = cursor
                text = f"created_at {way}= {value} AND (created_at <> {value} OR no {number} {value})"
                where &= Sql(text, (at, at, no))
        return where

    def _by(self, index: str) -> str:
        return self.dialect.indexed_by.format(index)

    def _folded(self, column: str, text: str) -> Sql:
        return Sql(f"{self.dialect.folded.format(column)} = {self.dialect.folds}", (text,))

    def _searches(self) -> Iterator[tuple[str, Sql]]:
        for name in self.query.fields:
            text, column, value = self.query.search, self.dialect.folded.format(name), self.dialect.folds
            if name == "support_code":
                text, column, value = read_support_code(text or ""), name, self.dialect.placeholder
            if text is not None:
                begins = f"{column} >= {value} AND {column} < {value}"
                yield name, Sql(begins, (text, text + _LAST_CHARACTER))


_COLUMNS: Final = {
    "project": "project_id",
    "reason": "reason",
    "error_code": "last_error_code",
    "stage": "stage",
}
_INDEXES: Final = {name: f"sessions_{column}" for name, column in _COLUMNS.items()}
_NONE: Final = "SELECT no FROM sessions WHERE FALSE"


def _phase(status: Status) -> Phase:
    return Phase.OPEN if status in {Status.IN_PROGRESS, Status.DROPPED} else Phase(status.value)


def _joined(by: str, parts: list[Sql]) -> Sql | None:
    values = sum((part.values for part in parts), ())
    return Sql(by.join(part.text for part in parts), values) if parts else None
