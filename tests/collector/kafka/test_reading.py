from __future__ import annotations

import sqlite3
import time
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest
from tests.support.otlp import journey_span, request
from tests.support.waiting import wait_until

from journeytrace.catalogue import builtin_catalogue
from journeytrace.identity import trace_id
from journeytrace_collector.kafka.undecoded import parcel_of
from journeytrace_collector.kafka.watermark import WHOLE
from journeytrace_collector.store import SqliteStore

if TYPE_CHECKING:
    from pathlib import Path

    from tests.collector.kafka.conftest import Run
    from tests.support.kafka import Broker

DAY = 86_400 * 10**9
IDS = [f"018f3b5e-0000-7000-8000-{number:012d}" for number in range(1, 6)]


def _message(session: str, *numbers: int) -> bytes:
    """Give a message with spans of this moment."""
    spans = [journey_span(one, trace=trace_id(session), session__id=session) for one in numbers]
    for span in spans:
        span.start_time_unix_nano = span.end_time_unix_nano = time.time_ns()
    return request(*spans).SerializeToString()


def test_what_the_exporter_of_the_opentelemetry_collector_writes_is_read(
    broker: Broker, run: Run
) -> None:
    """OTLP traces, keyed by trace id, from all partitions of a topic become sessions."""
    topic = broker.topic(3)
    for session in IDS:
        broker.write(topic, _message(session, 1, 2), key=trace_id(session).hex())
    collector = run(topic)
    found = collector.wait_for(len(IDS))
    assert collector.metric("journey_collector_kafka_partitions") == 3
    assert collector.metric("journey_collector_kafka_rebalances_total") == 1
    assert {one["session_id"]: one["events"] for one in found} == dict.fromkeys(IDS, 2)


def test_a_message_that_is_no_otlp_is_parked_and_holds_up_nothing(broker: Broker, run: Run) -> None:
    """What cannot be decoded waits in the outbox, with where it was; what comes behind is read."""
    topic = broker.topic()
    broker.write(topic, b"\xff\xffno protobuf", _message(IDS[0], 1))
    collector = run(topic)
    collector.wait_for(1)
    (parked,) = _parked(collector)
    assert parked["destination"] == "kafka"
    assert parked["reason"].startswith(f"{topic}[0] at 0: the body ")
    wait_until("the offset behind both", lambda: broker.committed(topic, topic) == 2, pause=0.1)
    collector.post("/api/v1/outbox/requeue", {"ids": [parked["id"]]})
    again = wait_until("it to be parked again", lambda: _other_than(parked, collector))
    assert again["reason"] == parked["reason"]


def _parked(collector: Any) -> list[Any]:
    found: list[Any] = wait_until(
        "a parked message", lambda: collector.get("/api/v1/outbox")["parked"], pause=0.1
    )
    return found


def _other_than(one: Any, collector: Any) -> Any:
    return next(
        (x for x in collector.get("/api/v1/outbox")["parked"] if x["id"] != one["id"]), None
    )


def _store(folder: Path) -> SqliteStore:
    return SqliteStore(folder, builtin_catalogue(), 20 * 60 * 10**9)


def test_a_parked_message_that_can_be_read_now_is_stored(
    broker: Broker, run: Run, tmp_path: Path
) -> None:
    """What is requeued is read once more, and counts from when the log had it."""
    topic, then = broker.topic(), time.time_ns() - DAY
    with closing(_store(tmp_path)) as store:
        store.put([parcel_of((topic, 0), 7, then, _message(IDS[0], 1), None)], then)
    collector = run(topic, data=tmp_path)
    collector.wait_for(1)
    assert _received(tmp_path) == [then]


def _received(folder: Path) -> list[int]:
    with closing(sqlite3.connect(folder / "journeys.sqlite")) as connection:
        return [at for (at,) in connection.execute("SELECT received FROM events ORDER BY 1")]


def test_events_arrive_when_the_log_took_them(broker: Broker, run: Run, tmp_path: Path) -> None:
    """However late a message is read, its events were received at the log's append time."""
    topic = broker.topic()
    broker.write(topic, _message(IDS[0], 1))
    (message,) = broker.read(topic, 1)
    run(topic, data=tmp_path, clock=lambda: time.time_ns() + DAY).wait_for(1)
    assert _received(tmp_path) == [message.timestamp()[1] * 1_000_000]


def test_what_may_lie_unread_elsewhere_drops_nobody(
    broker: Broker, run: Run, tmp_path: Path
) -> None:
    """Behind a partition that is not read a session is in progress, a day later, too; once nobody
    is to read it any more, it is dropped.
    """
    topic, now = broker.topic(), time.time_ns()
    with closing(_store(tmp_path)) as store:
        store.advance({("others", 0): now, ("others", WHOLE): now})
    broker.write(topic, _message(IDS[0], 1))

    def tomorrow() -> int:
        return time.time_ns() + DAY

    collector = run(topic, data=tmp_path, clock=tomorrow)
    collector.wait_for(1)
    lag = "journey_collector_kafka_lag_seconds"
    # Its own topic is known by then, and the other one holds.
    wait_until("the clock to be a day behind", lambda: collector.metric(lag) > 86_000, pause=0.1)
    (session,) = collector.sessions()
    assert (session["status"], session["settled_at"]) == ("IN_PROGRESS", None)
    with closing(sqlite3.connect(tmp_path / "journeys.sqlite")) as connection, connection:
        connection.execute("DELETE FROM watermarks WHERE topic = 'others'")
    (session,) = wait_until(
        "the session to be dropped",
        lambda: found if (found := collector.sessions())[0]["settled_at"] else None,
        pause=0.1,
    )
    assert (session["status"], session["revision"]) == ("DROPPED", 0)
    assert session["settled_at"] > "2026"


def test_while_the_store_takes_nothing_messages_wait(
    broker: Broker, run: Run, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A store that is busy costs no message: none is committed to the brokers until it is kept."""
    topic = broker.topic()
    collector = run(topic, data=tmp_path)
    with closing(sqlite3.connect(tmp_path / "journeys.sqlite", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        broker.write(topic, _message(IDS[0], 1))
        wait_until("a try", lambda: "the store takes no data" in caplog.text)
        assert broker.committed(topic, topic) < 0
        other.execute("ROLLBACK")
    collector.wait_for(1)
    wait_until("its offset", lambda: broker.committed(topic, topic) == 1, pause=0.1)
    assert collector.metric('journey_collector_kafka_messages_total{outcome="stored"}') == 1


def test_a_topic_that_is_added_to_is_read_on(broker: Broker, run: Run, tmp_path: Path) -> None:
    """A partition that is added holds the clock from the look before, and its topic is known."""
    topic = broker.topic()
    run(topic, data=tmp_path)
    wait_until("a look at the topic", lambda: {0, WHOLE} <= _marks(tmp_path, topic).keys())
    broker.grow(topic, 2)
    before = _marks(tmp_path, topic)[WHOLE]
    wait_until("the new partition to be known", lambda: 1 in _marks(tmp_path, topic))
    found = _marks(tmp_path, topic)
    assert before - 2 * 10**9 < found[1] <= found[WHOLE]


def test_a_topic_that_is_not_there_holds_nobody(broker: Broker, run: Run, tmp_path: Path) -> None:
    """Before anybody has written to a topic that is yet to be made, the wall's time counts."""
    now = time.time_ns()
    collector = run("never-made", data=tmp_path)
    wait_until("a look", lambda: _marks(tmp_path, "never-made").get(WHOLE, 0) > now)
    lag = "journey_collector_kafka_lag_seconds"
    wait_until("the clock to go on", lambda: 0 < collector.metric(lag) < 30, pause=0.1)
    assert "never-made" not in broker.admin().list_topics(timeout=30).topics


def _marks(folder: Path, topic: str) -> dict[int, int]:
    sql = "SELECT partition_no, at FROM watermarks WHERE topic = ?"
    with closing(sqlite3.connect(folder / "journeys.sqlite")) as connection:
        return dict(connection.execute(sql, (topic,)))
