from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

import pytest
from opentelemetry import baggage, trace
from opentelemetry.context import attach, detach
from opentelemetry.sdk.trace import SpanLimits, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ParentBased

from journeytrace import Event, Impact, Journey, Reason, Source, configure
from journeytrace.identity import root_span_id, stage_span_id

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from opentelemetry.context import Context
    from opentelemetry.sdk.trace import ReadableSpan

    from journeytrace.testing import RecordedJourneys

SESSION = "01234567-89ab-cdef-0123-456789abcdef"
TRACE = bytes.fromhex(SESSION.replace("-", ""))


def only(spans: RecordedJourneys) -> ReadableSpan:
    """Give the one span that was recorded."""
    [span] = spans.spans
    return span


def test_an_event_is_a_span_of_its_own(journeys: RecordedJourneys) -> None:
    """The span has the event's name, is internal, and carries the wire attributes."""
    Journey.resume(SESSION).record(Event.STEP_VIEW, path="/id-front")
    span = only(journeys)
    assert (span.name, span.kind) == ("STEP_VIEW", trace.SpanKind.INTERNAL)
    assert dict(span.attributes or {}) == {
        "session.id": SESSION,
        "journey.event.name": "STEP_VIEW",
        "journey.event.source": "FE",
        "journey.event.impact": "NONE",
        "journey.stage": "ENTRY",
        "path": "/id-front",
    }
    assert span.instrumentation_scope
    assert (span.instrumentation_scope.name, span.instrumentation_scope.version) == (
        "journeytrace",
        "0.1.0",
    )


def test_a_recorded_event_has_no_duration(journeys: RecordedJourneys) -> None:
    """It happens at one time, however long it takes to make its span."""
    Journey.resume(SESSION).record(Event.STEP_VIEW)
    span = only(journeys)
    assert span.start_time
    assert span.start_time == span.end_time


@pytest.mark.parametrize(
    ("event", "parent"),
    [
        (Event.STEP_VIEW, stage_span_id(TRACE, "ENTRY")),
        (Event.ID_RECOGNITION, stage_span_id(TRACE, "STEP1")),
        (Event.CAMERA_REQUESTED, root_span_id(TRACE)),
    ],
)
def test_events_hang_under_stage_or_root(
    journeys: RecordedJourneys, event: Event, parent: bytes
) -> None:
    """The parent is the ordered stage's span, else the root's, both known by computation alone."""
    Journey.resume(SESSION).record(event)
    span = only(journeys)
    assert span.parent
    assert span.parent.span_id == int.from_bytes(parent)
    assert span.parent.is_remote
    assert span.context.trace_id == int.from_bytes(TRACE)


def test_a_given_stage_moves_the_event(journeys: RecordedJourneys) -> None:
    """AGE_VERIFICATION belongs to STEP1, but also runs in STEP2."""
    Journey.resume(SESSION).record(Event.AGE_VERIFICATION, stage="STEP2")
    span = only(journeys)
    assert span.parent
    assert span.parent.span_id == int.from_bytes(stage_span_id(TRACE, "STEP2"))
    assert journeys.events()[0].stage == "STEP2"


def test_every_process_finds_the_same_trace(journeys: RecordedJourneys) -> None:
    """Whoever resumes the session, in whatever spelling, adds to one trace."""
    started = Journey.start()
    resumed = Journey.resume(started.session_id.upper())
    resumed.record(Event.STEP_VIEW)
    first, second = journeys.spans
    assert first.context.trace_id == second.context.trace_id
    assert started.trace_id == resumed.trace_id == UUID(started.session_id).hex


def test_start_keeps_who_and_where(journeys: RecordedJourneys) -> None:
    """SESSION_CREATED carries project, user, flow and retention under their wire names."""
    journey = Journey.start(
        project="acme-kyc",
        user_id="u-42",
        email="u@example.org",
        flow_id="f-1",
        retention_days=90,
        session_id="order-4711",
        channel="app",
    )
    [event] = journeys.events("order-4711")
    assert journey.session_id == "order-4711"
    assert (event.name, event.source, event.stage) == ("SESSION_CREATED", "BE", "ENTRY")
    assert event.metadata == {"channel": "app"}
    assert {
        "journey.project.id": "acme-kyc",
        "user.id": "u-42",
        "user.email": "u@example.org",
        "journey.flow.id": "f-1",
        "journey.retention.days": 90,
    }.items() <= event.attributes.items()


def test_resume_records_nothing(journeys: RecordedJourneys) -> None:
    """Going on with a journey is no event."""
    assert Journey.resume(SESSION)
    assert not journeys.spans


def test_decisions_carry_their_reason(journeys: RecordedJourneys) -> None:
    """Reject, hold and approve are server events of the stage DECISION."""
    journey = Journey.resume(SESSION)
    journey.reject(Reason.SELFIE_DUPLICATE, error_code="SE-10001", score=0.9)
    journey.hold(Reason.COUNTRY_MISMATCH)
    journey.approve(by="auto")
    rejected, held, approved = journeys.events()
    assert (rejected.name, rejected.impact, rejected.reason, rejected.error_code) == (
        "REJECTED",
        "REJECTED",
        "SELFIE_DUPLICATE",
        "SE-10001",
    )
    assert (held.name, held.impact, held.reason) == ("PENDING", "PENDING", "COUNTRY_MISMATCH")
    assert (approved.name, approved.impact, approved.reason) == ("APPROVED", "APPROVED", None)
    assert {event.source for event in journeys.events()} == {"BE"}
    assert {event.stage for event in journeys.events()} == {"DECISION"}


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ({}, ("BE", "NONE", None)),
        ({"result": "FAIL"}, ("BE", "RETAKE", "FAIL")),
        ({"result": "PASS"}, ("BE", "NONE", "PASS")),
        ({"result": "FAIL", "impact": Impact.BLOCKED}, ("BE", "BLOCKED", "FAIL")),
        ({"source": Source.FE}, ("FE", "NONE", None)),
    ],
)
def test_what_is_not_said_comes_from_the_catalogue(
    journeys: RecordedJourneys, said: Mapping[str, str], expected: tuple[str, str, str | None]
) -> None:
    """The rules of the wire format fill in source and impact."""
    Journey.resume(SESSION).record(
        Event.ID_RECOGNITION,
        source=said.get("source"),
        impact=said.get("impact"),
        result=said.get("result"),
    )
    [event] = journeys.events()
    assert (event.source, event.impact, event.result) == expected


def test_an_event_of_ones_own_goes_out_as_sent(
    journeys: RecordedJourneys, counted: Callable[[], Mapping[str, int]]
) -> None:
    """Of a name outside the catalogue nothing is claimed that the collector's may know better."""
    Journey.resume(SESSION).record("PET_SHOWN", submission_id="s-1")
    [event] = journeys.events()
    assert (event.name, event.source, event.impact, event.stage) == (
        "PET_SHOWN",
        None,
        None,
        None,
    )
    assert event.attributes["journey.submission.id"] == "s-1"
    assert counted() == {"unknown_event": 1}


def test_an_event_takes_no_time(journeys: RecordedJourneys) -> None:
    """With a clock, start and end are one reading of it."""
    Journey.resume(SESSION, clock=lambda: 1_700_000_000_000_000_000).record(Event.STEP_VIEW)
    span = only(journeys)
    assert span.start_time == span.end_time == 1_700_000_000_000_000_000


def test_the_event_links_to_the_hosts_span(journeys: RecordedJourneys) -> None:
    """One click leads from the journey to the request, which knows its session."""
    host_tracer = TracerProvider(shutdown_on_exit=False).get_tracer("host")
    journey = Journey.resume(SESSION)
    with host_tracer.start_as_current_span("POST /verify") as host:
        journey.record(Event.STEP_VIEW)
        journey.record(Event.CAMERA_REQUESTED)
    for span in journeys.spans:
        assert [link.context for link in span.links] == [host.get_span_context()]
        assert span.context.trace_id == int.from_bytes(TRACE)
    assert getattr(host, "attributes") == {"session.id": SESSION}  # noqa: B009 - not in the API


def test_without_a_host_span_there_is_no_link(journeys: RecordedJourneys) -> None:
    """An invalid current span is not linked to."""
    Journey.resume(SESSION).record(Event.STEP_VIEW)
    assert only(journeys).links == ()


def test_each_host_span_is_linked_to(journeys: RecordedJourneys) -> None:
    """A journey that serves several requests links every event to its own."""
    host_tracer = TracerProvider(shutdown_on_exit=False).get_tracer("host")
    journey = Journey.resume(SESSION)
    hosts = []
    for _ in range(2):
        with host_tracer.start_as_current_span("request") as host:
            journey.record(Event.STEP_VIEW)
            hosts.append(host.get_span_context())
    assert [span.links[0].context for span in journeys.spans] == hosts


@pytest.mark.usefixtures("unconfigured")
def test_the_hosts_sampler_cannot_drop_an_event() -> None:
    """Under ParentBased all is recorded, even if new traces are not."""
    exporter = InMemorySpanExporter()
    provider = TracerProvider(sampler=ParentBased(ALWAYS_OFF), shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    configure(tracer_provider=provider)
    with provider.get_tracer("host").start_as_current_span("not sampled"):
        Journey.resume(SESSION).record(Event.STEP_VIEW)
    assert [span.name for span in exporter.get_finished_spans()] == ["STEP_VIEW"]


@pytest.mark.usefixtures("unconfigured")
def test_span_processors_see_the_hosts_baggage() -> None:
    """The parent is put into the current context, which keeps what else is in it."""
    seen = []

    class Spy(SpanProcessor):
        def on_start(self, span: object, parent_context: Context | None = None) -> None:
            del span
            seen.append(baggage.get_baggage("tenant", parent_context))

    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(Spy())
    configure(tracer_provider=provider)
    token = attach(baggage.set_baggage("tenant", "acme"))
    Journey.resume(SESSION).record(Event.STEP_VIEW)
    detach(token)
    assert seen == ["acme"]


@pytest.mark.usefixtures("unconfigured")
def test_no_limit_costs_the_session_id() -> None:
    """Where a span holds few attributes, metadata is what gets lost."""
    exporter = InMemorySpanExporter()
    provider = TracerProvider(span_limits=SpanLimits(max_attributes=8), shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    configure(tracer_provider=provider)
    journey = Journey.resume(SESSION)
    journey.record(Event.STEP_VIEW, attributes={f"k{i}": i for i in range(50)})
    with journey.check(Event.ID_RECOGNITION, first=1) as check:
        check.set(attributes={f"k{i}": i for i in range(50)})
    for span in exporter.get_finished_spans():
        assert span.attributes
        assert span.attributes["session.id"] == SESSION
        assert span.attributes["journey.event.name"] == span.name
