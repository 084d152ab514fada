"""The exporter protocol: what an exporter gets, when, and what its errors mean.

An exporter is found by its entry point in the group ``journeytrace.exporters``; the entry point's
name is the key of its settings under ``exporters:``. The collector imports no exporter itself.

1. While a transaction is open, `parcels` says what has to leave because of it. Parcels are stored
   in the outbox with the events they come from, so none is lost and none is made up. If it raises
   it is asked again for the parts of that change, and only what fails alone does not leave.
2. Afterwards `deliver` is called for each parcel until it returns: at least once, in order within a
   session. `RetryableExportError` (and any error that nobody foresaw) means later, and that its
   session at this destination waits while others go on;
   `PermanentExportError` means never: the parcel is parked with its reason and counted.
3. `pages` are served on the admin port, for whoever comes and asks instead of being told.
4. `run` goes on beside all that, for what no change is the cause of.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Final

from aiohttp import web

from journeytrace.catalogue import Catalogue, builtin_catalogue, load_catalogue
from journeytrace_collector.clock import Clock
from journeytrace_collector.core.change import Change, Parcel
from journeytrace_collector.errors import ConfigError
from journeytrace_collector.health import Health
from journeytrace_collector.recording import Record
from journeytrace_collector.settings import Settings
from journeytrace_collector.store.base import Store

__all__ = ["GROUP", "Context", "Exporter", "Page", "load_exporters"]

_log = logging.getLogger(__name__)

GROUP: Final = "journeytrace.exporters"

Page = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Exporter:
    """Base of all exporters: each overrides what it needs."""

    wants_traces: bool = False
    """Whether it makes use of `Change.traces`, which cost time to carry."""
    wants_logged: bool = False
    """Whether it makes use of `Change.logged`."""
    at_once: int = 32
    """How many parcels of a destination are taken up at once; more where they join."""

    def parcels(self, change: Change) -> Iterable[Parcel]:  # noqa: ARG002 - for those who override
        """Say what has to leave because of `change`. No I/O: a transaction is open meanwhile.

        It depends on `change` alone, which can be a part of what one transaction changed.
        """
        return ()

    async def deliver(self, parcel: Parcel) -> None:
        """Deliver one parcel; returning means that it arrived.

        Raises:
            RetryableExportError: it can arrive later.
            PermanentExportError: it will never be taken as it is.
        """
        raise NotImplementedError

    def joins(self, parcel: Parcel) -> Hashable | None:  # noqa: ARG002 - as above
        """Say which parcels can be delivered as one, their payloads put one behind the other: those
        of one destination for which it gives the same. None: this one goes by itself."""
        return None

    def destinations(self) -> tuple[str, ...]:
        """Give the destinations that its parcels name."""
        return ()

    def pages(self) -> Mapping[str, Page]:
        """Give what to serve on the admin port, by path."""
        return {}

    async def run(self) -> None:
        """Do what is to be done beside deliveries, until cancelled. It can return at once."""

    async def close(self) -> None:
        """Let go of connections. Nothing is called afterwards."""


@dataclass(frozen=True, slots=True)
class Context:
    """What an exporter may know of the collector that it is made for."""

    section: Mapping[str, Any]
    """Its own settings, unchecked; empty: none were given."""
    settings: Settings
    store: Store
    """For reading."""
    clock: Clock
    health: Health
    record: Record
    """Keeps what came of a delivery as an event of its session; not before deliveries begin."""
    source: Clock | None = None
    """Tells the time by which a status holds: what has come in so far. None: `clock`."""

    @property
    def catalogue(self) -> Catalogue:
        """What the collector goes by; read anew each time."""
        path = self.settings.catalogue
        return load_catalogue(path) if path else builtin_catalogue()


Factory = Callable[[Context], Exporter | None]
"""What the entry point names. None: with these settings there is nothing to do.

Raises `ConfigError` with the key under ``exporters.NAME`` and what is allowed.
"""


def load_exporters(
    settings: Settings,
    store: Store,
    clock: Clock,
    health: Health,
    record: Record,
    *,
    source: Clock | None = None,
) -> dict[str, Exporter]:
    """Make every exporter that is installed and has something to do.

    Raises:
        ConfigError: a section under ``exporters`` is faulty, or belongs to none that is installed.
    """
    found: dict[str, EntryPoint] = {point.name: point for point in entry_points(group=GROUP)}
    for name in settings.exporters:
        if name not in found:
            known = ", ".join(sorted(found)) or "none"
            raise ConfigError(f"exporters.{name}: no such exporter is installed; known: {known}")
    made = {}
    for name, point in sorted(found.items()):
        section = settings.exporters.get(name, {})
        try:
            factory: Factory = point.load()
        except ImportError as error:
            # Ours come with the collector's distribution, what they need with an extra.
            problem = f"needs {error.name}: pip install 'journeytrace[exporters]'"
            if section:
                raise ConfigError(f"exporters.{name}: {problem}") from error
            _log.warning("the exporter %s is off: it %s", name, problem)
            continue
        exporter = factory(Context(section, settings, store, clock, health, record, source))
        if exporter is not None:
            made[name] = exporter
    return made
