"""Which spellings are of one name: ``variants.toml``, read once."""

from __future__ import annotations

import tomllib
from collections import defaultdict
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Final, NamedTuple, TypeAlias

__all__ = ["Groups", "Variants", "variants"]

_FILE: Final = Path(__file__).with_name("variants.toml")

Groups: TypeAlias = Mapping[str, frozenset[int]]
"""The rows that a spelling stands in."""


class Variants(NamedTuple):
    """All of the file."""

    korean: Groups
    chinese: Groups
    arabic: Groups
    given: Groups
    particles: frozenset[str]
    """Parts that some write and some leave out."""
    titles: frozenset[str]
    """Parts that are no names."""


@cache
def variants() -> Variants:
    """Give what the file says."""
    with _FILE.open("rb") as file:
        read = tomllib.load(file)
    return Variants(
        _groups(read["korean"]["surnames"]),
        _groups(read["chinese"]["surnames"]),
        _groups(read["arabic"]["names"]),
        _groups(read["given"]["names"]),
        frozenset(read["parts"]["particles"]),
        frozenset(read["parts"]["titles"]),
    )


def _groups(rows: Iterable[Iterable[str]]) -> Groups:
    found: defaultdict[str, set[int]] = defaultdict(set)
    for number, row in enumerate(rows):
        for spelling in row:
            found[spelling].add(number)
    return {spelling: frozenset(numbers) for spelling, numbers in found.items()}
