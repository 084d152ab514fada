"""Lists of people: FollowTheMoney entities, one JSON object a line."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from journeytrace_collector.core.screening import Category
from journeytrace_exporters.screening.local.match import Person, keys_of
from journeytrace_exporters.screening.local.names import name_of
from journeytrace_exporters.screening.screener import ScreenerError, categories_of

__all__ = ["Entry", "Limits", "List", "ListFile", "read_list", "stamp_of", "version_of"]

_log = logging.getLogger(__name__)

_SCHEMATA: Final = frozenset({"Person", "LegalEntity"})
"""What a person can be. All else is passed over: companies, vessels, passports."""
_MAX_LINE: Final = 1024 * 1024
_MAX_NAMES: Final = 100
_MOST_TOLD: Final = 20
"""Bad lines of a list that are told one by one."""

Stamp = tuple[int, int, int]
"""By which a file is known to be another: (inode, size, time of change in ns)."""


class _Properties(msgspec.Struct, rename="camel"):
    name: list[str] = []
    alias: list[str] = []
    previous_name: list[str] = []
    first_name: list[str] = []
    last_name: list[str] = []
    birth_date: list[str] = []
    nationality: list[str] = []
    citizenship: list[str] = []
    country: list[str] = []
    topics: list[str] = []


class _Entity(msgspec.Struct):
    id: str
    schema: str
    properties: _Properties
    caption: str = ""
    datasets: list[str] = []
    referents: list[str] = []


_entity = msgspec.json.Decoder(_Entity).decode


@dataclass(frozen=True, slots=True)
class ListFile:
    """Where a list is, and what it is about."""

    name: str
    path: Path
    covers: frozenset[Category]
    """The categories of which it can be said that somebody is not on it."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What a list may weigh. One that weighs more is not searched at all."""

    size: int
    """Bytes of the file."""
    entries: int


class Entry(NamedTuple):
    """Somebody on a list."""

    id: str
    caption: str
    person: Person
    categories: tuple[Category, ...]
    lists: tuple[str, ...]
    referents: tuple[str, ...]


@dataclass(slots=True)
class List:
    """A list as it was read."""

    file: ListFile
    stamp: Stamp
    digest: str = ""
    entries: list[Entry] = field(default_factory=list)
    unread: int = 0
    """Lines that could not be read."""
    _index: defaultdict[str, list[int]] = field(default_factory=lambda: defaultdict(list))

    def add(self, entry: Entry) -> None:
        """Put somebody on the list."""
        number = len(self.entries)
        self.entries.append(entry)
        for key in {key for name in entry.person.names for key in keys_of(name_of(name))}:
            self._index[key].append(number)

    def candidates(self, names: Sequence[str]) -> list[Entry]:
        """Give all who share something with one of the names."""
        keys = {key for name in names for key in keys_of(name_of(name))}
        found = {number for key in keys for number in self._index.get(key, ())}
        return [self.entries[number] for number in sorted(found)]


def stamp_of(path: Path) -> Stamp:
    """Say by what a file is known.

    Raises:
        ScreenerError: there is none.
    """
    try:
        found = path.stat()
    except OSError as error:
        raise ScreenerError(f"{path}: {error.strerror}") from error
    return found.st_ino, found.st_size, found.st_mtime_ns


def read_list(file: ListFile, limits: Limits) -> List:
    """Read a list. A bad line is told by its number and passed over.

    Raises:
        ScreenerError: it cannot be read, is too long, or nobody is on it: a list on which nobody is
            would clear everybody.
    """
    stamp = stamp_of(file.path)
    if stamp[1] > limits.size:
        raise ScreenerError(f"{file.path}: is larger than {limits.size} bytes, see max_size")
    found, digest = List(file, stamp), sha256()
    try:
        with file.path.open("rb") as lines:
            number = 0
            while line := lines.readline(_MAX_LINE + 1):
                number += 1
                digest.update(line)
                if len(line) > _MAX_LINE and not line.endswith(b"\n"):
                    _pass_over(found, number, f"is longer than {_MAX_LINE} bytes")
                    while rest := lines.readline(_MAX_LINE):
                        digest.update(rest)
                        if rest.endswith(b"\n"):
                            break
                elif line.strip():
                    _take(found, number, line)
                if len(found.entries) > limits.entries:
                    problem = f"holds more than {limits.entries} people, see max_entries"
                    raise ScreenerError(f"{file.path}: {problem}")
    except OSError as error:
        raise ScreenerError(f"{file.path}: {error.strerror}") from error
    if stamp_of(file.path) != stamp:
        raise ScreenerError(f"{file.path}: is being written")
    if not found.entries:
        raise ScreenerError(f"{file.path}: nobody is on it")
    found.digest = digest.hexdigest()
    _log.info("%s: %d people, %d bad lines", file.path, len(found.entries), found.unread)
    return found


def _take(found: List, number: int, line: bytes) -> None:
    try:
        entity = _entity(line)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        _pass_over(found, number, str(error))
        return
    if entity.schema not in _SCHEMATA:
        return
    names = _names(entity.properties)
    if not names or not entity.id:
        _pass_over(found, number, "has no name" if entity.id else "has no id")
        return
    said = entity.properties
    person = Person(
        names,
        tuple(said.birth_date),
        tuple(
            dict.fromkeys(c.lower() for c in (*said.nationality, *said.citizenship, *said.country))
        ),
    )
    categories = categories_of(said.topics, found.file.covers)
    lists = tuple(entity.datasets) or (found.file.name,)
    caption = entity.caption or names[0]
    found.add(Entry(entity.id, caption, person, categories, lists, tuple(entity.referents)))


def _names(said: _Properties) -> tuple[str, ...]:
    whole = [*said.name, *said.previous_name, *said.alias]
    if not whole:
        whole = [f"{a} {b}" for a in said.first_name for b in said.last_name]
    return tuple(dict.fromkeys(name.strip() for name in whole if name.strip()))[:_MAX_NAMES]


def _pass_over(found: List, number: int, problem: str) -> None:
    found.unread += 1
    if found.unread <= _MOST_TOLD:
        _log.warning("%s: line %d is passed over: %s", found.file.path, number, problem)
    elif found.unread == _MOST_TOLD + 1:
        _log.warning("%s: further bad lines are counted alone", found.file.path)


def version_of(lists: Collection[List]) -> str:
    """Give the version of several lists together: by what is in them, wherever they are."""
    whole = "\n".join(f"{one.file.name} {one.digest}" for one in lists)
    return sha256(whole.encode()).hexdigest()[:16]
