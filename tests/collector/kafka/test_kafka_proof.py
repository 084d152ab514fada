"""Three collectors behind one log, with everything that can befall them."""

from __future__ import annotations

import json
import random
import threading
import time
import urllib.request
from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack
from operator import itemgetter
from pathlib import Path
from typing import Any

import confluent_kafka as client
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from tests.e2e.conftest import Process
from tests.support.kafka import Broker, running_broker
from tests.support.otlp import pairs
from tests.support.postgresql import Server, running_server
from tests.support.running import enter_in_background, free_settings
from tests.support.waiting import PATIENCE, join, wait_until

from journeytrace.catalogue import builtin_catalogue
from journeytrace.identity import trace_id
from journeytrace_collector.process import Collector

EVENTS = 200_000
PER_SESSION = 20
PER_MESSAGE = 5
PARTITIONS = 6
DAY = 86_400 * 10**9
LONG = 600.0

TOMORROW = f"""
import time
real = time.time_ns
time.time_ns = lambda: real() + {DAY}
from journeytrace_collector.cli import main
main()
"""
"""A collector that lives a day later than the brokers: all that it reads is a day old."""

Message = tuple[str, bytes]


@pytest.fixture(scope="module")
def messages() -> list[Message]:
    """Give (key, value) of all messages, in the order in which they are written."""
    chance = random.Random(12)
    decisions = ["APPROVED", "REJECTED", "PENDING"]
    known = [one for one in builtin_catalogue().events.values() if not one.passive]
    plain = [one.name for one in known if one.name not in decisions]
    now = time.time_ns()
    made = []
    for number in range(EVENTS // PER_SESSION):
        session = str(chance.getrandbits(64))
        chosen = ["SESSION_CREATED", *chance.choices(plain, k=PER_SESSION - 1)]
        if chance.random() < 0.6:
            # One at most: which of two counts as a change depends on what came together.
            chosen[-1] = chance.choice(decisions)
        start = now - chance.randrange(600) * 10**9
        spans = [
            Span(
                name=name,
                trace_id=trace_id(session),
                span_id=chance.randbytes(8),
                start_time_unix_nano=start + step * 10**9,
                end_time_unix_nano=start + step * 10**9 + chance.randrange(10**9),
                attributes=pairs(
                    {
                        "session.id": session,
                        "journey.event.name": name,
                        "journey.project.id": f"project-{number % 3}",
                        "user.id": f"user-{number}",
                        "screen": "front",
                    }
                ),
            )
            for step, name in enumerate(chosen)
        ]
        for first in range(0, PER_SESSION, PER_MESSAGE):
            request = ExportTraceServiceRequest()
            resource = request.resource_spans.add()
            resource.resource.attributes.extend(pairs({"service.name": "kyc"}))
            resource.scope_spans.add().spans.extend(spans[first : first + PER_MESSAGE])
            made.append((trace_id(session).hex(), request.SerializeToString()))
    chance.shuffle(made)
    return made


@pytest.fixture(scope="module")
def log(messages: list[Message]) -> Iterator[tuple[Broker, str]]:
    """Write them all to a topic of a broker."""
    with running_broker() as broker:
        topic = broker.topic(PARTITIONS)
        _write(broker, topic, messages)
        yield broker, topic


def _write(broker: Broker, topic: str, messages: list[Message]) -> None:
    bounds = {"queue.buffering.max.messages": 10**6, "log_level": 0}
    producer = client.Producer({"bootstrap.servers": broker.address} | bounds)
    for key, value in messages:
        producer.produce(topic, value, key)
    assert producer.flush(PATIENCE) == 0


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """Run a PostgreSQL."""
    with running_server() as found:
        found.make_template()
        yield found


@pytest.fixture
def undo() -> Iterator[ExitStack]:
    """Collect what is to be done at the end."""
    with ExitStack() as stack:
        yield stack


class Fleet:
    """Collectors on one database that read one topic."""

    def __init__(self, folder: Path, address: str, topic: str, group: str, store: str) -> None:
        self._folder = folder
        self._kafka = {"brokers": address, "traces": topic, "logs": "", "group": group}
        self._kafka["session_timeout"] = "6s"
        self._store = store
        self.running: dict[str, Process] = {}

    def start_all(self, *names: str) -> None:
        """Start these, and wait until they answer."""
        starts = [threading.Thread(target=self._start, args=(name,), daemon=True) for name in names]
        for start in starts:
            start.start()
        join(*starts, seconds=2 * PATIENCE)

    def _start(self, name: str) -> None:
        config = self._folder / f"{name}.json"
        kafka = self._kafka | {"instance": name}
        said = {"sources": {"kafka": kafka}, "store": self._store, "collector_id": name}
        config.write_text(json.dumps(said))
        data = self._folder / name
        self.running[name] = Process(data, "--config", str(config), main=TOMORROW)

    def kill(self) -> None:
        """End what is left."""
        for process in self.running.values():
            if process.child.poll() is None:
                process.kill()

    def stop(self) -> None:
        """Ask all to end."""
        for process in self.running.values():
            assert process.stop() == 0
            process.log()

    def counted(self) -> dict[str, float]:
        """Add up the series of all."""
        found: defaultdict[str, float] = defaultdict(float)
        for process in self.running.values():
            for name, value in _series(process.admin).items():
                found[name] += value
        return found

    def partitions(self) -> float:
        return self.counted()["journey_collector_kafka_partitions"]

    def stored(self) -> float:
        return self.counted()['journey_collector_events_total{outcome="accepted"}']


def _series(admin: object) -> dict[str, float]:
    with urllib.request.urlopen(f"http://{admin}/metrics", timeout=PATIENCE) as page:
        lines = page.read().decode().splitlines()
    split = (line.rpartition(" ") for line in lines if not line.startswith("#"))
    return {name: float(value) for name, _, value in split}


def _of_journeys(series: dict[str, float]) -> dict[str, float]:
    """Give what is counted of journeys, each once however often it comes."""
    return {
        name: round(value, 6)
        for name, value in series.items()
        if value
        and not name.startswith(("journey_collector_", "journey_sessions_open", "journey_service_"))
        and "_created" not in name
    }


def _list(admin: object) -> list[Any]:
    """Give all sessions, but for when they settled."""
    found: list[Any] = []
    cursor = ""
    while True:
        address = f"http://{admin}/api/v1/sessions?limit=500{cursor}"
        with urllib.request.urlopen(address, timeout=PATIENCE) as answer:
            page = json.load(answer)
        found += [one | {"settled_at": None} for one in page["sessions"]]
        if page["next_cursor"] is None:
            # Those that began at the same time are listed in the order in which they came.
            return sorted(found, key=itemgetter("session_id"))
        cursor = f"&cursor={page['next_cursor']}"


def _settled(series: dict[str, float]) -> bool:
    return _total(series, "settled") == EVENTS // PER_SESSION


@pytest.fixture(scope="module")
def direct(
    messages: list[Message], tmp_path_factory: pytest.TempPathFactory
) -> tuple[list[Any], dict[str, float]]:
    """Give list and counters of one machine that got all of it directly, a day later."""
    # Its time stands still meanwhile: a session is quiet if the log says so, and not the machine.
    now = [time.time_ns()]
    with enter_in_background() as enter:
        settings = free_settings(tmp_path_factory.mktemp("direct"))
        collector = enter(Collector(settings, lambda: now[0]))
        for first in range(0, len(messages), 500):
            body = b"".join(value for _, value in messages[first : first + 500])
            asked = urllib.request.Request(
                f"http://{collector.otlp_http}/v1/traces",
                body,
                {"Content-Type": "application/x-protobuf"},
            )
            with urllib.request.urlopen(asked, timeout=PATIENCE) as answer:  # noqa: S310
                assert answer.read() == b""
        now[0] += DAY
        admin = collector.admin
        wait_until("all to settle", lambda: _settled(_series(admin)), LONG, pause=0.5)
        return _list(admin), _of_journeys(_series(admin))


@pytest.mark.proof
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("names", [["one"], ["one", "two", "three"]], ids=["one", "three"])
def test_how_much_goes_through_the_log(  # noqa: PLR0917 - fixtures
    names: list[str],
    messages: list[Message],
    log: tuple[Broker, str],
    server: Server,
    tmp_path: Path,
    undo: ExitStack,
) -> None:
    """A group stores all that lies in a topic, once; its speed is printed."""
    broker, _ = log
    topic = broker.topic(PARTITIONS)
    fleet = Fleet(tmp_path, broker.address, topic, topic, server.fresh())
    undo.callback(fleet.kill)
    fleet.start_all(*names)
    wait_until("all partitions to be read", lambda: fleet.partitions() == PARTITIONS, pause=0.5)
    begun = time.monotonic()
    _write(broker, topic, messages)
    wait_until("all events", lambda: fleet.stored() == EVENTS, LONG, pause=0.5)
    seconds = time.monotonic() - begun
    _tell(f"{len(names)} collectors: {EVENTS / seconds:,.0f} events/s")
    fleet.stop()


@pytest.mark.proof
@pytest.mark.timeout(1800)
def test_three_collectors_tell_what_one_machine_tells(
    log: tuple[Broker, str],
    server: Server,
    direct: tuple[list[Any], dict[str, float]],
    tmp_path: Path,
) -> None:
    """A day of backlog, kill -9 of a collector, rebalances and a crash of the broker: the list is
    that of one machine, the counters add up to its own, and nobody was dropped by being late.
    """
    broker, topic = log
    store = server.fresh()
    fleet = Fleet(tmp_path, broker.address, topic, "proof", store)
    with ExitStack() as undo:
        undo.callback(fleet.kill)
        fleet.start_all("one", "two", "three")
        told: list[tuple[bool, float, int]] = []

        def reads(part: float) -> bool:
            dropped = fleet.running["three"].get("/api/v1/sessions?status=DROPPED&limit=1")
            settled = _total(fleet.counted(), "settled")
            # Asked last: what was told before was told while less than this was stored.
            ((stored,),) = server.execute("SELECT count(*) FROM events", store)
            assert isinstance(stored, int)
            told.append((stored < EVENTS, settled, len(dropped["sessions"])))
            return stored >= part * EVENTS

        wait_until("a quarter", lambda: reads(0.25), LONG, pause=0.2)
        fleet.running.pop("one").kill()
        wait_until("more than a half", lambda: reads(0.55), LONG, pause=0.2)
        broker.kill()
        broker.start()
        fleet.start_all("one")
        wait_until("everything", lambda: reads(1.0), LONG, pause=0.2)
        # What was behind never settled anybody before all of it had been read.
        late = [(settled, dropped) for more, settled, dropped in told if more]
        assert late
        assert set(late) == {(0, 0)}
        wait_until("all to settle", lambda: _settled(fleet.counted()), LONG, pause=0.5)
        listed, counted = direct
        found = _list(fleet.running["two"].admin)
        differing = [pair for pair in zip(found, listed, strict=True) if pair[0] != pair[1]]
        assert not differing, f"{len(differing)}, first: {differing[0]}"
        assert all(one["revision"] == 0 for one in found)
        assert {one["status"] for one in found} >= {"COMPLETED", "DROPPED"}
        assert _of_journeys(fleet.counted()) == counted
        twice = fleet.counted()['journey_collector_events_total{outcome="duplicate"}']
        _tell(f"{twice:,.0f} events were read twice")
        fleet.stop()


def _tell(text: str) -> None:
    print(f"\n{text}")  # noqa: T201 - what the proof is for


def _total(series: dict[str, float], what: str) -> float:
    name = f"journey_sessions_{what}_total"
    return sum(value for series_, value in series.items() if series_.startswith(name))
