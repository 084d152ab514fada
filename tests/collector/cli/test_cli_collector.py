"""``journeytrace collector``: flags, start-up errors, a clean end."""

from __future__ import annotations

import re
import signal
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest
from pydantic import BaseModel
from tests.support.waiting import PATIENCE, Lines
from typer.testing import CliRunner

from journeytrace_collector.cli import app
from journeytrace_collector.settings import Settings

COMMAND = Path(sys.executable).with_name("journeytrace")
FREE = ("--otlp-grpc=127.0.0.1:0", "--otlp-http=127.0.0.1:0", "--admin=127.0.0.1:0", "--desk=off")


def test_every_setting_has_a_flag_with_its_description() -> None:
    """The help names each key that fits a flag, and explains it in the settings' own words."""
    answer = CliRunner().invoke(app, ["collector", "--help"], terminal_width=400)
    shown = re.sub(r"[^\w.:,;]+", " ", answer.stdout)
    assert answer.exit_code == 0
    assert "--config" in answer.stdout
    nested = {
        n for n, f in Settings.model_fields.items() if isinstance(f.default, dict | BaseModel)
    }
    flat = {n: f for n, f in Settings.model_fields.items() if n not in nested}
    assert nested == {
        "desk_access",
        "desk_review",
        "exporters",
        "forward_to_kafka",
        "invitations",
        "projects",
        "public",
        "report",
        "senders",
        "sources",
    }
    # Of it the address has a flag, and the help names the other keys.
    flat["public"] = Settings.model_fields["public"]
    flat["forward_to_kafka"] = Settings.model_fields["forward_to_kafka"]
    assert "Keys: listen, keys, origins" in " ".join(answer.stdout.split())
    for secret in ("admin_token", "token"):
        # Every user of a machine can read the command lines of its processes.
        del flat[secret]
        assert not re.search(rf"--{secret.replace('_', '-')}\b(?!-)", answer.stdout)
    for name, field in flat.items():
        assert f"--{name.replace('_', '-')}" in answer.stdout
        first_words = " ".join(re.sub(r"[^\w.:,;]+", " ", field.description or "").split()[:3])
        assert first_words in shown
    for name, field in Settings.model_fields.items():
        if f"--{name.replace('_', '-')}" not in answer.stdout:
            assert f"{name}: {field.description}" in " ".join(answer.stdout.split())
    told = " ".join(answer.stdout.split())
    assert "Keys of each: retention_days, two_people, approve_with_open_hits." in told
    assert "default: 127.0.0.1:9464" in shown
    assert "default: 20m" in shown


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--idle-timeout", "90"), "--idle-timeout: must be a span of time"),
        (("--admin", "9464"), "--admin: must be host:port"),
        (("--config", "nowhere.yaml"), "nowhere.yaml: cannot be read"),
        (("--catalogue", "nowhere.toml", *FREE), "nowhere.toml: cannot be read"),
    ],
)
def test_a_start_up_error_is_one_line(
    words: tuple[str, ...], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is wrong with a flag or a file is said before anything starts; the exit code is 2."""
    monkeypatch.chdir(tmp_path)
    done = subprocess.run(
        [COMMAND, "collector", *words],
        capture_output=True,
        check=False,
        text=True,
        timeout=PATIENCE,
    )
    assert done.returncode == 2
    assert said in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_an_unknown_flag_is_refused() -> None:
    """A misspelt flag ends the command with exit code 2 and a suggestion."""
    answer = CliRunner().invoke(app, ["collector", "--idle-timout", "20m"])
    assert answer.exit_code == 2
    assert "--idle-timeout" in answer.stderr


def test_a_taken_port_is_one_line(tmp_path: Path) -> None:
    """A port that is in use is named, without a traceback."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        done = subprocess.run(
            [COMMAND, "collector", "--data", tmp_path, *FREE, "--admin", address],
            capture_output=True,
            check=False,
            text=True,
            timeout=PATIENCE,
        )
    assert done.returncode == 2
    assert address in done.stderr
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_runs_until_it_is_told_to_stop(tmp_path: Path, number: signal.Signals) -> None:
    """It logs its addresses, answers there, takes settings from a file, and ends with 0."""
    config = tmp_path / "journeytrace.yaml"
    config.write_text(f"data: {tmp_path / 'from-file'}\n")
    with subprocess.Popen(
        [COMMAND, "collector", "--config", config, *FREE], stderr=subprocess.PIPE, text=True
    ) as process:
        lines = Lines(process.stderr)
        try:
            admin = lines.find(r"admin on (127\.0\.0\.1:\d+)")
            assert admin is not None
            with urllib.request.urlopen(f"http://{admin[1]}/readyz", timeout=PATIENCE) as answer:
                assert answer.status == 200
            process.send_signal(number)
            assert process.wait(PATIENCE) == 0
            lines.text()
        finally:
            process.kill()
    assert (tmp_path / "from-file").is_dir()
