"""Plays journeys to a collector through the helper library, as two services would.

The browser's gateway (``kyc-web``) and the server (``kyc-api``) each have an OpenTelemetry SDK of
their own and share nothing but session ids. The library has one tracer provider a process, so the
two take turns here: first all that the server did, then all that the screens saw. The collector
does not mind the order.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
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

# The SDK's queue takes 2048 spans and then loses the oldest ones, so it is emptied well before.
_FLUSH_AFTER: Final = 1_000


def play(journeys: Iterable[Journey], endpoint: str, now: int, played: Callable[[], bool]) -> int:
    """Send every event of `journeys`; give how many there were.

    Args:
        journeys: what to play.
        endpoint: OTLP over gRPC, as ``host:port``.
        now: ns since the epoch from which `Journey.ended_ago` counts back.
        played: called after each journey of each service; False stops here.

    Raises:
        ExportError: `endpoint` did not take all of it; the SDK has logged why.
    """
    journeys = list(journeys)
    sent = 0
    for source, service in SERVICES.items():
        with _service(service, endpoint) as flush:
            waiting = 0
            for journey in journeys:
                count = _play_one(journey, source, now)
                sent += count
                waiting += count
                if waiting >= _FLUSH_AFTER:
                    flush()
                    waiting = 0
                if not played():
                    return sent
    return sent


@contextmanager
def _service(name: str, endpoint: str) -> Iterator[Callable[[], object]]:
    provider = TracerProvider(resource=Resource.create({"service.name": name}))
    exporter = _Exporter(endpoint=f"http://{endpoint}", insecure=True)
    provider.add_span_processor(BatchSpanProcessor(exporter))
    journeytrace.configure(tracer_provider=provider)
    try:
        yield provider.force_flush
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


def _play_one(journey: Journey, source: Source, now: int) -> int:
    events = builtin_catalogue().events
    steps = [step for step in journey.steps if events[step.event].source is source]
    clock = _Clock(now - round((journey.ended_ago + journey.length) * 1e9))
    person = journey.person
    opened = journeytrace.Journey.resume(person.session_id, clock=clock)
    for step in steps:
        clock.seconds = step.at
        if step.event is Event.SESSION_CREATED:
            opened = journeytrace.Journey.start(
                session_id=person.session_id,
                project=person.project,
                user_id=person.user_id,
                email=person.email,
                flow_id=person.flow_id,
                clock=clock,
                attributes=step.attributes,
            )
        elif step.passed is not None:
            _check(opened, step, clock)
        else:
            _record(opened, step, person.submission_id)
    return len(steps)


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
        opened.record(step.event, attributes=step.attributes)
