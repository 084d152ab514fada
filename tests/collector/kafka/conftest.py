"""A broker for all tests of a worker, and collectors that read from it."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from google.rpc.status_pb2 import Status
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from tests.support.kafka import Broker, running_broker
from tests.support.running import Enter, enter_in_background, free_settings
from tests.support.waiting import wait_until

from journeytrace_collector.clock import Clock
from journeytrace_collector.process import Collector

FAST: dict[str, Any] = {"session_timeout": "6s"}


@pytest.fixture(scope="session")
def broker() -> Iterator[Broker]:
    """Run one broker; each test has a topic of its own there."""
    with running_broker() as found:
        yield found


@pytest.fixture
def enter() -> Iterator[Enter]:
    """Enter contexts in a loop that runs in the background."""
    with enter_in_background() as enter:
        yield enter


class Running:
    """A collector that runs."""

    def __init__(self, collector: Collector) -> None:
        self.collector = collector

    def get(self, path: str) -> Any:
        """Read JSON from the admin address."""
        address = f"http://{self.collector.admin}{path}"
        with urllib.request.urlopen(address, timeout=30) as answer:
            return json.load(answer)

    def post(self, path: str, body: object) -> None:
        """Ask the admin address to do something."""
        headers = {"Content-Type": "application/json"}
        address = f"http://{self.collector.admin}{path}"
        asked = urllib.request.Request(address, json.dumps(body).encode(), headers)
        urllib.request.urlopen(asked, timeout=30).close()  # noqa: S310

    def ready(self) -> bool:
        """Whether it says that it is."""
        try:
            urllib.request.urlopen(f"http://{self.collector.admin}/readyz", timeout=30).close()
        except urllib.error.HTTPError as error:
            error.close()
            return False
        return True

    def sessions(self) -> list[Any]:
        """List the sessions."""
        found: list[Any] = self.get("/api/v1/sessions?limit=500")["sessions"]
        return found

    def events(self, session: str) -> list[Any]:
        """List the events of a session."""
        found: list[Any] = self.get(f"/api/v1/sessions/{session}/events")["events"]
        return found

    def metric(self, line: str) -> float:
        """Read one series; 0: it is not there."""
        with urllib.request.urlopen(f"http://{self.collector.admin}/metrics", timeout=30) as page:
            for text in page.read().decode().splitlines():
                name, _, value = text.rpartition(" ")
                if name == line:
                    return float(value)
        return 0.0

    def wait_for(self, count: int) -> list[Any]:
        """Wait until there are so many sessions, and list them."""
        return wait_until(
            f"{count} sessions",
            lambda: found if len(found := self.sessions()) >= count else None,
            pause=0.05,
        )

    def send(self, request: ExportTraceServiceRequest, token: str | None = None) -> Answer:
        """Send a request over OTLP/HTTP."""
        headers = {"Content-Type": "application/x-protobuf"}
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        address = f"http://{self.collector.otlp_http}/v1/traces"
        asked = urllib.request.Request(address, request.SerializeToString(), headers)
        try:
            with urllib.request.urlopen(asked, timeout=30) as answer:  # noqa: S310
                found = ExportTraceServiceResponse.FromString(answer.read())
                return Answer(200, found.partial_success.error_message)
        except urllib.error.HTTPError as error:
            with error:
                status = Status.FromString(error.read())
                return Answer(error.code, status.message, error.headers.get("Retry-After"))


class Answer(NamedTuple):
    """What a sender was told."""

    status: int
    message: str
    """Why it, or a part of it, was not taken; empty: all was."""
    retry_after: str | None = None


Run = Callable[..., Running]


@pytest.fixture
def run(tmp_path: Path, enter: Enter, broker: Broker) -> Run:
    """Run a collector that reads a topic; what is given beside it are further settings."""
    numbers = iter(range(100))

    def start(topic: str, /, clock: Clock | None = None, **settings: Any) -> Running:
        kafka = {"brokers": broker.address, "traces": topic, "logs": "", "group": topic}
        kafka |= FAST | settings.pop("kafka", {})
        data = settings.pop("data", tmp_path / f"data-{next(numbers)}")
        known = free_settings(data, sources={"kafka": kafka}, **settings)
        collector = Collector(known) if clock is None else Collector(known, clock)
        return Running(enter(collector))

    return start


Front = Callable[..., Running]


@pytest.fixture
def front(tmp_path: Path, enter: Enter, broker: Broker) -> Front:
    """Run a collector that writes to a topic what it gets."""
    numbers = iter(range(100))

    def start(topic: str, /, clock: Clock | None = None, **settings: Any) -> Running:
        kafka = {"brokers": broker.address, "topic": topic} | settings.pop("kafka", {})
        data = tmp_path / f"front-{next(numbers)}"
        known = free_settings(data, forward_to_kafka=kafka, **settings)
        collector = Collector(known) if clock is None else Collector(known, clock)
        return Running(enter(collector))

    return start
