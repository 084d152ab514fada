"""Typed reading of TOML tables: every complaint says where, what, and what to write instead."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING, Final, TypeVar

from journeytrace.conventions import is_name
from journeytrace.errors import CatalogueError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

__all__ = ["TomlTable"]

T = TypeVar("T")

_LISTED: Final = 20
"""Longer lists of allowed values, such as all event names, would hide what else a message says."""

MAX_TEXT: Final = 500
"""Characters of a meaning: it is shown in tables, and read out loud."""


class TomlTable:
    """One table, with the file and the key path under which it stands.

    What is missing, of the wrong type or not among the allowed values raises CatalogueError.
    """

    def __init__(self, data: Mapping[str, object], file: str, path: str = "") -> None:
        self._data = data
        self._file = file
        self._path = path

    def over(self, defaults: Mapping[str, object]) -> TomlTable:
        """Give this table with `defaults` for the keys that it leaves out; None is no default."""
        known = {key: value for key, value in defaults.items() if value is not None}
        return TomlTable(known | dict(self._data), self._file, self._path)

    def has(self, key: str) -> bool:
        """Whether `key` is there, whatever it holds."""
        return key in self._data

    def allow(self, *keys: str) -> None:
        """Fail on the first key that is none of `keys`."""
        for key, value in self._data.items():
            if key not in keys:
                wrong = "is no key of this table"
                if self._path and isinstance(value, dict):
                    above, _, name = self._path.rpartition(".")
                    header = f'[{above}."{name}.{key}"]'
                    wrong += f" (if the dot is part of a name, write {header})"
                raise self.error(key, wrong, keys)

    def tables(self) -> Iterator[tuple[str, TomlTable]]:
        """Give every entry, all of which have to be tables with a usable name."""
        for key in self._data:
            if not is_name(key):
                advice = "write 1 to 128 printable characters, without space around them"
                raise self.error(key, f"is no usable name; {advice}")
            yield key, self.table(key)

    def table(self, key: str) -> TomlTable:
        """Give the table under `key`; an empty one if there is none."""
        value = self._data.get(key, {})
        if not isinstance(value, dict):
            header = f"[{self._under(key)}]"
            raise self.error(
                key, f"is {_kind(value)}, not a table; write {header} and keys below it"
            )
        return TomlTable(value, self._file, self._under(key))

    def switch(self, key: str) -> bool:
        """Give true or false; false: it is not there."""
        value = self._data.get(key, False)
        if not isinstance(value, bool):
            raise self.error(key, f"is {_kind(value)}; write true or leave it out")
        return value

    def boolean(self, key: str) -> bool:
        """Give true or false."""
        value = self._data.get(key)
        if not isinstance(value, bool):
            raise self.error(key, f"is {_kind(value)}; write true or false")
        return value

    def is_list(self, key: str) -> bool:
        """Whether a list is there."""
        return isinstance(self._data.get(key), list)

    def text(self, key: str, most: int = MAX_TEXT) -> str:
        """Give a string with something in it, of at most `most` characters, in one line."""
        value = " ".join(self._get(key, str, "a string in quotes").split())
        if not value:
            raise self.error(key, "is empty; write a string with something in it")
        if len(value) > most:
            raise self.error(key, f"has {len(value)} characters; write at most {most}")
        return value

    def optional_text(self, key: str, most: int = MAX_TEXT) -> str | None:
        """Give such a string; None: it is not there, or empty."""
        return self.text(key, most) if self._data.get(key, "") != "" else None

    def choice(self, key: str, among: Collection[str]) -> str:
        """Give a string that is one of `among`."""
        wanted = f"one of {', '.join(among)}" if len(among) <= _LISTED else "a string in quotes"
        value = self._get(key, str, wanted)
        if value not in among:
            raise self.error(key, f'is "{value}", which is not known', among, value)
        return value

    def optional_choice(self, key: str, among: Collection[str]) -> str | None:
        """Give a string that is one of `among`; None: it is not there, or empty."""
        return self.choice(key, among) if self._data.get(key, "") != "" else None

    def choices(self, key: str, among: Collection[str]) -> tuple[str, ...]:
        """Give a list of strings, each of them one of `among`."""
        values = self._get(key, list, 'a list such as ["STEP1", "STEP2"]')
        items = {f"{key}[{place}]": value for place, value in enumerate(values)}
        row = TomlTable(items, self._file, self._path)
        return tuple(row.choice(item, among) for item in items)

    def texts(self, key: str) -> tuple[str, ...]:
        """Give a list of strings, each with something in it."""
        values = self._get(key, list, "a list of strings")
        items = {f"{key}[{place}]": value for place, value in enumerate(values)}
        row = TomlTable(items, self._file, self._path)
        return tuple(row.text(item) for item in items)

    def error(
        self, key: str, wrong: str, among: Collection[str] = (), value: str | None = None
    ) -> CatalogueError:
        """Make the error for `key`, suggesting what is closest to `value`, or to the key itself."""
        wanted = key if value is None else value
        names = {name.upper(): name for name in among}
        close = get_close_matches(wanted.upper(), names, n=1)
        advice = f'; did you mean "{names[close[0]]}"?' if close else ""
        if 0 < len(among) <= _LISTED:
            advice = f"{advice or '.'} Write one of: {', '.join(among)}"
        elif among and not close:
            advice = f"; write one of the {len(among)} known names"
        return CatalogueError(f"{self._file}: {self._under(key)} {wrong}{advice}")

    def _get(self, key: str, kind: type[T], wanted: str) -> T:
        if key not in self._data:
            raise self.error(key, f"is missing; write {wanted}")
        value = self._data[key]
        if not isinstance(value, kind) or isinstance(value, bool):
            raise self.error(key, f"is {_kind(value)}; write {wanted}")
        return value

    def _under(self, key: str) -> str:
        return f"{self._path}.{key}" if self._path else key


def _kind(value: object) -> str:
    """Name a TOML value's type in TOML's own words."""
    names = {bool: "a boolean", int: "an integer", float: "a float", str: "a string"}
    names |= {list: "an array", dict: "a table"}
    return names.get(type(value), "a date or time")
