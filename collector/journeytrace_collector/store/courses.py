"""What a sample of sessions went through: read once, however many cohorts they are of.

Three steps, so that no question takes longer than some seconds however much is stored:

1. The sessions of a time are counted by an index alone. Of more than `LOOK` only each nth is looked
   at: which ones, their numbers say.
2. Those of them that meet the conditions are found. Of more than are wanted some are left out,
   again by their numbers.
3. What is left is read, `AT_ONCE` sessions at a time, with their events. Between two times anybody
   else gets their turn.

A number is multiplied and divided by a prime: so what comes one after the other is spread evenly,
all samples are parts of each other, and asking again gives the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from typing import Any, Final, NamedTuple

from journeytrace.catalogue import PASSIVE_OF_SERVICES
from journeytrace.conventions import Source, Status
from journeytrace_collector.core.derive import Phase
from journeytrace_collector.insight.groups import KEYS
from journeytrace_collector.insight.tally import Course, Passed
from journeytrace_collector.store.base import Cohort, Sample, Seen, SessionQuery
from journeytrace_collector.store.cohorts import within
from journeytrace_collector.store.conditions import conditions
from journeytrace_collector.store.sql import Dialect, Sql, all_of, any_of

__all__ = ["AT_ONCE", "LOOK", "Sampling"]

_NEEDLES: Final = tuple(f'"{key}":' for keys in KEYS.values() for key in keys)
"""How what tells a group stands in metadata."""

LOOK: Final = 200_000
"""Sessions whose row is looked at, for one cohort."""
AT_ONCE: Final = 250
"""Sessions that are read in one go."""

_PRIME: Final = 2_147_483_647
_FACTOR: Final = 1_327_217_885
"""The golden section of it: so that the next number stands far away, and no two stand close."""
# Without the sign for what is left over, which is a placeholder's to some.
_PLACE: Final = f"(no * {_FACTOR} - no * {_FACTOR} / {_PRIME} * {_PRIME})"


@dataclass(frozen=True, slots=True)
class Sampling:
    """How one store is asked for samples; times are in ns."""

    ask: Callable[[Sql], list[tuple[Any, ...]]]
    how: Dialect
    stages: Sequence[str]
    """The ordered ones, first to last."""
    idle_timeout: int
    now: int

    def sample(self, queries: Sequence[SessionQuery], most: int, *, tells: bool) -> Sample:
        """See `Store.sample`."""
        meets = [self._condition(query) for query in queries]
        parts: dict[Sql, _Part] = {}
        for query, condition in zip(queries, meets, strict=True):
            if condition not in parts:
                parts[condition] = self._part(query, condition, most)
        mine = [parts[condition] for condition in meets]
        numbers = sorted({no for part in parts.values() for no in part.numbers})
        sessions = self._read(numbers, meets, [part.end for part in mine], tells=tells)
        return Sample([part.of for part in mine], [part.end < _PRIME for part in mine], sessions)

    def _condition(self, query: SessionQuery) -> Sql:
        several = conditions(query, self.now, self.idle_timeout, self.how, self.stages)
        window = Cohort(None, query.since, query.until, query.projects)
        return within(window, self.how) & all_of(one for _, one in several)

    def _part(self, query: SessionQuery, meets: Sql, most: int) -> _Part:
        window = within(Cohort(None, query.since, query.until), self.how)
        index = self.how.indexed_by.format("sessions_created")
        count = f"SELECT count(*) FROM sessions{index} WHERE {window.text}"
        ((total,),) = self.ask(Sql(count, window.values))
        share, end = max(1, -(-total // LOOK)), _PRIME
        where = meets
        if share > 1:
            end = _PRIME // share
            where &= Sql(f"{_PLACE} < {self.how.placeholder}", (end,))
        rows = self.ask(Sql(f"SELECT no FROM sessions WHERE {where.text}", where.values))
        numbers = [no for (no,) in rows]
        of = len(numbers) * share
        if len(numbers) > most:
            end = sorted(map(_place, numbers))[most]
            numbers = [no for no in numbers if _place(no) < end]
        return _Part(numbers, of, end)

    def _read(
        self, numbers: list[int], meets: Sequence[Sql], ends: Sequence[int], *, tells: bool
    ) -> Iterator[Seen]:
        for start in range(0, len(numbers), AT_ONCE):
            some = numbers[start : start + AT_ONCE]
            rows, events = self.ask(self._rows(some, meets)), self.ask(self._events(some, tells))
            of = {no: list(several) for no, several in groupby(events, itemgetter(0))}
            for no, status, stage, decision, reason, *met in rows:
                mine, place = of.get(no, []), _place(no)
                passed = [Passed(*one[1:6]) for one in mine]
                yield Seen(
                    Course(Status(status), stage, decision, reason, passed),
                    [one[6] for one in mine if one[6] is not None],
                    tuple(map(bool, met)),
                    tuple(place < end for end in ends),
                )

    def _rows(self, numbers: list[int], meets: Sequence[Sql]) -> Sql:
        status = (
            f"CASE WHEN phase <> '{Phase.OPEN}' THEN phase WHEN idle_at <= {self.how.placeholder}"
            f" THEN '{Status.DROPPED}' ELSE '{Status.IN_PROGRESS}' END"
        )
        met = "".join(f", ({one.text})" for one in meets)
        text = (
            f"SELECT no, {status}, stage, decision, reason{met}"
            f" FROM sessions{self.how.by_number} WHERE no IN ({self.how.among}) ORDER BY no"
        )
        values = sum((one.values for one in meets), (self.now - self.idle_timeout,))
        return Sql(text, (*values, self.how.pack(numbers)))

    def _events(self, numbers: list[int], tells: bool) -> Sql:
        """Give the query for what was passed: nothing that people did."""
        metadata = Sql("NULL")
        if tells:
            contains = self.how.contains.format("metadata")
            telling = any_of(Sql(contains, (needle,)) for needle in _NEEDLES)
            metadata = Sql(f"CASE WHEN {telling.text} THEN metadata END", telling.values)
        services = sorted(PASSIVE_OF_SERVICES)
        passive = ", ".join([self.how.placeholder] * len(services))
        text = (
            "SELECT session_no, name, stage,"
            f" CASE WHEN source = '{Source.BE}' THEN result END, at, duration, {metadata.text}"
            f" FROM events{self.how.indexed_by.format('events_identity')}"
            f" WHERE session_no IN ({self.how.among})"
            f" AND source <> '{Source.OP}' AND name NOT IN ({passive})"
            " ORDER BY session_no, at, event_id"
        )
        return Sql(text, (*metadata.values, self.how.pack(numbers), *services))


class _Part(NamedTuple):
    """The sample of one query."""

    numbers: list[int]
    of: int
    """How many sessions it is of."""
    end: int
    """Below which place they stand."""


def _place(no: int) -> int:
    return no * _FACTOR % _PRIME
