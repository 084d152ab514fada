"""The short way of calls that say nothing but an event's name and its metadata, as most calls do.

To fit a call to a dozen parameters that it does not use takes Python longer than all that is to be
done with it. So each of these methods has a second self that takes its plain calls, and leaves all
others to it. What a caller, a type checker and ``help`` see is the method.
"""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING, ParamSpec, TypeVar, cast

from journeytrace import _settings
from journeytrace._check import Check
from journeytrace._described import NOTHING
from journeytrace._diagnostics import report_fault, report_lost
from journeytrace._metadata import is_usual

if TYPE_CHECKING:
    from collections.abc import Callable

    from journeytrace._journey import Journey

__all__ = ["checked_plainly", "recorded_plainly"]

P = ParamSpec("P")
R = TypeVar("R")


def recorded_plainly(method: Callable[P, None]) -> Callable[P, None]:
    """Give `Journey.record`, which `method` is, its short way."""
    in_full = cast("Callable[..., None]", method)

    @wraps(method)
    def record(self: Journey, event: object, /, **metadata: object) -> None:
        if not is_usual(metadata):
            in_full(self, event, **metadata)
            return
        try:
            emitter = self._emitter
            if emitter is None:
                report_lost(event)
                return
            settings = _settings.installed or _settings.current()
            known = settings.recorded.get(event) if isinstance(event, str) else None
            described = known or settings.describe(event, NOTHING)
            if described is not None:
                emitter.record(settings.tracer, described, metadata)
        except Exception as error:
            report_fault(error)

    return cast("Callable[P, None]", record)


def checked_plainly(method: Callable[P, Check]) -> Callable[P, Check]:
    """Give `Journey.check`, which `method` is, its short way."""
    in_full = cast("Callable[..., Check]", method)

    @wraps(method)
    def check(self: Journey, event: object, /, **metadata: object) -> Check:
        if not is_usual(metadata):
            return in_full(self, event, **metadata)
        return Check(self._emitter, event, NOTHING, None, metadata, metadata)

    return cast("Callable[P, Check]", check)
