"""What an event costs beside a span written by hand: ``python -m benchmarks.bench_record``.

Both sides go through one SDK tracer provider whose processor throws the spans away: a batch
processor would add the same queue to both, and a thread whose turns fall on either side by chance.
The hand-written span is the same span: name, attributes, parent and link are those of ours. Its
parent is made once, and so is the context that holds it where the host has none; where the host has
a span, a context and a link are made each time, as an honest author would. What is recorded is a
span that is started and ended. A check ends and tells of an exception whatever its body does, so by
hand it is a ``with`` block too; beside it stands what it costs against a start and an end alone.
Timed is everything from the call until the span has ended, as time on the processor, in short
rounds that take turns; a figure is the median round, a ratio the median of those of neighbours.
"""

from __future__ import annotations

from statistics import median
from time import thread_time_ns
from typing import TYPE_CHECKING

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider

from journeytrace import Event, Journey, configure
from journeytrace.identity import stage_span_id

if TYPE_CHECKING:
    from collections.abc import Callable

CALLS = 100
ROUNDS = 501
RECORD_TARGET = 1.08
CHECK_TARGET = 1.1


def main() -> None:
    """Print the costs, first without and then with a current span of the host."""
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SpanProcessor())
    configure(tracer_provider=provider)
    tracer = provider.get_tracer("journeytrace")
    journey = Journey.start(project="acme-kyc")
    compare("record", RECORD_TARGET, *recorded(tracer, journey, in_host=False))
    compare("check", CHECK_TARGET, *checked(tracer, journey, in_host=False))
    with tracer.start_as_current_span("POST /verify"):
        compare("record in a host span", RECORD_TARGET, *recorded(tracer, journey, in_host=True))
        compare("check in a host span", CHECK_TARGET, *checked(tracer, journey, in_host=True))


def recorded(tracer: trace.Tracer, journey: Journey, *, in_host: bool) -> list[Callable[[], None]]:
    """Give our call, and the span by hand."""
    parent, alone = parent_of(journey, "ENTRY")
    session_id = journey.session_id

    def ours() -> None:
        journey.record(Event.STEP_VIEW, path="/id-front", locale="de-DE")

    def by_hand() -> None:
        attributes = {
            "path": "/id-front",
            "locale": "de-DE",
            "journey.event.name": "STEP_VIEW",
            "journey.event.source": "FE",
            "journey.event.impact": "NONE",
            "journey.stage": "ENTRY",
            "session.id": session_id,
        }
        if in_host:
            links = [trace.Link(trace.get_current_span().get_span_context())]
            context = trace.set_span_in_context(parent)
            tracer.start_span("STEP_VIEW", context, attributes=attributes, links=links).end()
        else:
            tracer.start_span("STEP_VIEW", alone, attributes=attributes).end()

    return [ours, by_hand]


def checked(tracer: trace.Tracer, journey: Journey, *, in_host: bool) -> list[Callable[[], None]]:
    """Give our call, the ``with`` block by hand, and a start and an end alone."""
    parent, alone = parent_of(journey, "STEP2")
    session_id = journey.session_id

    def ours() -> None:
        with journey.check(Event.FACE_COMPARE, score=0.93):
            pass

    def by_hand() -> None:
        attributes: dict[str, str | float] = {
            "score": 0.93,
            "journey.event.name": "FACE_COMPARE",
            "journey.event.source": "BE",
            "journey.event.impact": "NONE",
            "journey.event.result": "PASS",
            "journey.stage": "STEP2",
            "session.id": session_id,
        }
        if in_host:
            links = [trace.Link(trace.get_current_span().get_span_context())]
            context = trace.set_span_in_context(parent)
            with tracer.start_span("FACE_COMPARE", context, attributes=attributes, links=links):
                pass
        else:
            with tracer.start_span("FACE_COMPARE", alone, attributes=attributes):
                pass

    def bare() -> None:
        # Written out once more, for a function that both call would be a cost of its own.
        attributes: dict[str, str | float] = {
            "score": 0.93,
            "journey.event.name": "FACE_COMPARE",
            "journey.event.source": "BE",
            "journey.event.impact": "NONE",
            "journey.event.result": "PASS",
            "journey.stage": "STEP2",
            "session.id": session_id,
        }
        if in_host:
            links = [trace.Link(trace.get_current_span().get_span_context())]
            context = trace.set_span_in_context(parent)
            tracer.start_span("FACE_COMPARE", context, attributes=attributes, links=links).end()
        else:
            tracer.start_span("FACE_COMPARE", alone, attributes=attributes).end()

    return [ours, by_hand, bare]


def parent_of(journey: Journey, stage: str) -> tuple[trace.Span, Context]:
    """Give what a hand-written span has as its parent, and a context with nothing else in it."""
    trace_id = bytes.fromhex(journey.trace_id)
    parent = trace.NonRecordingSpan(
        trace.SpanContext(
            int.from_bytes(trace_id),
            int.from_bytes(stage_span_id(trace_id, stage)),
            is_remote=True,
            trace_flags=trace.TraceFlags(trace.TraceFlags.SAMPLED),
        )
    )
    return parent, trace.set_span_in_context(parent, Context())


def compare(name: str, target: float, *calls: Callable[[], None]) -> None:
    """Print what the first call costs against the others; the target is for the second."""
    rounds = [[microseconds(call) for call in calls] for _ in range(ROUNDS)]
    cost, base, *_ = (median(figures) for figures in zip(*rounds, strict=True))
    ratio, *others = (
        median(figures[0] / figures[other] for figures in rounds) for other in range(1, len(calls))
    )
    alone = "".join(f"; {other:.2f} of a start and an end alone" for other in others)
    verdict = f"ratio {ratio:.2f} (target <= {target}){alone}"
    print(f"{name}: {cost:.1f} us, by hand {base:.1f} us, {verdict}")


def microseconds(call: Callable[[], None]) -> float:
    start = thread_time_ns()
    for _ in range(CALLS):
        call()
    return (thread_time_ns() - start) / CALLS / 1000


if __name__ == "__main__":
    main()
