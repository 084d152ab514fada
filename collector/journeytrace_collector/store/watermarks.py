"""Up to when partitions of a log have been stored, shared by all who have the store."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final

from journeytrace_collector.store.sql import SQLITE, Dialect

__all__ = ["READ", "Marks", "advance", "marks_of", "retire"]

Marks = Mapping[tuple[str, int], int]
"""(topic, number of the partition) → ns; see `kafka.watermark`."""

READ: Final = "SELECT topic, partition_no, at FROM watermarks"


def advance(how: Dialect) -> str:
    """Give the statement for (topic, number, ns): none ever goes back, whoever comes late."""
    greater = "max" if how is SQLITE else "greatest"
    return (
        f"INSERT INTO watermarks VALUES ({', '.join([how.placeholder] * 3)})"
        " ON CONFLICT (topic, partition_no)"
        f" DO UPDATE SET at = {greater}(watermarks.at, excluded.at)"
    )


def retire(how: Dialect) -> str:
    """Give the statement that forgets a (topic,) and all its partitions."""
    return f"DELETE FROM watermarks WHERE topic = {how.placeholder}"


def marks_of(rows: Collection[tuple[str, int, int]]) -> dict[tuple[str, int], int]:
    """Read the rows of `READ`."""
    return {(topic, number): at for topic, number, at in rows}
