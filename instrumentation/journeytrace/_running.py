"""A check between its start and its end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from opentelemetry.trace import StatusCode

from journeytrace import _settings
from journeytrace._described import Described, Details, fail, fields_of, with_fields
from journeytrace._metadata import Value, clean
from journeytrace.conventions import ERROR_TYPE, EVENT_RESULT, Impact, Result

if TYPE_CHECKING:
    from collections.abc import Mapping

    from journeytrace._emit import Emitter

__all__ = ["RunningCheck"]

MAX_OBSERVED: Final = 100
"""Span events per check. A span holds 128, and past that the SDK drops the oldest ones."""


class RunningCheck:
    """The span of a check that has a journey to go to."""

    __slots__ = ("_described", "_emitter", "_metadata", "_observed", "_span")

    def __init__(self, emitter: Emitter, passed: Described, metadata: dict[str, Value]) -> None:
        self._emitter = emitter
        self._described = emitter.identified(passed, metadata)
        self._metadata = metadata
        self._observed = 0
        # It says PASS from the start: nobody sees a span before its end, and most checks pass.
        self._span = emitter.start(self._described, metadata, emitter.now())

    def add(self, attributes: Mapping[str, object] | None, metadata: Mapping[str, object]) -> None:
        """Add metadata."""
        name, _, own = self._described
        self._metadata = clean(name, own, attributes, metadata, self._metadata)
        self._become(self._described)

    def identify(self, said: Details) -> None:
        """Say more of the session."""
        if fields := fields_of(self._described.name, said):
            self._become(with_fields(self._described, fields))

    def fail(self, impact: object, error_code: object) -> None:
        """Turn PASS into FAIL, for `impact` None with the catalogue's."""
        spec = _settings.current().catalogue.events.get(self._described.name)
        usual = spec.impact if spec else None
        self._become(fail(self._described, impact, usual, error_code))

    def fail_by(self, error: BaseException, details: Details) -> None:
        """Fail by an exception, which is no judgement: an earlier `fail` holds, the catalogue not.

        An impact that the host named for failures holds too, but not when the task was cancelled.
        """
        if self._described.attributes[EVENT_RESULT] != Result.FAIL:
            named = details.impact if isinstance(error, Exception) else None
            self._become(fail(self._described, named, Impact.NONE, details.error_code))
        kind = type(error).__qualname__
        own = {**self._described.attributes, ERROR_TYPE: kind}
        self._become(self._described._replace(attributes=own))
        self._span.set_status(StatusCode.ERROR, kind)
        if _settings.current().record_exceptions:
            # Last, for it runs the exception's own code.
            self._span.record_exception(error, timestamp=self._emitter.now())

    def observe(
        self,
        event: object,
        details: Details,
        attributes: Mapping[str, object] | None,
        metadata: Mapping[str, object],
    ) -> None:
        """Record another event as a span event, or as a span when there are too many."""
        described = _settings.current().describe(event, details)
        if described is None:
            return
        kept = clean(described.name, described.attributes, attributes, metadata)
        self._observed += 1
        if self._observed > MAX_OBSERVED:
            self._emitter.record(described, kept)
        else:
            self._emitter.observe(self._span, described, kept)

    def end(self) -> None:
        """End the span."""
        self._span.end(self._emitter.now())

    def _become(self, described: Described) -> None:
        self._described = described
        self._emitter.update(self._span, described, self._metadata)
