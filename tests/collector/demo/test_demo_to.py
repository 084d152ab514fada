"""``journeytrace demo --to``: the same journeys, for a collector that runs already."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import pytest
from pydantic import SecretStr
from tests.support.running import free_settings
from typer.testing import CliRunner, Result

from journeytrace_collector.cli import app
from journeytrace_collector.cli.client import Summary, connect
from journeytrace_collector.process import Collector

TOKEN = "sixteen-characters"


def demo(*words: str) -> Result:
    """Run the command."""
    return CliRunner().invoke(app, ["demo", "--sessions", "3", *words])


async def played(data: Path) -> tuple[Result, list[Summary]]:
    """Play to a collector that asks for a token; give the answer and the sessions it has then."""
    settings = free_settings(data, token=SecretStr(TOKEN))
    async with Collector(settings) as collector, connect(str(collector.admin)) as client:
        answer = await asyncio.to_thread(demo, "--to", str(collector.otlp_grpc))
        return answer, (await client.sessions({}, 0))["sessions"]


def test_the_journeys_go_where_they_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the token from the SDK's own variable; every event that is told to be sent is there."""
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", f"authorization=Bearer%20{TOKEN}")
    answer, sessions = asyncio.run(played(tmp_path))
    assert answer.exit_code == 0
    sent = re.search(r"(\d+) events of 3 sessions are sent to 127", answer.stdout)
    assert sent is not None
    assert len(sessions) == 3
    assert sum(session["events"] for session in sessions) == int(sent[1])


def test_who_refuses_is_told(tmp_path: Path) -> None:
    """Without the token nothing arrives, and the command fails and says so."""
    answer, sessions = asyncio.run(played(tmp_path))
    assert answer.exit_code == 1
    assert "did not take all events" in answer.stderr
    assert not sessions


@pytest.mark.parametrize(
    ("words", "blamed"),
    [(["--to", "nowhere"], "--to"), (["--to", "127.0.0.1:4317", "--keep"], "--keep")],
)
def test_what_makes_no_sense_is_refused(words: list[str], blamed: str) -> None:
    """An address without a port, and keeping a collector that does not exist."""
    answer = demo(*words)
    assert answer.exit_code == 2
    assert f"Invalid value for {blamed}" in answer.stderr
