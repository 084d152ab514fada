from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from tests.e2e.conftest import Process
from tests.support.otlp import journey_span, request
from tests.support.waiting import PATIENCE, wait_until

from journeytrace.identity import trace_id

if TYPE_CHECKING:
    from pathlib import Path

    from tests.collector.kafka.conftest import Run
    from tests.support.kafka import Broker

DIES = """
import os, signal, confluent_kafka

class Dies(confluent_kafka.Consumer):
    def store_offsets(self, **_):
        os.kill(os.getpid(), signal.SIGKILL)

confluent_kafka.Consumer = Dies
from journeytrace_collector.cli import main
main()
"""
"""A collector that is killed when what it has read is on disk, and nobody knows it yet."""


def test_killed_between_the_store_and_the_log_it_counts_nothing_twice(
    broker: Broker, run: Run, tmp_path: Path
) -> None:
    """Messages that were stored but not committed are read again, and are the same events."""
    topic, data, config = broker.topic(2), tmp_path / "data", tmp_path / "settings.json"
    for number in range(10):
        session = f"session-{number}"
        span = journey_span(1, trace=trace_id(session), session__id=session)
        broker.write(topic, request(span).SerializeToString(), key=session)
    kafka = {"brokers": broker.address, "traces": topic, "logs": "", "group": topic}
    config.write_text(json.dumps({"sources": {"kafka": kafka | {"instance": "one"}}}))
    process = Process(data, "--config", str(config), main=DIES)
    assert process.child.wait(PATIENCE) == -9
    process.log()
    assert broker.committed(topic, topic, 0) < 0
    collector = run(topic, data=data, kafka={"instance": "one"})
    found = collector.wait_for(10)
    twice = 'journey_collector_events_total{outcome="duplicate"}'
    wait_until("something to come twice", lambda: collector.metric(twice))
    assert [one["events"] for one in found] == [1] * 10
    assert collector.metric('journey_sessions_started_total{project=""}') == 10


def test_a_name_that_is_given_twice_leaves_one_reader(
    broker: Broker, run: Run, caplog: pytest.LogCaptureFixture
) -> None:
    """A second collector of one name takes the place of the first, which says so: not ready."""
    topic = broker.topic()
    first = run(topic, kafka={"instance": "one"})
    wait_until(
        "the first to read",
        lambda: first.metric("journey_collector_kafka_partitions") == 1,
        pause=0.1,
    )
    second = run(topic, kafka={"instance": "one"})
    wait_until("the first to give up", lambda: not first.ready(), pause=0.1)
    assert "give each its own sources.kafka.instance" in caplog.text
    wait_until(
        "the second to read",
        lambda: second.metric("journey_collector_kafka_partitions") == 1,
        pause=0.1,
    )
