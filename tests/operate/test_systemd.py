"""The systemd unit, by systemd's own tools where they are installed."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Final

import pytest
from tests.support.waiting import PATIENCE

from journeytrace_collector.connections import connection_limits
from journeytrace_collector.settings import Settings

UNIT: Final = Path(__file__).parents[2] / "docs/operate/journeytrace-collector.service"
TEXT: Final = UNIT.read_text("utf-8")


@pytest.fixture
def analyze(tmp_path: Path) -> list[str]:
    """Give systemd-analyze, and put the unit, with a program that exists, where it looks."""
    program = shutil.which("systemd-analyze")
    if program is None:
        pytest.fail("systemd-analyze is missing: apt-get install systemd", pytrace=False)
    unit = re.sub(r"^ExecStart=.*$", "ExecStart=/bin/true", TEXT, flags=re.MULTILINE)
    (tmp_path / UNIT.name).write_text(unit)
    return [program, str(tmp_path / UNIT.name)]


def test_systemd_understands_every_line(analyze: list[str]) -> None:
    """It has nothing to say about the unit: no unknown key, no value that it passes over."""
    program, unit = analyze
    done = subprocess.run(
        [program, "verify", unit], check=False, capture_output=True, text=True, timeout=PATIENCE
    )
    assert done.returncode == 0, done.stderr
    assert UNIT.name not in done.stderr


def test_systemd_finds_little_to_attack(analyze: list[str]) -> None:
    """Its score, of 10 for a service without any protection, is below 2."""
    program, unit = analyze
    command = [program, "security", "--offline=true", "--threshold=20", "--no-pager", unit]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=PATIENCE)
    assert done.returncode == 0, done.stdout[-200:] + done.stderr


def test_the_variables_are_settings() -> None:
    """Each that the unit sets is one that the collector knows."""
    names = re.findall(r"JOURNEYTRACE_(\w+)=", TEXT)
    assert len(names) == 3
    assert {name.lower() for name in names} <= set(Settings.model_fields)


def test_there_are_files_for_all_connections(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the unit's limit of open files a collector takes as many as it ever does."""
    (files,) = re.findall(r"^LimitNOFILE=(\d+)$", TEXT, re.MULTILINE)
    module = "journeytrace_collector.connections.resource.getrlimit"
    monkeypatch.setattr(module, lambda _: (int(files), int(files)))
    assert connection_limits() == (2_000, 2_000)
