from __future__ import annotations

from typing import TYPE_CHECKING

from tests.support.otlp import journey_span, request
from tests.support.waiting import wait_until

from journeytrace.identity import trace_id

if TYPE_CHECKING:
    from tests.collector.kafka.conftest import Run
    from tests.support.kafka import Broker

IDS = [f"018f3b5e-0000-7000-8000-{number:012d}" for number in range(1, 6)]


def _message(session: str, *numbers: int, **more: str) -> bytes:
    spans = [
        journey_span(number, trace=trace_id(session), session__id=session, **more)
        for number in numbers
    ]
    return request(*spans).SerializeToString()


def test_what_the_exporter_of_the_opentelemetry_collector_writes_is_read(
    broker: Broker, run: Run
) -> None:
    """OTLP traces, keyed by trace id, from all partitions of a topic become sessions."""
    topic = broker.topic(3)
    for session in IDS:
        broker.write(topic, _message(session, 1, 2), key=trace_id(session).hex())
    found = run(topic).wait_for(len(IDS))
    assert {one["session_id"]: one["events"] for one in found} == dict.fromkeys(IDS, 2)


def test_a_message_that_is_no_otlp_is_parked_and_holds_up_nothing(broker: Broker, run: Run) -> None:
    """What cannot be decoded waits in the outbox, with where it was; what comes behind is read."""
    topic = broker.topic()
    broker.write(topic, b"\xff\xffno protobuf", _message(IDS[0], 1))
    collector = run(topic)
    collector.wait_for(1)
    (parked,) = wait_until("a parked message", lambda: collector.get("/api/v1/outbox")["parked"])
    assert parked["destination"] == "kafka"
    assert parked["reason"].startswith(f"{topic}[0] at 0: the body ")
    wait_until("the offset behind both", lambda: broker.committed(topic, topic) == 2, pause=0.1)
