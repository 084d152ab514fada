"""Many rows in one statement: a text that PostgreSQL reads as an array for each column.

psycopg can write arrays itself, ten times slower: it asks each element for its type.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

__all__ = ["array", "arrays", "unnest"]


def unnest(columns: Mapping[str, str]) -> str:
    """Give the rows that `arrays` makes, as a table ``given`` of the columns {name: type}."""
    values = ", ".join(f"%s::{kind}[]" for kind in columns.values())
    return f"unnest({values}) AS given({', '.join(columns)})"


def arrays(rows: Sequence[Sequence[object]]) -> list[str]:
    """Turn rows, at least one, into one array for each column."""
    return [array(column) for column in zip(*rows, strict=True)]


def array(values: Iterable[object]) -> str:
    """Write texts, numbers and Nones as an array."""
    return "{" + ",".join([_element(value) for value in values]) + "}"


def _element(value: object) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    if isinstance(value, bytes):
        return f'"\\\\x{value.hex()}"'
    return repr(value)
