"""What ``opentelemetry-instrument`` finds: `JourneyInstrumentor`.

It needs ``opentelemetry-instrumentation``, which comes with ``journeytrace[instrumentor]`` and is
there wherever that command is.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Final

from opentelemetry import _logs, trace
from opentelemetry.instrumentation.instrumentor import BaseInstrumentor  # type: ignore[attr-defined]

from journeytrace import _settings
from journeytrace._diagnostics import Problem, report, report_fault

if TYPE_CHECKING:
    from collections.abc import Collection

    from journeytrace.processors import SessionLogRecordProcessor, SessionSpanProcessor

__all__ = ["SESSION_ID_VARIABLE", "JourneyInstrumentor"]

SESSION_ID_VARIABLE: Final = "OTEL_PYTHON_JOURNEYTRACE_SESSION_ID"
"""On what of the host's own the session's id goes: ``spans``, ``logs`` or both, with a comma.
Absent or empty: on neither."""


class JourneyInstrumentor(BaseInstrumentor):  # type: ignore[misc]
    """Sets journeys up from the environment. What is wrong there is logged, and goes no further.

    ``JOURNEYTRACE_CATALOGUE`` names a catalogue of your own, `SESSION_ID_VARIABLE` switches the
    processors of `journeytrace.processors` on. Events need neither: they go out wherever the
    service records them.
    """

    _processors: tuple[SessionSpanProcessor | SessionLogRecordProcessor, ...] = ()

    def instrumentation_dependencies(self) -> Collection[str]:
        """Give nothing: journeys are recorded by the service, and no other package is patched."""
        return ()

    def _instrument(self, **kwargs: Any) -> None:
        """Set up for `tracer_provider` and `logger_provider`; None: the global ones."""
        try:
            # Now, while somebody looks, and not with the first event.
            settings = _settings.current()
            provider = kwargs.get("tracer_provider")
            # Within a test, the fixture `journeys` goes on recording.
            if provider is not None and not settings.recording:
                _settings.install(settings.sending_to(provider))
            wanted = _wanted()
            if "spans" in wanted:
                self._mark_spans(provider or trace.get_tracer_provider())
            if "logs" in wanted:
                self._mark_logs(kwargs.get("logger_provider") or _logs.get_logger_provider())
        except ModuleNotFoundError as error:
            _complain(f"needs an extra ({error}): pip install 'journeytrace[instrumentor]'")
        except Exception as error:
            report_fault(error)

    def _uninstrument(self, **_: Any) -> None:
        """Mark nothing from now on; where events go stays as it is."""
        # The SDK takes no processor away.
        for processor in self._processors:
            processor.shutdown()
        self._processors = ()

    def _mark_spans(self, provider: Any) -> None:
        from journeytrace.processors import SessionSpanProcessor  # noqa: PLC0415 - needs the SDK

        if not hasattr(provider, "add_span_processor"):
            _complain("asks for spans, but nobody has set an SDK up for them")
            return
        processor = SessionSpanProcessor()
        provider.add_span_processor(processor)
        self._processors += (processor,)

    def _mark_logs(self, provider: Any) -> None:
        from journeytrace.processors import SessionLogRecordProcessor  # noqa: PLC0415

        if not hasattr(provider, "add_log_record_processor"):
            _complain("asks for logs, but nobody has set an SDK up for them")
            return
        processor = SessionLogRecordProcessor()
        provider.add_log_record_processor(processor)
        self._processors += (processor,)
        # By now there is one that sends, and what is behind it comes too late. The SDK has no other
        # way to the front; where this one has gone, the last place has to do.
        line = getattr(provider, "_multi_log_record_processor", None)
        members = getattr(line, "_log_record_processors", ())
        if line is not None and members[-1:] == (processor,):
            line._log_record_processors = (processor, *members[:-1])  # noqa: SLF001


def _wanted() -> set[str]:
    names = os.environ.get(SESSION_ID_VARIABLE, "").split(",")
    wanted = {name.strip().lower() for name in names} - {""}
    if unknown := wanted - {"spans", "logs"}:
        _complain(f"knows spans and logs, not {', '.join(sorted(unknown))}")
    return wanted


def _complain(message: str) -> None:
    report(Problem.BAD_ARGUMENT, SESSION_ID_VARIABLE, message)
