"""What ``journeytrace funnel`` prints."""

from __future__ import annotations

from io import StringIO

from rich.console import Console

from journeytrace_collector.cli.client import Funnel, Step
from journeytrace_collector.cli.losses import print_losses

STEPS: list[Step] = [
    {"stage": "ENTRY", "sessions": 1200, "of_before": None, "of_all": 1.0, "dropped": 300},
    {"stage": "STEP1", "sessions": 900, "of_before": 0.75, "of_all": 0.75, "dropped": 0},
]


def printed(funnel: Funnel, width: int = 80) -> list[str]:
    """Give the lines of a terminal that wide, without the room at their ends."""
    out = StringIO()
    print_losses(Console(file=out, width=width), funnel)
    return [line.rstrip() for line in out.getvalue().splitlines()]


def test_while_all_goes_on_it_tells_how_far_sessions_came() -> None:
    """Nothing can be said of what was lost yet, but the steps are there all the same."""
    lines = printed({"sessions": 1200, "steps": STEPS, "by": None, "loss": []})
    assert lines[1].split() == ["ENTRY", "1,200", "100.0%", "—"]
    assert lines[2].split() == ["STEP1", "900", "75.0%", "75.0%"]
    assert "No session of this time has come to rest" in lines[4]
    assert max(map(len, lines)) <= 80


def test_without_a_session_there_is_no_table() -> None:
    """An empty table would only take room."""
    lines = printed({"sessions": 0, "steps": STEPS, "by": None, "loss": None})
    assert lines[0].startswith("No session of this time has come to rest")
