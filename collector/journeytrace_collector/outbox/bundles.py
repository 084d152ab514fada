"""Parcels that are delivered as one: one of a session is small, and each request costs."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Sequence
from typing import Final

from journeytrace_collector.core.change import Parcel
from journeytrace_collector.outbox.exporter import Exporter
from journeytrace_collector.store.base import OutboxRow

__all__ = ["MAX_BYTES", "bundles", "joined"]

MAX_BYTES: Final = 2 * 1024 * 1024
"""Payload of a bundle: half of what receivers take. A parcel that is larger goes by itself."""


def bundles(rows: Iterable[OutboxRow], exporter: Exporter) -> Iterator[list[OutboxRow]]:
    """Give the rows in the groups that `exporter` joins; what is of one kind stays in its order."""
    open_groups: dict[Hashable, list[OutboxRow]] = {}
    sizes: dict[Hashable, int] = {}
    for row in rows:
        kind = exporter.joins(row.parcel)
        if kind is None:
            yield [row]
            continue
        size = len(row.parcel.payload)
        if kind in open_groups and sizes[kind] + size > MAX_BYTES:
            yield open_groups.pop(kind)
        open_groups.setdefault(kind, []).append(row)
        sizes[kind] = size + (sizes[kind] if len(open_groups[kind]) > 1 else 0)
    yield from open_groups.values()


def joined(rows: Sequence[OutboxRow]) -> Parcel:
    """Give one parcel in place of those of a bundle."""
    first = rows[0].parcel
    payload = b"".join([row.parcel.payload for row in rows])
    return Parcel(first.destination, payload, None, first.headers)
