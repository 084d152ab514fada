"""Pieces of SQL, and how each database spells them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import reduce
from operator import and_
from typing import Final

__all__ = ["POSTGRESQL", "SQLITE", "TRUE", "Dialect", "Sql", "all_of", "any_of"]


@dataclass(frozen=True, slots=True)
class Sql:
    """A piece of SQL with the values for its placeholders."""

    text: str
    values: tuple[object, ...] = ()

    def __and__(self, other: Sql) -> Sql:
        return Sql(f"{self.text} AND {other.text}", self.values + other.values)


TRUE: Final = Sql("TRUE")


def all_of(parts: Iterable[Sql]) -> Sql:
    """Give the condition that all of these are; none: that is met by everything."""
    return reduce(and_, parts, TRUE)


def any_of(parts: Iterable[Sql]) -> Sql:
    """Give the condition that one of these is; none: that nothing meets."""
    several = [Sql("FALSE"), *parts]
    text = " OR ".join(f"({part.text})" for part in several)
    return Sql(f"({text})", sum((part.values for part in several), ()))


@dataclass(frozen=True, slots=True)
class Dialect:
    """How a database spells what SQL leaves open."""

    placeholder: str
    folded: str
    """The column ``{}`` with ASCII letters in one case, as it is indexed."""
    folds: str
    """The same of a placeholder."""
    contains: str
    """Whether the column ``{}`` contains a placeholder."""
    among: str
    """The numbers that are packed in a placeholder."""
    pack: Callable[[list[int]], str]
    indexed_by: str
    """Which index ``{}`` to use; empty: the database knows best."""
    by_number: str
    """To use no index, but to look rows up by their number; empty: as above."""
    at_rest: Mapping[str, tuple[str, str]]
    """By the name of a column that no index holds while a session is open: the one that holds it
    afterwards, and the condition that open sessions meet."""
    fence: str
    """What keeps a subquery from being joined with what stands around it; empty: not needed."""


SQLITE: Final = Dialect(
    placeholder="?",
    folded="{} COLLATE NOCASE",
    folds="?",
    contains="instr({}, ?) > 0",
    among="SELECT value FROM json_each(?)",
    pack=str,
    indexed_by=" INDEXED BY {}",
    by_number=" NOT INDEXED",
    at_rest={},
    fence="",
)
POSTGRESQL: Final = Dialect(
    placeholder="%s",
    folded="lower({})",
    folds='lower(%s COLLATE "C")',
    contains="strpos({}, %s) > 0",
    among="SELECT unnest(%s::bigint[])",
    pack=lambda numbers: "{" + str(numbers)[1:-1] + "}",
    indexed_by="",
    by_number="",
    at_rest={"last_event": ("rest_event", "pending = 'IDLE'")},
    fence=" OFFSET 0",
)
