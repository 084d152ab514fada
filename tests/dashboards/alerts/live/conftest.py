"""A Prometheus and an Alertmanager that really run, and somebody to be told."""

from __future__ import annotations

import json
import socket
import subprocess
import threading
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlencode

import pytest
import yaml
from tests.support.waiting import end_child, join, wait_until

from journeytrace_dashboards.alerts import Settings, export_alerts

_SCRAPE = """
global: {{scrape_interval: 500ms, scrape_timeout: 500ms, evaluation_interval: 500ms}}
rule_files: ["{rules}/*.alerts.yml", "{rules}/*.recording.yml"]
scrape_configs:
  - job_name: journeytrace
    static_configs: [{{targets: {targets}}}]
alerting:
  alertmanagers: [{{static_configs: [{{targets: ["{alertmanager}"]}}]}}]
"""


@pytest.fixture
def notified() -> Iterator[Webhook]:
    """Listen for what Alertmanager sends."""
    with Webhook() as webhook:
        yield webhook


class Webhook:
    """Keeps the notifications that it is sent."""

    def __init__(self) -> None:
        self.notifications: list[dict[str, Any]] = []
        kept = self.notifications

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                kept.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/"

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        join(self._thread)
        self._server.server_close()


class Servers:
    """A Prometheus that scrapes and evaluates twice a second, and its Alertmanager."""

    def __init__(self, prometheus: str, alertmanager: str) -> None:
        self._prometheus = prometheus
        self._alertmanager = alertmanager

    def labels(self, query: str) -> list[dict[str, str]]:
        """Give the labels of each series that a query answers."""
        url = f"http://{self._prometheus}/api/v1/query?{urlencode({'query': query})}"
        return [series["metric"] for series in _get(url)["data"]["result"]]

    def alerts(self) -> list[dict[str, Any]]:
        """Give what Alertmanager knows of, told to somebody or not."""
        found = _get(f"http://{self._alertmanager}/api/v2/alerts")
        assert isinstance(found, list)
        return found


def _get(url: str) -> Any:
    with urllib.request.urlopen(url, timeout=10) as answer:  # noqa: S310 - our own address
        return json.load(answer)


def _free_address() -> str:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return f"127.0.0.1:{free.getsockname()[1]}"


@contextmanager
def _running(command: list[str], log: Path, ready: str) -> Iterator[None]:
    with log.open("wb") as lines, subprocess.Popen(command, stdout=lines, stderr=lines) as server:

        def answers() -> bool:
            assert server.poll() is None, log.read_text()
            try:
                with urllib.request.urlopen(ready, timeout=10):  # noqa: S310 - our own address
                    return True
            except OSError:
                return False

        try:
            wait_until(ready, answers)
            yield
        finally:
            end_child(server)


@pytest.fixture
def alerting(
    tmp_path: Path, program: Callable[[str], str], notified: Webhook
) -> Iterator[Callable[[Settings, list[str]], Servers]]:
    """Start both servers on rules made from `Settings`, for collectors at some admin addresses."""
    with ExitStack() as started:

        def start(settings: Settings, targets: list[str]) -> Servers:
            folder = tmp_path / "alerting"
            export_alerts(folder, settings)
            prometheus, alertmanager = _free_address(), _free_address()
            (folder / "alertmanager.yml").write_text(_alertmanager_config(notified.url))
            scrape = _SCRAPE.format(
                rules=folder, targets=json.dumps(targets), alertmanager=alertmanager
            )
            (folder / "prometheus.yml").write_text(scrape)
            command = [
                program("prometheus-alertmanager"),
                f"--config.file={folder / 'alertmanager.yml'}",
                f"--storage.path={folder / 'alertmanager'}",
                f"--web.listen-address={alertmanager}",
                "--cluster.listen-address=",
                "--log.level=warn",
            ]
            ready = f"http://{alertmanager}/-/ready"
            started.enter_context(_running(command, folder / "alertmanager.log", ready))
            command = [
                program("prometheus"),
                f"--config.file={folder / 'prometheus.yml'}",
                f"--storage.tsdb.path={folder / 'tsdb'}",
                f"--web.listen-address={prometheus}",
                "--log.level=warn",
            ]
            ready = f"http://{prometheus}/-/ready"
            started.enter_context(_running(command, folder / "prometheus.log", ready))
            return Servers(prometheus, alertmanager)

        yield start


def _alertmanager_config(url: str) -> str:
    """Take the configuration that is shipped, but tell the webhook, and soon."""
    shipped = Path(__file__).parents[4] / "dashboards/provisioning/alertmanager/alertmanager.yml"
    config = yaml.safe_load(shipped.read_text("utf-8"))
    config["route"] |= {"group_wait": "3s", "group_interval": "3s", "receiver": "test"}
    config["receivers"].append({"name": "test", "webhook_configs": [{"url": url}]})
    return yaml.safe_dump(config)
