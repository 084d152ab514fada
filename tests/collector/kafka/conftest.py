"""A broker for all tests of a worker, and collectors that read from it."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
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
