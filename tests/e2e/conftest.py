"""A collector as a process of its own, started by its command, as an operator would."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.support.waiting import PATIENCE, Lines

_MAIN = "from journeytrace_collector.cli import main; main()"
_LISTENING = r"gRPC on (\S+), OTLP/HTTP on (\S+), admin on (\S+), store"


class Process:
    """``journeytrace collector`` on a data folder. It listens once it is made."""

    def __init__(self, data: Path, *flags: str, main: str = _MAIN) -> None:
        self.data = data
        addresses = ("--otlp-grpc", "127.0.0.1:0", "--otlp-http", "127.0.0.1:0")
        command = [sys.executable, "-c", main, "collector", "--data", str(data), *addresses]
        self.child = subprocess.Popen(
            [*command, "--admin", "127.0.0.1:0", "--desk", "off", *flags],
            stderr=subprocess.PIPE,
            text=True,
        )
        self.grpc = self.http = self.admin = self.public = ""
        self._lines = Lines(self.child.stderr)
        if found := self._lines.find(_LISTENING):
            self.grpc, self.http, self.admin = found.groups()
        if "--public" in flags and (found := self._lines.find(r"browsers send to (\S+)")):
            self.public = found[1]

    def log(self) -> str:
        """Give what it wrote to stderr, once it has ended."""
        return self._lines.text()

    def get(self, path: str) -> Any:
        """Read JSON from the admin address."""
        with urllib.request.urlopen(f"http://{self.admin}{path}", timeout=30) as answer:
            return json.load(answer)

    def ask(self, path: str) -> tuple[int, Any]:
        """Read JSON from the admin address, whatever the status."""
        try:
            with urllib.request.urlopen(f"http://{self.admin}{path}", timeout=30) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.load(error)

    def peak_memory(self) -> int:
        """Give the most memory it ever had resident, in bytes."""
        status = Path(f"/proc/{self.child.pid}/status").read_text()
        (kib,) = re.findall(r"VmHWM:\s+(\d+) kB", status)
        return int(kib) * 1024

    def kill(self) -> None:
        """End it at once, as a power cut would end its machine's processes."""
        self.child.kill()
        self.child.wait(PATIENCE)
        self._lines.text()

    def stop(self) -> int:
        """Ask it to end, and give its exit code."""
        self.child.send_signal(signal.SIGTERM)
        return self.child.wait(PATIENCE)


Launch = Callable[..., Process]


@pytest.fixture
def launch(tmp_path: Path) -> Iterator[Launch]:
    """Start collectors on one data folder; those still running are killed when the test ends."""
    started: list[Process] = []

    def begin(*flags: str, data: Path = tmp_path / "data", main: str = _MAIN) -> Process:
        started.append(Process(data, *flags, main=main))
        return started[-1]

    yield begin
    for process in started:
        process.kill()


@pytest.fixture(scope="session")
def examples() -> Path:
    """The folder with OTLP/JSON written by hand, in the spellings that OTLP allows."""
    return Path(__file__).parent.parent / "data" / "otlp-examples"
