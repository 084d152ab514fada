"""A Kafka broker of our own: Apache's, one node without ZooKeeper, in a temporary folder."""

from __future__ import annotations

import itertools
import os
import shutil
import socket
import subprocess
import tempfile
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import confluent_kafka as client
import pytest
from confluent_kafka import admin as admin_client
from tests.support.waiting import PATIENCE, end_child, wait_until

__all__ = ["Broker", "running_broker"]

_ADMIN: Any = admin_client
"""What it has under a name that its types do not tell."""
_POM = Path(__file__).parents[2] / "tools" / "kafka" / "pom.xml"


class Broker:
    """A broker on free ports of the loopback; every topic has the log's own times."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._numbers = itertools.count(1)
        self._port, self._control = _free_ports(2)
        self.address = f"127.0.0.1:{self._port}"
        self._java = _java()
        (folder / "server.properties").write_text(self._properties())
        self._run("kafka.tools.StorageTool", "format", "-t", "AAAAAAAAAAAAAAAAAAAAAA")
        self._child: subprocess.Popen[bytes] | None = None

    def _properties(self) -> str:
        settings = {
            "process.roles": "broker,controller",
            "node.id": 1,
            "controller.quorum.voters": f"1@127.0.0.1:{self._control}",
            "listeners": f"PLAINTEXT://{self.address},CONTROLLER://127.0.0.1:{self._control}",
            "advertised.listeners": f"PLAINTEXT://{self.address}",
            "controller.listener.names": "CONTROLLER",
            "log.dirs": self.folder / "data",
            "log.message.timestamp.type": "LogAppendTime",
            "offsets.topic.replication.factor": 1,
            "offsets.topic.num.partitions": 1,
            "transaction.state.log.replication.factor": 1,
            "transaction.state.log.min.isr": 1,
            "transaction.state.log.num.partitions": 1,
            "group.initial.rebalance.delay.ms": 0,
            "group.min.session.timeout.ms": 1000,
            "auto.create.topics.enable": "false",
            "num.network.threads": 1,
            "num.io.threads": 2,
        }
        return "".join(f"{key}={value}\n" for key, value in settings.items())

    def _run(self, *arguments: str) -> None:
        command = [*self._java, *arguments, "-c", str(self.folder / "server.properties")]
        done = subprocess.run(
            command, check=False, capture_output=True, text=True, timeout=2 * PATIENCE
        )
        assert done.returncode == 0, done.stdout + done.stderr

    def start(self) -> None:
        """Start it, and wait until it answers."""
        command = [*self._java, "kafka.Kafka", str(self.folder / "server.properties")]
        with (self.folder / "log").open("ab") as log:
            self._child = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)
        wait_until("a Kafka broker", self._answers, pause=0.1)

    def _answers(self) -> bool:
        child = self._child
        assert child is not None
        assert child.poll() is None, (self.folder / "log").read_text()[-4000:]
        try:
            return bool(self.admin().list_topics(timeout=1).brokers)
        except client.KafkaException:
            return False

    def stop(self) -> None:
        """End it."""
        if self._child is not None:
            end_child(self._child)
            self._child = None

    def kill(self) -> None:
        """End it at once, as a crash would."""
        if self._child is not None:
            self._child.kill()
            self._child.wait(PATIENCE)
            self._child = None

    def admin(self) -> admin_client.AdminClient:
        """Give what manages topics."""
        return admin_client.AdminClient({"bootstrap.servers": self.address, "log_level": 0})

    def topic(self, partitions: int = 1, **settings: str) -> str:
        """Make a topic of its own name and give that; `_` in a setting stands for a dot."""
        name = f"spans-{next(self._numbers)}"
        config = {key.replace("_", "."): value for key, value in settings.items()}
        admin = self.admin()  # kept, for an answer needs it
        made = admin.create_topics([_ADMIN.NewTopic(name, partitions, 1, config=config)])
        made[name].result(PATIENCE)
        return name

    def grow(self, topic: str, partitions: int) -> None:
        """Give a topic so many partitions."""
        admin = self.admin()
        grown = admin.create_partitions([_ADMIN.NewPartitions(topic, partitions)])
        grown[topic].result(PATIENCE)

    def write(self, topic: str, *values: bytes, **rest: Any) -> None:
        """Write messages and wait until they are there."""
        producer = client.Producer({"bootstrap.servers": self.address, "log_level": 0})
        faults: list[object] = []
        for value in values:
            producer.produce(
                topic, value, on_delivery=lambda error, _: faults.append(error), **rest
            )
        producer.flush(PATIENCE)
        assert faults == [None] * len(values), faults

    def read(self, topic: str, count: int) -> list[client.Message]:
        """Give the first messages of a topic, whatever their partition."""
        reader = client.Consumer(
            {
                "bootstrap.servers": self.address,
                "group.id": f"reader-{next(self._numbers)}",
                "enable.auto.commit": False,
                "log_level": 0,
            }
        )
        try:
            numbers = self.admin().list_topics(topic, timeout=PATIENCE).topics[topic].partitions
            reader.assign([client.TopicPartition(topic, number, 0) for number in numbers])
            found: list[client.Message] = []

            def more() -> bool:
                found.extend(reader.consume(count - len(found), 0.1))
                return len(found) >= count

            wait_until(f"{count} messages in {topic}", more)
            assert all(one.error() is None for one in found)
            return found
        finally:
            reader.close()

    def committed(self, group: str, topic: str, partition: int = 0) -> int:
        """Give the offset that a group has committed; below 0: none."""
        reader = client.Consumer(
            {"bootstrap.servers": self.address, "group.id": group, "log_level": 0}
        )
        try:
            (found,) = reader.committed([client.TopicPartition(topic, partition)], timeout=PATIENCE)
            return int(found.offset)
        finally:
            reader.close()


@contextmanager
def running_broker() -> Iterator[Broker]:
    """Run a broker inside the block."""
    folder = Path(tempfile.mkdtemp(prefix="jt-kafka-"))
    broker = None
    try:
        broker = Broker(folder)
        broker.start()
        yield broker
    finally:
        if broker is not None:
            broker.kill()
        shutil.rmtree(folder)


def _free_ports(count: int) -> list[int]:
    probes = [socket.socket() for _ in range(count)]
    try:
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [probe.getsockname()[1] for probe in probes]
    finally:
        for probe in probes:
            probe.close()


def _java() -> list[str]:
    """Give the command up to the class to run."""
    java = shutil.which("java")
    if java is None:
        pytest.fail("Java is missing: apt-get install default-jre-headless", pytrace=False)
    space = {"m": "http://maven.apache.org/POM/4.0.0"}
    version = ET.parse(_POM).findtext(  # noqa: S314 - our own
        "m:dependencies/m:dependency/m:version", None, space
    )
    caches = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    jars = caches / "journeytrace" / f"kafka-{version}"
    if not (jars / "complete").exists():
        problem = "Apache Kafka is missing: apt-get install maven; tools/install-test-servers"
        pytest.fail(problem, pytrace=False)
    # One thread of each kind, and no compiler that outlives the test.
    spare = ["-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto"]
    quiet = ["-Dorg.slf4j.simpleLogger.defaultLogLevel=warn"]
    return [java, *spare, *quiet, "-cp", f"{jars}/*"]
