"""``journeytrace token``."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from journeytrace.browser import AUDIENCE, Key, read
from journeytrace_collector.cli import app

SECRET = "0123456789abcdef0123456789abcdef"
SESSION = "6f1c1f0e-8a54-4c0e-9d53-0d5d8a3a0c11"


def test_a_token_by_variable_and_by_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """It is for the session, in its one spelling, and signed with the key that was named."""
    file = tmp_path / "key"
    file.write_text(SECRET + "\n")
    monkeypatch.setenv("JOURNEYTRACE_BROWSER_KEY", f"env:{SECRET}")
    words = ["token", SESSION.upper(), "--project", "acme", "--minutes", "5"]
    by_file = ["--kid", "file", "--key-file", str(file)]
    for more, kid in (([], "env"), (by_file, "file")):
        answer = CliRunner().invoke(app, [*words, *more])
        assert answer.exit_code == 0, answer.output
        claims = read(answer.stdout.strip(), [Key(kid, SECRET)])
        assert claims["exp"] - claims["iat"] == 300
        assert [claims[k] for k in ("sub", "aud", "project")] == [SESSION, AUDIENCE, "acme"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([SESSION], "JOURNEYTRACE_BROWSER_KEY"),
        ([SESSION, "--kid", "a"], "both of them"),
        ([SESSION, "--kid", "a", "--key-file", "/nowhere"], "cannot be read"),
        ([" x "], "SESSION_ID"),
        ([SESSION, "--minutes", "61"], "--minutes"),
    ],
)
def test_what_is_wrong_is_said(
    monkeypatch: pytest.MonkeyPatch, words: list[str], said: str
) -> None:
    """Nothing is printed that looks like a token."""
    monkeypatch.setenv("JOURNEYTRACE_BROWSER_KEY", "")
    answer = CliRunner().invoke(app, ["token", *words], terminal_width=200)
    assert (answer.exit_code, answer.stdout) == (2, "")
    assert said in answer.stderr
