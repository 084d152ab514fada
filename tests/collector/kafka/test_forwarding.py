from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from tests.collector.public.conftest import (
    FORM,
    KEY,
    NOW,
    SESSION,
    ask,
    envelope,
    page_span,
    token,
    traces,
)
from tests.support.otlp import journey_span, request
from tests.support.receivers import spans_of
from tests.support.waiting import join, wait_until

from journeytrace.identity import trace_id

if TYPE_CHECKING:
    from tests.collector.kafka.conftest import Front, Run
    from tests.support.kafka import Broker

IDS = [f"018f3b5e-0000-7000-8000-{number:012d}" for number in range(1, 4)]
TOKENS = {
    "phones": {"token": "a-token-of-phones", "sources": ["FE"]},
    "acme": {"token": "a-token-of-acme-too", "projects": ["acme"]},
}


def _spans(*sessions: str, **more: Any) -> ExportTraceServiceRequest:
    spans = [
        journey_span(number, trace=trace_id(one), session__id=one, **more)
        for number, one in enumerate(sessions, 1)
    ]
    return request(*spans)


def test_what_is_acknowledged_lies_in_the_log_by_trace(broker: Broker, front: Front) -> None:
    """An answer of success means that the brokers have it: a message a trace, keyed by its id."""
    topic = broker.topic(3)
    assert front(topic).send(_spans(*IDS, IDS[0])).status == 200
    found = {one.key(): spans_of(_read(one)) for one in broker.read(topic, 3)}
    assert {key: len(spans) for key, spans in found.items()} == {
        trace_id(IDS[0]).hex().encode(): 2,
        trace_id(IDS[1]).hex().encode(): 1,
        trace_id(IDS[2]).hex().encode(): 1,
    }


def _read(message: Any) -> ExportTraceServiceRequest:
    return ExportTraceServiceRequest.FromString(message.value())


def test_what_goes_through_the_log_is_what_was_sent(broker: Broker, front: Front, run: Run) -> None:
    """A session that came through a front has the events and the values it was sent with."""
    topic = broker.topic(2)
    sent = _spans(IDS[0], journey__project__id="acme", user__id="u-1", screen="front")
    assert front(topic).send(sent).status == 200
    collector = run(topic)
    (session,) = collector.wait_for(1)
    assert (session["project_id"], session["user_id"]) == ("acme", "u-1")
    (event,) = collector.events(IDS[0])
    assert event["attributes"] == {"screen": "front"}
    assert event["service"] == "kyc"


def test_what_a_sender_may_not_say_is_never_written(broker: Broker, front: Front) -> None:
    """A record beyond its sender's right is rejected in front, by name, and the others go."""
    topic = broker.topic()
    sent = _spans(IDS[0], journey__event__source="BE")
    sent.MergeFrom(_spans(IDS[1], journey__event__name="STEP_VIEW", journey__event__source="FE"))
    collector = front(topic, senders=TOKENS)
    answer = collector.send(sent, "a-token-of-phones")
    assert answer.status == 200
    assert "the sender 'phones' has no right to BE" in answer.message
    assert collector.send(sent, "no-token-of-anybody").status == 401
    (message,) = broker.read(topic, 1)
    assert [span.trace_id for span in spans_of(_read(message))] == [trace_id(IDS[1])]
    assert collector.metric('journey_collector_records_forbidden_total{sender="phones"}') == 1


def test_a_sender_is_bound_to_its_projects_behind_the_log(
    broker: Broker, front: Front, run: Run
) -> None:
    """A session of one project takes nothing from the sender of another, which only the store
    can tell.
    """
    topic = broker.topic()
    collector = front(topic, senders=TOKENS, token="a-token-of-everybody")
    mine = _spans(IDS[0], journey__project__id="other")
    assert collector.send(mine, "a-token-of-everybody").status == 200
    theirs = _spans(*[IDS[0]] * 2, journey__event__name="STEP_VIEW")
    assert collector.send(theirs, "a-token-of-acme-too").status == 200
    behind = run(topic)
    forbidden = 'journey_collector_records_forbidden_total{sender="kafka"}'
    wait_until("two records that are forbidden", lambda: behind.metric(forbidden) == 2)
    assert [one["name"] for one in behind.events(IDS[0])] == ["SESSION_CREATED"]


def test_what_a_page_says_is_made_anew_before_it_is_written(broker: Broker, front: Front) -> None:
    """Behind the log an event of a browser is FE's, of its token's session and project."""
    topic = broker.topic()
    public = {"listen": "127.0.0.1:0", "keys": {KEY.id: {"key": KEY.secret}}, "origins": FORM}
    collector = front(topic, clock=lambda: NOW, public=public)
    page = page_span("STEP_VIEW", journey__stage="DECISION", screen="front")
    body = envelope(token(), traces(page))
    reply = ask(
        collector.collector.public, "POST", "/journey", body, Origin=FORM, Content_Type="text/plain"
    )
    assert reply.status == 200, reply.body
    (message,) = broker.read(topic, 1)
    ((span,),) = [spans_of(_read(message))]
    said = {one.key: one.value.string_value for one in span.attributes}
    assert message.key() == trace_id(SESSION).hex().encode()
    assert said["journey.event.source"] == "FE"
    assert said["journey.project.id"] == "acme"
    assert said["screen"] == "front"
    assert said.get("journey.stage") != "DECISION"


def test_a_span_that_kafka_does_not_take_is_rejected_alone(broker: Broker, front: Front) -> None:
    """A span that is larger than a message may be is told by its name, and the others go."""
    topic = broker.topic()
    sent = _spans(IDS[0], padding="x" * 20_000)
    sent.MergeFrom(_spans(IDS[1]))
    answer = front(topic, kafka={"max_message_bytes": 16_000}).send(sent)
    assert answer.status == 200
    assert "and Kafka takes 16000 at a time" in answer.message
    assert len(broker.read(topic, 1)) == 1


def test_brokers_that_cannot_be_reached_are_told_as_a_hint_to_come_back(front: Front) -> None:
    """While brokers take nothing senders are told to come back, soon; beyond a bound at once."""
    bounds = {"max_request_bytes": 60_000, "max_queued_bytes": 60_000}
    nobody = front("spans", kafka={"brokers": "127.0.0.1:9"}, **bounds)
    large = _spans(IDS[0], padding="x" * 50_000)
    answers: list[Any] = []
    senders = [
        threading.Thread(target=lambda: answers.append(nobody.send(large)), daemon=True)
        for _ in range(3)
    ]
    for sender in senders:
        sender.start()
    join(*senders)
    assert {(one.status, one.retry_after) for one in answers} == {(503, "1")}
    told = sorted(one.message for one in answers)
    assert "Message timed out" in told[0]
    assert [one.startswith("too many requests are") for one in told] == [False, True, True]
    assert nobody.metric("journey_collector_queued_bytes") == 0
