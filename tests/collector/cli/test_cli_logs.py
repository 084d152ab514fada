"""What the collector writes to its log."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.waiting import PATIENCE

from journeytrace_collector.cli.logs import JsonFormatter, PlainFormatter

COMMAND = Path(sys.executable).with_name("journeytrace")
HOSTILE = "a\nb\r\n2026-11-21T00:00:00.000+00:00 INFO x: forged\x1b[2J\u2028\x85\ud800\u202e\0"


def record(message: str, error: BaseException | None = None) -> logging.LogRecord:
    """Make what logging hands to a formatter."""
    exc_info = (type(error), error, error.__traceback__) if error else None
    return logging.LogRecord("a.logger", logging.WARNING, "", 1, "%s", (message,), exc_info)


class BrokenError(Exception):
    """Something went wrong."""


def crash(message: str) -> BrokenError:
    """Make an exception with the stack that it went through."""
    with pytest.raises(BrokenError) as raised:
        raise BrokenError(message)
    return raised.value


@given(st.text() | st.just(HOSTILE))
def test_a_line_of_json_is_one_object(message: str) -> None:
    """Whatever is said comes back unchanged, out of one line of ASCII."""
    line = JsonFormatter().format(record(message, crash(message)))
    assert line.isascii()
    assert line.isprintable()
    said = json.loads(line)
    assert list(said) == ["time", "level", "logger", "message", "exception"]
    assert (said["level"], said["logger"], said["message"]) == ("WARNING", "a.logger", message)
    assert said["exception"].startswith("Traceback")
    assert message in said["exception"]
    assert datetime.fromisoformat(said["time"]).utcoffset() == timedelta(0)


@given(st.text() | st.just(HOSTILE))
def test_a_plain_line_is_one_line(message: str) -> None:
    """Its time has a zone, and nothing that it says can begin another line."""
    line = PlainFormatter().format(record(message))
    assert line.isprintable()
    time, level, rest = line.split(" ", 2)
    assert datetime.fromisoformat(time).utcoffset() == timedelta(0)
    assert (level, rest[:10]) == ("WARNING", "a.logger: ")


@given(st.text() | st.just(HOSTILE))
def test_a_stack_trace_forges_no_line(message: str) -> None:
    """Whatever an exception says, each line of it is indented and steers nothing."""
    _, *trace = PlainFormatter().format(record("it broke", crash(message))).split("\n")
    assert trace
    assert all(part.startswith("    ") and part.isprintable() for part in trace)


def test_without_an_exception_there_is_no_key_for_one() -> None:
    """Four keys, no null."""
    assert list(json.loads(JsonFormatter().format(record("said")))) == [
        "time",
        "level",
        "logger",
        "message",
    ]


@pytest.mark.parametrize("form", ["json", "plain"])
def test_the_setting_chooses_the_form(form: str, tmp_path: Path) -> None:
    """Of a collector that cannot start, every line has the form, the reason included."""
    (tmp_path / "taken").write_text("no folder")
    done = subprocess.run(
        [COMMAND, "collector", "--data", tmp_path / "taken"],
        capture_output=True,
        check=False,
        text=True,
        timeout=PATIENCE,
        env={"JOURNEYTRACE_LOG_FORMAT": form, "PYTHONPATH": ":".join(sys.path)},
    )
    assert done.returncode == 2
    lines = done.stderr.splitlines()
    assert lines
    if form == "json":
        last = [json.loads(line) for line in lines][-1]
        assert last["level"] == "CRITICAL"
        assert "taken" in last["message"]
    else:
        assert "taken" in lines[-1]
        assert not lines[-1].startswith("{")


def test_a_form_that_is_none_is_refused(tmp_path: Path) -> None:
    """The message says which there are."""
    done = subprocess.run(
        [COMMAND, "collector", "--log-format", "xml", "--data", tmp_path],
        capture_output=True,
        check=False,
        text=True,
        timeout=PATIENCE,
    )
    assert done.returncode == 2
    assert done.stderr == "--log-format: should be 'plain' or 'json'\n"
