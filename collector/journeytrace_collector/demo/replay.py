"""Plays journeys to a collector through the helper library, as two services would.

The browser's gateway (``kyc-web``) and the server (``kyc-api``) each have an OpenTelemetry SDK of
their own and share nothing but session ids. All journeys are played together, in order of time, so
that a collector sees them as it would have seen the real ones.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Final

from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExportResult

import journeytrace
from journeytrace import Event
from journeytrace.catalogue import builtin_catalogue
from journeytrace.conventions import Source
from journeytrace_collector.demo.journeys import Journey
from journeytrace_collector.demo.walk import Step
from journeytrace_collector.errors import ExportError

__all__ = ["SERVICES", "play"]

SERVICES: Final = {Source.BE: "kyc-api", Source.FE: "kyc-web"}
"""Who records the events of each source, as ``service.name``."""

# The SDK's queue takes 2048 spans and then loses the oldest ones, so it is emptied well before. Not
# seldom either, or what the two services send would come in far from the order of time.
_FLUSH_AFTER: Final = 500

_NEVER_MS: Final = 3_600_000
"""Until the SDK would empty a queue by itself, each at a moment of its own."""


def play(journeys: Iterable[Journey], endpoint: str, now: int, played: Callable[[], bool]) -> int:
    """Send every event of `journeys`; give how many count as events of their sessions.

    Args:
        journeys: what to play.
        endpoint: OTLP over gRPC, as ``host:port``.
        now: ns since the epoch from which `Journey.ended_ago` counts back.
        played: called with the last step of each journey; False stops there.

    Raises:
        ExportError: `endpoint` did not take all of it; the SDK has logged why.
    """
    runs = [_Run(journey, now) for journey in journeys]
    steps = [(run.start + round(step.at * 1e9), run, step) for run in runs for step in run.steps]
    steps.sort(key=lambda found: found[0])
    sent = 0
    with ExitStack() as stack:
        # The last to open is the first to flush: the server's events, which name the project,
        # come in before the screen's, which do not.
        providers = {
            source: stack.enter_context(_service(SERVICES[source], endpoint))
            for source in (Source.FE, Source.BE)
        }
        for number, (_, run, step) in enumerate(steps, 1):
            # The library has one tracer provider a process, so the two services take turns.
            journeytrace.configure(tracer_provider=providers[run.source(step)])
            run.play(step)
            sent += not run.is_passive(step)
            if number % _FLUSH_AFTER == 0:
                for source in (Source.BE, Source.FE):
                    providers[source].force_flush()
            if step is run.steps[-1] and not played():
                break
    return sent


@contextmanager
def _service(name: str, endpoint: str) -> Iterator[TracerProvider]:
    provider = TracerProvider(resource=Resource.create({"service.name": name}))
    exporter = _Exporter(endpoint=f"http://{endpoint}", insecure=True)
    provider.add_span_processor(BatchSpanProcessor(exporter, schedule_delay_millis=_NEVER_MS))
    try:
        yield provider
    finally:
        provider.shutdown()
        journeytrace.configure()
    if exporter.failed:
        raise ExportError(f"{endpoint} did not take all events")


class _Exporter(OTLPSpanExporter):
    """Remembers a failure, which the SDK only logs."""

    failed = False

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        result = super().export(spans)
        self.failed = self.failed or result is not SpanExportResult.SUCCESS
        return result


class _Clock:
    """The time at which the library shall believe to be."""

    def __init__(self, start: int) -> None:
        self._start = start
        self.seconds = 0.0
        """Since the journey began."""

    def __call__(self) -> int:
        return self._start + round(self.seconds * 1e9)


class _Run:
    """One journey being played, each service with a handle of its own on it."""

    def __init__(self, journey: Journey, now: int) -> None:
        self.start = now - round((journey.ended_ago + journey.length) * 1e9)
        """When it begins, in ns."""
        self.steps = journey.steps
        self._person = journey.person
        self._events = builtin_catalogue().events
        self._clock = _Clock(self.start)
        self._opened: dict[Source, journeytrace.Journey] = {}

    def source(self, step: Step) -> Source:
        """Give who records a step."""
        return self._events[step.event].source

    def is_passive(self, step: Step) -> bool:
        """Whether a session does not count it."""
        return self._events[step.event].passive

    def play(self, step: Step) -> None:
        """Record a step."""
        self._clock.seconds = step.at
        source, person = self.source(step), self._person
        if step.event is Event.SESSION_CREATED:
            self._opened[source] = journeytrace.Journey.start(
                session_id=person.session_id,
                project=person.project,
                user_id=person.user_id,
                email=person.email,
                flow_id=person.flow_id,
                clock=self._clock,
                attributes=step.attributes,
            )
            return
        if source not in self._opened:
            session_id = person.session_id
            self._opened[source] = journeytrace.Journey.resume(session_id, clock=self._clock)
        if step.passed is not None:
            _check(self._opened[source], step, self._clock)
        else:
            _record(self._opened[source], step, person.submission_id)


def _check(opened: journeytrace.Journey, step: Step, clock: _Clock) -> None:
    with opened.check(step.event, attributes=step.attributes) as check:
        clock.seconds = step.at + step.took
        if not step.passed:
            check.fail(error_code=step.error_code)


def _record(opened: journeytrace.Journey, step: Step, submission_id: str) -> None:
    if step.event is Event.APPROVED:
        opened.approve()
    elif step.event is Event.REJECTED and step.reason:
        opened.reject(step.reason, error_code=step.error_code)
    elif step.event is Event.PENDING and step.reason:
        opened.hold(step.reason, error_code=step.error_code)
    elif step.event is Event.SUBMISSION_CREATED:
        opened.record(step.event, submission_id=submission_id, attributes=step.attributes)
    else:
        opened.record(step.event, error_code=step.error_code, attributes=step.attributes)
