"""The order of stages: each stands after another, so one between two others moves no third."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from journeytrace._toml_table import TomlTable
    from journeytrace.errors import CatalogueError

__all__ = ["read_stages"]

_START = ""
"""What a stage that is first stands after: no stage has this name."""


def read_stages(table: TomlTable, base: Mapping[str, int | None]) -> dict[str, int | None]:
    """Give all stages with their rank, 0 for the first; None: it has no place in the order.

    A stage of `table` stands directly behind the one that it names, before those of `base` that
    stood there; several behind the same one, in the order of the file.

    Raises:
        CatalogueError: a stage stands after one that is unknown, has no place, or stands itself
            after the stage.
    """
    entries = dict(table.tables())
    known = dict.fromkeys((*base, *entries))
    anchors: dict[str, str] = {}
    loose = set()
    for name, entry in entries.items():
        _allow(entry)
        first, anchor = entry.switch("first"), entry.optional_choice("after", known)
        if first and anchor is not None:
            raise entry.error("first", "and after stand together; leave one of them out")
        if first or anchor is not None:
            anchors[name] = anchor or _START
        elif entry.has("after"):
            loose.add(name)
    old = sorted((rank, name) for name, rank in base.items() if rank is not None)
    kept = [name for _, name in old if name not in anchors and name not in loose]
    order = list(_ordered(kept, anchors))
    for name, anchor in anchors.items():
        if name not in order:
            raise _unreached(name, anchor, anchors, entries[name], order)
    ranks = {name: rank for rank, name in enumerate(order)}
    return {name: ranks.get(name) for name in known}


def _allow(entry: TomlTable) -> None:
    if entry.has("order"):
        wrong = 'is no key any more; write after = "…", the stage that comes before this one'
        raise entry.error("order", f"{wrong}, or first = true")
    entry.allow("after", "first")


def _ordered(kept: list[str], anchors: Mapping[str, str]) -> Iterator[str]:
    """Give the stages that `kept` and what stands behind them make, first to last."""
    behind: dict[str, list[str]] = {}
    for name, anchor in anchors.items():
        behind.setdefault(anchor, []).append(name)
    # A list and no recursion: a file may chain more stages than Python nests calls.
    left = [*reversed(kept), *reversed(behind.get(_START, ()))]
    while left:
        name = left.pop()
        yield name
        left += reversed(behind.get(name, ()))


def _unreached(
    name: str, anchor: str, anchors: Mapping[str, str], entry: TomlTable, order: list[str]
) -> CatalogueError:
    """Say why a stage has found no place: its chain goes in a circle or hangs on nothing."""
    path = [name]
    while path[-1] in anchors and anchors[path[-1]] not in path:
        path.append(anchors[path[-1]])
    if path[-1] in anchors:
        circle = " after ".join((*path, anchors[path[-1]]))
        wrong = f'is "{anchor}", and that goes in a circle ({circle}); break it'
    else:
        wrong = f'is "{anchor}", but stage "{path[-1]}" has no place itself; give it one'
    choice = f"Write one of: {', '.join(order)}" if order else "Write first = true"
    return entry.error("after", f"{wrong}, or choose another. {choice}")
