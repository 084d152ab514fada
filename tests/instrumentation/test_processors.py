from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import (
    LogRecordExporter,
    LogRecordExportResult,
    SimpleLogRecordProcessor,
)
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from journeytrace import Event, Journey, _settings
from journeytrace.instrumentor import SESSION_ID_VARIABLE, JourneyInstrumentor
from journeytrace.processors import SessionLogRecordProcessor, SessionSpanProcessor

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from opentelemetry.sdk._logs import ReadableLogRecord

    from journeytrace.testing import RecordedJourneys

    Counted = Callable[[], Mapping[str, int]]

SESSION = {"session.id": "s"}


class SentLogs(LogRecordExporter):
    """Keeps the attributes of records as they are when they leave."""

    def __init__(self) -> None:
        self.kept: list[dict[str, Any]] = []

    def export(self, batch: Sequence[ReadableLogRecord]) -> LogRecordExportResult:
        self.kept += [dict(log.log_record.attributes or {}) for log in batch]
        return LogRecordExportResult.SUCCESS

    def shutdown(self) -> None:
        """Nothing is open."""

    def force_flush(self, timeout_millis: int = 10_000) -> bool:
        return timeout_millis > 0


class Host:
    """A service's own SDK, whose exporters keep what it sends."""

    def __init__(self, *processors: Any) -> None:
        self.spans = InMemorySpanExporter()
        self.logs = SentLogs()
        self.tracing = TracerProvider(shutdown_on_exit=False)
        self.logging = LoggerProvider(shutdown_on_exit=False)
        for processor in processors:
            if isinstance(processor, SessionSpanProcessor):
                self.tracing.add_span_processor(processor)
            else:
                self.logging.add_log_record_processor(processor)
        self.tracing.add_span_processor(SimpleSpanProcessor(self.spans))
        self.logging.add_log_record_processor(SimpleLogRecordProcessor(self.logs))

    def work(self, **attributes: str) -> None:
        """Send a span and a log record."""
        with self.tracing.get_tracer("host").start_as_current_span("query", attributes=attributes):
            self.logging.get_logger("host").emit(body="done", attributes=attributes)

    def sent(self) -> list[dict[str, Any]]:
        """Give the attributes of all that was sent, spans first, and forget it."""
        found = [dict(span.attributes or {}) for span in self.spans.get_finished_spans()]
        found += self.logs.kept
        self.spans.clear()
        self.logs.kept = []
        return found


@pytest.fixture
def instrumentor(monkeypatch: pytest.MonkeyPatch) -> Iterator[JourneyInstrumentor]:
    """Undo afterwards what it sets up."""
    monkeypatch.setenv(SESSION_ID_VARIABLE, "spans,logs")
    former = _settings.install(None)
    found = JourneyInstrumentor()
    yield found
    if found.is_instrumented_by_opentelemetry:
        found.uninstrument()
    _settings.install(former)


def test_spans_and_logs_say_their_session() -> None:
    """While a journey is active, what the host sends has the session's id; else it has none."""
    host = Host(SessionSpanProcessor(), SessionLogRecordProcessor())
    host.work()
    with Journey.resume("s").activate():
        host.work(path="/selfie")
    with Journey().activate():
        host.work()
    spans, logs = [{}, SESSION | {"path": "/selfie"}, {}], [{}, SESSION | {"path": "/selfie"}, {}]
    assert host.sent() == spans + logs


def test_what_says_its_session_is_left_alone() -> None:
    """A session id that the host set itself stays, and so does that of a journey's own event."""
    host = Host(SessionSpanProcessor(), SessionLogRecordProcessor())
    with Journey.resume("s").activate():
        host.work(**{"session.id": "browser"})
    assert host.sent() == [{"session.id": "browser"}] * 2


def test_an_event_keeps_the_session_of_its_journey(journeys: RecordedJourneys) -> None:
    """Recorded while another journey is active, it does not become one of that."""
    host = Host(SessionSpanProcessor())
    recorded = _settings.install(_settings.current().sending_to(host.tracing))
    try:
        with Journey.resume("s").activate():
            Journey.resume("other").record(Event.STEP_VIEW)
    finally:
        _settings.install(recorded)
    assert not journeys.spans
    [event] = host.sent()
    assert event["session.id"] == "other"


def test_the_instrumentor_switches_both_on(
    instrumentor: JourneyInstrumentor, counted: Counted
) -> None:
    """Before what sends the logs, on the providers it is given, until it is taken back."""
    host = Host()
    instrumentor.instrument(tracer_provider=host.tracing, logger_provider=host.logging)
    with Journey.resume("s").activate() as journey:
        host.work()
        assert host.sent() == [SESSION, SESSION]
        journey.record(Event.STEP_VIEW)
        [event] = host.sent()
        assert event["journey.event.name"] == "STEP_VIEW"
        instrumentor.uninstrument()
        host.work()
        assert host.sent() == [{}, {}]
    assert counted() == {}


def test_a_test_goes_on_recording(
    instrumentor: JourneyInstrumentor, journeys: RecordedJourneys
) -> None:
    """A service that instruments itself within a test does not take its events away from it."""
    host = Host()
    instrumentor.instrument(tracer_provider=host.tracing, logger_provider=host.logging)
    Journey.resume("s").record(Event.STEP_VIEW)
    assert journeys.names() == ["STEP_VIEW"]
    assert host.sent() == []


@pytest.mark.parametrize(
    ("value", "marked"),
    [("", [{}, {}]), ("spans", [SESSION, {}]), (" Logs,", [{}, SESSION])],
)
def test_the_variable_says_on_what(
    instrumentor: JourneyInstrumentor,
    monkeypatch: pytest.MonkeyPatch,
    value: str,
    marked: list[dict[str, Any]],
) -> None:
    """Without it nothing of the host's own is touched."""
    monkeypatch.setenv(SESSION_ID_VARIABLE, value)
    host = Host()
    instrumentor.instrument(tracer_provider=host.tracing, logger_provider=host.logging)
    with Journey.resume("s").activate():
        host.work()
    assert host.sent() == marked


def test_the_instrumentor_complains_and_goes_on(
    instrumentor: JourneyInstrumentor,
    monkeypatch: pytest.MonkeyPatch,
    counted: Counted,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """An unknown word, and providers that no SDK made, are counted and told in the log."""
    monkeypatch.setenv(SESSION_ID_VARIABLE, "spans,logs,metrics")
    instrumentor.instrument(tracer_provider=object(), logger_provider=object())
    assert counted() == {"bad_argument": 3}
    assert "knows spans and logs, not metrics" in caplog.text
