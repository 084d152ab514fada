"""The session on what the host itself sends: its spans and its logs, while a journey is active.

For services that have the OpenTelemetry SDK, with ``pip install journeytrace[instrumentor]``::

    provider.add_span_processor(SessionSpanProcessor())
    logger_provider.add_log_record_processor(SessionLogRecordProcessor())

The second has to stand before the processor that sends the records. Both only set ``session.id``,
and leave alone what has one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from opentelemetry.sdk._logs import LogRecordProcessor
from opentelemetry.sdk.trace import SpanProcessor

from journeytrace._diagnostics import report_fault
from journeytrace._journey import session_in
from journeytrace.conventions import SESSION_ID

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.sdk.trace import Span

__all__ = ["SessionLogRecordProcessor", "SessionSpanProcessor"]


class SessionSpanProcessor(SpanProcessor):
    """Puts the id of the active journey's session on every span that starts. Ended by `shutdown`.

    A span that started before the journey became active is not reached. It gets the id if it is the
    current span when an event is recorded, or when a `JourneyMiddleware` resumes the journey.
    """

    def __init__(self) -> None:
        self._on = True

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        """Set the attribute."""
        try:
            session_id = session_in(parent_context) if self._on else ""
            if session_id and SESSION_ID not in (span.attributes or {}):
                span.set_attribute(SESSION_ID, session_id)
        except Exception as error:
            report_fault(error)

    def shutdown(self) -> None:
        """Touch no span from now on."""
        self._on = False


class SessionLogRecordProcessor(LogRecordProcessor):
    """Puts the id of the active journey's session on every log record. Ended by `shutdown`.

    It has to stand before the processor that sends the records.
    """

    def __init__(self) -> None:
        self._on = True

    def on_emit(self, log_record: Any) -> None:
        """Set the attribute."""
        try:
            record = log_record.log_record
            # The SDK knew no context of a record up to 1.34. Then this is still its thread.
            session_id = session_in(getattr(record, "context", None)) if self._on else ""
            if session_id and SESSION_ID not in (record.attributes or {}):
                record.attributes[SESSION_ID] = session_id
        except Exception as error:
            report_fault(error)

    emit = on_emit
    """What the SDK calls up to 1.35."""

    def enabled(self, **_: object) -> bool:
        """Say that nobody needs to make a record for this."""
        return False

    def shutdown(self) -> None:
        """Touch no record from now on."""
        self._on = False

    def force_flush(self, timeout_millis: int = 30_000) -> bool:  # noqa: ARG002
        """Nothing waits here."""
        return True
