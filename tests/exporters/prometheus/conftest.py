"""A real Prometheus and a real collector, each started and stopped by the test."""

from __future__ import annotations

import asyncio
import json
import shutil
import socket
import subprocess
import threading
import time
import urllib.request
from collections.abc import Callable, Coroutine, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from tests.support.waiting import PATIENCE, end_child, join, wait_until

from journeytrace_collector.process import Collector
from journeytrace_collector.settings import Address, Project, Settings


def program(name: str) -> str:
    """Find a program of Debian's prometheus package, without which nothing here is proved."""
    found = shutil.which(name)
    if found is None:
        pytest.fail(f"{name} is missing: apt-get install --no-install-recommends prometheus")
    return found


class Prometheus:
    """A server that scrapes one address twice a second."""

    def __init__(self, address: str) -> None:
        self.address = address

    def ask(self, path: str, **parameters: str) -> Any:
        """Give the data that an address of its API answers."""
        url = f"http://{self.address}/api/v1/{path}?{urlencode(parameters)}"
        with urllib.request.urlopen(url, timeout=10) as answer:
            return json.load(answer)["data"]

    def value(self, query: str) -> float | None:
        """Give the one value that a query answers; None: it answers nothing."""
        result = self.ask("query", query=query)["result"]
        if not result:
            return None
        [found] = result
        return float(found["value"][1])

    def becomes(self, query: str, expected: float) -> None:
        """Wait until a query answers `expected`."""
        wait_until(f"{query} = {expected}", lambda: self.value(query) == expected)

    def own_metrics(self) -> str:
        """Give the page that Prometheus has about itself."""
        with urllib.request.urlopen(f"http://{self.address}/metrics", timeout=10) as answer:
            text: str = answer.read().decode()
        return text


_CONFIG = """
global: {{scrape_interval: 500ms, scrape_timeout: 500ms}}
scrape_configs:
  - {{job_name: collector, static_configs: [{{targets: ["{target}"]}}]}}
"""


@contextmanager
def _prometheus(folder: Path, target: str, *features: str) -> Iterator[Prometheus]:
    config = folder / "prometheus.yml"
    config.write_text(_CONFIG.format(target=target))
    with socket.create_server(("127.0.0.1", 0)) as free:
        address = f"127.0.0.1:{free.getsockname()[1]}"
    command = [
        program("prometheus"),
        f"--config.file={config}",
        f"--storage.tsdb.path={folder / 'tsdb'}",
        f"--web.listen-address={address}",
        f"--enable-feature={','.join(('exemplar-storage', *features))}",
        "--log.level=warn",
    ]
    log = folder / "log"
    with log.open("wb") as lines, subprocess.Popen(command, stderr=lines) as server:

        def ready() -> bool:
            assert server.poll() is None, log.read_text()
            try:
                with urllib.request.urlopen(f"http://{address}/-/ready", timeout=10):
                    return True
            except OSError:
                return False

        try:
            wait_until("Prometheus", ready)
            yield Prometheus(address)
        finally:
            end_child(server)


@pytest.fixture
def scrape(tmp_path: Path) -> Iterator[Callable[..., Prometheus]]:
    """Start a Prometheus that scrapes the address it is given; further words: features of its."""
    folder = tmp_path / "prometheus"
    folder.mkdir()
    with ExitStack() as started:
        yield lambda *words: started.enter_context(_prometheus(folder, *words))


@pytest.fixture
def promtool() -> Callable[[bytes], subprocess.CompletedProcess[bytes]]:
    """Let ``promtool check metrics`` look at a page."""
    command = [program("promtool"), "check", "metrics"]
    return lambda page: subprocess.run(
        command, input=page, capture_output=True, check=False, timeout=PATIENCE
    )


class Site:
    """A collector on one data folder, which can be stopped and started on the same ports."""

    def __init__(self, data: Path) -> None:
        self.ahead = 0
        """ns by which the collector's clock runs ahead of this machine's."""
        anywhere = Address("127.0.0.1", 0)
        self._settings = Settings(
            data=data,
            otlp_grpc=anywhere,
            otlp_http=anywhere,
            admin=anywhere,
            desk=None,
            projects={"acme": Project()},
        )
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._collector: Collector | None = None

    def clock(self) -> int:
        """Tell the collector's time."""
        return time.time_ns() + self.ahead

    def start(self) -> None:
        """Start the collector."""
        collector = Collector(self._settings, self.clock)
        self._do(collector.__aenter__())
        self._collector = collector
        self.admin = str(collector.admin)
        self.otlp_http = str(collector.otlp_http)
        self.otlp_grpc = str(collector.otlp_grpc)
        # Prometheus keeps its target, and the counters what they have counted.
        self._settings = self._settings.model_copy(update={"admin": collector.admin})

    def stop(self) -> None:
        """Stop the collector, if it runs."""
        if self._collector is not None:
            self._do(self._collector.__aexit__(None, None, None))
            self._collector = None

    def close(self) -> None:
        """Stop for good."""
        try:
            self.stop()
        finally:
            self._loop.call_soon_threadsafe(self._loop.stop)
            join(self._thread)
            self._loop.close()

    def _do(self, work: Coroutine[Any, Any, object]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(PATIENCE)

    def send(self, *spans: Span) -> None:
        """Send spans by OTLP/HTTP; they are on disk afterwards."""
        request = ExportTraceServiceRequest()
        resource_spans = request.resource_spans.add()
        for key, value in (("service.name", "form"), ("service.version", "1.2.3")):
            resource_spans.resource.attributes.add(key=key).value.string_value = value
        resource_spans.scope_spans.add().spans.extend(spans)
        url = f"http://{self.otlp_http}/v1/traces"
        headers = {"Content-Type": "application/x-protobuf"}
        sent = urllib.request.Request(url, request.SerializeToString(), headers)
        with urllib.request.urlopen(sent, timeout=10) as answer:  # noqa: S310 - our own address
            assert answer.read() == b"", "something was rejected"

    def span(self, number: int, name: str, *, seconds: float = 0, **attributes: str) -> Span:
        """Make the span of an event that ends now; ``journey_stage`` stands for a key with dots."""
        values = {"session.id": "session-1", "journey.project.id": "acme"} | {
            key.replace("_", "."): value for key, value in attributes.items()
        }
        now = self.clock()
        return Span(
            trace_id=b"t" * 16,
            span_id=number.to_bytes(8, "big"),
            name=name,
            start_time_unix_nano=now - round(seconds * 1e9),
            end_time_unix_nano=now,
            attributes=[
                KeyValue(key=key, value=AnyValue(string_value=value))
                for key, value in {"journey.event.name": name, **values}.items()
            ],
        )


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """Give a collector that runs."""
    site = Site(tmp_path / "data")
    try:
        site.start()
        yield site
    finally:
        site.close()
