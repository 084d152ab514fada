"""What an event costs beside a span written by hand: ``python -m benchmarks.bench_record``.

Both sides go through one SDK tracer provider whose processor throws the spans away: a batch
processor would add the same queue to both, and a thread whose turns fall on either side by chance.
The hand-written span has the same name, attributes, parent and link. Timed is everything from the
call until the span has ended, in short rounds that take turns; a figure is the median round.
"""

from __future__ import annotations

from statistics import median
from time import perf_counter_ns
from typing import TYPE_CHECKING

from opentelemetry import trace
from opentelemetry.context import Context, get_current
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider

from journeytrace import Event, Journey, configure
from journeytrace.identity import stage_span_id

if TYPE_CHECKING:
    from collections.abc import Callable

CALLS = 500
ROUNDS = 101
TARGET = 1.25


def main() -> None:
    """Print the costs, first without and then with a current span of the host."""
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SpanProcessor())
    configure(tracer_provider=provider)
    tracer = provider.get_tracer("journeytrace")
    journey = Journey.start(project="acme-kyc")
    compare("record", *record_pair(tracer, journey))
    compare("check", *check_pair(tracer, journey))
    with tracer.start_as_current_span("POST /verify"):
        compare("record in a host span", *record_pair(tracer, journey))
        compare("check in a host span", *check_pair(tracer, journey))


def record_pair(
    tracer: trace.Tracer, journey: Journey
) -> tuple[Callable[[], None], Callable[[], None]]:
    context, links = surroundings(journey, "ENTRY")

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
            "session.id": journey.session_id,
        }
        tracer.start_span("STEP_VIEW", context(), attributes=attributes, links=links()).end()

    return ours, by_hand


def check_pair(
    tracer: trace.Tracer, journey: Journey
) -> tuple[Callable[[], None], Callable[[], None]]:
    context, links = surroundings(journey, "STEP2")

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
            "session.id": journey.session_id,
        }
        tracer.start_span("FACE_COMPARE", context(), attributes=attributes, links=links()).end()

    return ours, by_hand


def surroundings(
    journey: Journey, stage: str
) -> tuple[Callable[[], Context], Callable[[], list[trace.Link]]]:
    """Give what places a hand-written span where ours goes: parent and link, best case each."""
    trace_id = bytes.fromhex(journey.trace_id)
    parent = trace.NonRecordingSpan(
        trace.SpanContext(
            int.from_bytes(trace_id),
            int.from_bytes(stage_span_id(trace_id, stage)),
            is_remote=True,
            trace_flags=trace.TraceFlags(trace.TraceFlags.SAMPLED),
        )
    )
    if not get_current():
        alone = trace.set_span_in_context(parent, Context())
        return lambda: alone, list
    # With a host span, a context and a link are made each time, as an honest author would.
    return (
        lambda: trace.set_span_in_context(parent),
        lambda: [trace.Link(trace.get_current_span().get_span_context())],
    )


def compare(name: str, ours: Callable[[], None], by_hand: Callable[[], None]) -> None:
    mine, raw = [], []
    for _ in range(ROUNDS):
        mine.append(microseconds(ours))
        raw.append(microseconds(by_hand))
    cost, base = median(mine), median(raw)
    ratio = f"ratio {cost / base:.2f} (target <= {TARGET})"
    print(f"{name}: {cost:.1f} us, raw span {base:.1f} us, {ratio}")


def microseconds(call: Callable[[], None]) -> float:
    start = perf_counter_ns()
    for _ in range(CALLS):
        call()
    return (perf_counter_ns() - start) / CALLS / 1000


if __name__ == "__main__":
    main()
