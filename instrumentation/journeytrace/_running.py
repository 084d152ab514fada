"""A check between its start and its end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from opentelemetry.trace import StatusCode

from journeytrace import _settings
from journeytrace._described import Described, Details, fail, fields_of, with_fields
from journeytrace._diagnostics import report_fault
from journeytrace._metadata import clean
from journeytrace.conventions import ERROR_TYPE, EVENT_RESULT, Impact, Result

if TYPE_CHECKING:
    from collections.abc import Mapping

    from opentelemetry.trace import Span

    from journeytrace._emit import Emitter
    from journeytrace._values import Value

__all__ = ["RunningCheck"]

MAX_OBSERVED: Final = 100
"""Span events per check. A span holds 128, and past that the SDK drops the oldest ones."""


class RunningCheck:
    """What a check is from its start to its end. Each method is told its span.

    A `Check` is one itself, for to make two objects for each check would be felt.
    """

    __slots__ = ("_described", "_details", "_emitter", "_metadata", "_observed")

    _details: Details
    """What the host said of it, also for the case that it fails."""
    _described: Described
    _emitter: Emitter
    _metadata: dict[str, Value]
    _observed: int

    def _add(
        self, span: Span, attributes: Mapping[str, object] | None, metadata: dict[str, object]
    ) -> None:
        """Add metadata."""
        self._metadata = clean(self._described, attributes, metadata, self._metadata)
        self._become(span, self._described)

    def _identify(self, span: Span, said: Details) -> None:
        """Say more of the session."""
        if fields := fields_of(self._described.name, said):
            self._become(span, with_fields(self._described, fields))

    def _fail(self, span: Span, impact: object, error_code: object) -> None:
        """Turn PASS into FAIL, for `impact` None with the catalogue's."""
        spec = _settings.current().catalogue.events.get(self._described.name)
        usual = spec.impact if spec else None
        self._become(span, fail(self._described, impact, usual, error_code))

    def _fail_by(self, span: Span, error: BaseException) -> None:
        """Fail by an exception, which is no judgement: an earlier `fail` holds, the catalogue not.

        An impact that the host named for failures holds too, but not when the task was cancelled.
        """
        if self._described.attributes[EVENT_RESULT] != Result.FAIL:
            named = self._details.impact if isinstance(error, Exception) else None
            failed = fail(self._described, named, Impact.NONE, self._details.error_code)
            self._become(span, failed)
        kind = type(error).__qualname__
        own = {**self._described.attributes, ERROR_TYPE: kind}
        self._become(span, self._described._replace(attributes=own))
        span.set_status(StatusCode.ERROR, kind)
        if _settings.current().record_exceptions:
            # Last, for it runs the exception's own code.
            span.record_exception(error, timestamp=self._emitter.now())

    def _observe(
        self,
        span: Span,
        event: object,
        details: Details,
        attributes: Mapping[str, object] | None,
        metadata: dict[str, object],
    ) -> None:
        """Record another event as a span event, or as a span when there are too many."""
        settings = _settings.current()
        described = settings.describe(event, details)
        if described is None:
            return
        kept = clean(described, attributes, metadata)
        self._observed += 1
        if self._observed > MAX_OBSERVED:
            self._emitter.record(settings.tracer, described, kept)
        else:
            self._emitter.observe(span, described, kept)

    def _end(self, span: Span, error: BaseException | None) -> None:
        """End it, after `error` (None: there is none) has failed it. Never raises."""
        if error is not None:
            try:
                self._fail_by(span, error)
            except Exception as fault:
                report_fault(fault)
        try:
            emitter = self._emitter
            span.end(None if emitter.clock is None else emitter.now())
        except Exception as fault:
            report_fault(fault)

    def _become(self, span: Span, described: Described) -> None:
        self._described = described
        self._emitter.update(span, described, self._metadata)
