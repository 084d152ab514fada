"""A pytest plugin: the fixture `journeys` shows what a test's code recorded.

Installed with ``pip install journeytrace[testing]``; pytest then finds it by itself::

    def test_blurred_picture_asks_for_a_retake(journeys):
        recognise(blurred_picture)
        [event] = journeys.events()
        assert (event.name, event.impact) == ("ID_RECOGNITION", "RETAKE")
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from journeytrace import _settings, conventions

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from opentelemetry.sdk.trace import ReadableSpan
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
    from opentelemetry.util.types import AnyValue

__all__ = ["RecordedEvent", "RecordedJourneys", "journeys"]


@dataclass(frozen=True, slots=True)
class RecordedEvent:
    """One event as it went out."""

    attributes: Mapping[str, AnyValue]
    """Everything on it, the journey's own attributes and the metadata."""
    session_id: str
    at: int
    """When it happened, or began, in nanoseconds since the epoch."""
    duration: int
    """Nanoseconds; 0 for what a check observed."""

    @property
    def name(self) -> str:
        """The event's name."""
        return str(self.attributes[conventions.EVENT_NAME])

    @property
    def source(self) -> str | None:
        """Who saw it: FE or BE. None: not said, and in no catalogue here; the collector knows."""
        return self._text(conventions.EVENT_SOURCE)

    @property
    def stage(self) -> str | None:
        """Where in the journey; None: nowhere in particular."""
        return self._text(conventions.STAGE)

    @property
    def impact(self) -> str | None:
        """What the user felt. None: as with `source`."""
        return self._text(conventions.EVENT_IMPACT)

    @property
    def result(self) -> str | None:
        """PASS or FAIL; None: it was no check."""
        return self._text(conventions.EVENT_RESULT)

    @property
    def reason(self) -> str | None:
        """Why a decision was REJECTED or PENDING; None: not given."""
        return self._text(conventions.REASON)

    @property
    def error_code(self) -> str | None:
        """The code shown to the user; None: none."""
        return self._text(conventions.ERROR_CODE)

    @property
    def metadata(self) -> dict[str, AnyValue]:
        """The attributes that are not the journey's own."""
        own = conventions.ATTRIBUTES
        return {key: value for key, value in self.attributes.items() if key not in own}

    def _text(self, key: str) -> str | None:
        value = self.attributes.get(key)
        return None if value is None else str(value)


class RecordedJourneys:
    """What was recorded since the test began, from any thread."""

    def __init__(self, exporter: InMemorySpanExporter) -> None:
        self._exporter = exporter

    @property
    def spans(self) -> Sequence[ReadableSpan]:
        """The spans behind the events, in the order in which they ended."""
        return self._exporter.get_finished_spans()

    def events(self, session_id: str | None = None) -> list[RecordedEvent]:
        """Give the events of one session (None: of all) by time; a check only once it has ended."""
        found = [event for span in self.spans for event in _events_of(span)]
        mine = [event for event in found if session_id in {None, event.session_id}]
        return sorted(mine, key=lambda event: event.at)

    def names(self, session_id: str | None = None) -> list[str]:
        """Give the names of the events of one session (None: of all) by time."""
        return [event.name for event in self.events(session_id)]

    def clear(self) -> None:
        """Forget what was recorded so far."""
        self._exporter.clear()


@pytest.fixture
def journeys() -> Iterator[RecordedJourneys]:
    """Record all journeys of the test in memory, apart from the process's own tracer provider."""
    try:
        from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415 - an extra, and slow
        from opentelemetry.sdk.trace.export import SimpleSpanProcessor  # noqa: PLC0415
        from opentelemetry.sdk.trace.export.in_memory_span_exporter import (  # noqa: PLC0415
            InMemorySpanExporter,
        )
        from opentelemetry.sdk.trace.sampling import ALWAYS_ON  # noqa: PLC0415
    except ImportError as error:
        message = (
            "the fixture `journeys` needs the OpenTelemetry SDK: pip install journeytrace[testing]"
        )
        raise pytest.UsageError(message) from error
    exporter = InMemorySpanExporter()
    provider = TracerProvider(sampler=ALWAYS_ON, shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    now = _settings.current()
    recording = _settings.Settings(
        now.catalogue, provider, record_exceptions=now.record_exceptions, recording=True
    )
    former = _settings.install(recording)
    try:
        yield RecordedJourneys(exporter)
    finally:
        _settings.install(former)
        provider.shutdown()


def _events_of(span: ReadableSpan) -> Iterator[RecordedEvent]:
    attributes = span.attributes or {}
    session_id = str(attributes.get(conventions.SESSION_ID))
    if conventions.EVENT_NAME in attributes:
        start, end = span.start_time or 0, span.end_time or 0
        yield RecordedEvent(attributes, session_id, start, end - start)
    for event in span.events:
        if event.attributes and conventions.EVENT_NAME in event.attributes:
            yield RecordedEvent(event.attributes, session_id, event.timestamp, 0)
