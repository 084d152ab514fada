"""The desk, the pages for people: found by its entry point, never imported (DESIGN section 13)."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import entry_points
from typing import Final

from aiohttp import web

from journeytrace.catalogue import Catalogue
from journeytrace_collector.admin.acting import Acting, Note
from journeytrace_collector.admin.reporting import Reporting
from journeytrace_collector.clock import Clock
from journeytrace_collector.errors import ConfigError
from journeytrace_collector.hosts import Hosts
from journeytrace_collector.insight.conformance import Rules
from journeytrace_collector.recording import Record
from journeytrace_collector.settings import Settings
from journeytrace_collector.store.base import Store

__all__ = ["GROUP", "DeskContext", "asked_for", "is_installed", "load_desk"]

_log = logging.getLogger(__name__)

GROUP: Final = "journeytrace.desk"


@dataclass(frozen=True, slots=True)
class DeskContext:
    """What the desk may know of the collector that it belongs to."""

    settings: Settings
    store: Store
    """For reading."""
    clock: Clock
    catalogue: Catalogue
    hosts: Hosts
    """The names under which it may be asked."""
    record: Record
    """Keeps what people do with a session."""
    acting: Acting
    """Keeps what else they do, and does what only an admin may."""
    reports: Reporting
    """Makes reports of sessions."""
    rules: Rules
    """What sessions are held against."""
    source: Clock | None = None
    """Tells the time by which a status holds: what has come in so far. None: `clock`."""

    @property
    def act(self) -> Note:
        """Keeps that somebody did something that belongs to no session: `Acting.note`."""
        return self.acting.note

    @property
    def idle_timeout(self) -> int:
        """In ns."""
        return round(self.settings.idle_timeout.total_seconds() * 1e9)


Factory = Callable[[DeskContext], web.Application]
"""What the entry point names."""


def load_desk(context: DeskContext) -> web.Application | None:
    """Make the desk; None: there is to be none, or what it needs is not installed.

    Raises:
        ConfigError: an address was given for it, but it is not installed.
    """
    if context.settings.desk is None:
        return None
    found = _find()
    if not isinstance(found, str):
        return found(context)
    if asked_for(context.settings):
        raise ConfigError(f"desk: {found}")
    _log.info("there is no desk: it %s", found)
    return None


def is_installed() -> bool:
    """Whether there is a desk to be opened, with all that it needs."""
    return not isinstance(_find(), str)


def _find() -> Factory | str:
    """Give what makes the desk, or say what is missing."""
    for point in entry_points(group=GROUP):
        try:
            factory: Factory = point.load()
        except ImportError as error:
            return f"needs {error.name}: pip install 'journeytrace[desk]'"
        return factory
    return "is not installed"


def asked_for(settings: Settings) -> bool:
    """Whether somebody said where the desk shall be, or who may open it.

    Else it never keeps a collector from going.
    """
    return not settings.model_fields_set.isdisjoint({"desk", "desk_access"})
