"""The pieces of docs/browser-server.md in other languages make tokens that are taken."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import time
from pathlib import Path

import pytest
from tests.support.waiting import PATIENCE

from journeytrace import Journey, _settings
from journeytrace.browser import Key
from journeytrace_collector.public.token import Claims, check_token

PAGE = (Path(__file__).parents[2] / "docs" / "browser-server.md").read_text("utf-8")
SESSION = "6f1c1f0e-8a54-4c0e-9d53-0d5d8a3a0c11"
KEY = Key("2026a", "0123456789abcdef0123456789abcdef")
STARTED = 1_780_000_000
GO_MOD = "module form\n\ngo 1.21\n\nrequire github.com/golang-jwt/jwt/v5 v5.3.0\n"
GO_MAIN = f"""package main

import (
	"fmt"
	"form"
	"time"
)

func main() {{
	token, err := form.BrowserToken("{SESSION}", time.Unix({STARTED}, 0))
	if err != nil {{
		panic(err)
	}}
	fmt.Print(token)
}}
"""
NODE_MAIN = f"""import {{ browserToken }} from "./token.mjs";
process.stdout.write(await browserToken("{SESSION}", {STARTED}000));
"""


def piece(language: str) -> str:
    """Give the one piece of a language."""
    (found,) = re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)
    return str(found)


def tool(name: str) -> str:
    """Find a program; the test fails that needs one that is missing."""
    found = shutil.which(name)
    assert found, f"{name} is missing: this test runs it"
    return found


def folder(name: str) -> Path:
    """Give a folder that outlives the test, for what was downloaded once."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    found = cache / "journeytrace-tests" / name
    found.mkdir(parents=True, exist_ok=True)
    return found


def run(where: Path, *command: str, **variables: str) -> str:
    """Run a program to its end, and give what it prints."""
    done = subprocess.run(
        command,
        capture_output=True,
        check=False,
        cwd=where,
        env=os.environ | {"BROWSER_SECRET": KEY.secret} | variables,
        text=True,
        timeout=5 * PATIENCE,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def taken(token: str) -> None:
    """Check that a token says what the page promises."""
    found = check_token(token.encode(), (KEY,), time.time_ns())
    assert found == Claims(SESSION, "acme-kyc", STARTED * 10**9)


@pytest.mark.proof
def test_node() -> None:
    """jose's token is taken."""
    where = folder("node")
    (where / "token.mjs").write_text(piece("js"))
    (where / "main.mjs").write_text(NODE_MAIN)
    (where / "package.json").write_text(json.dumps({"dependencies": {"jose": "6.2.0"}}))
    if not (where / "node_modules" / "jose").is_dir():
        run(where, tool("npm"), "install", "--ignore-scripts", "--no-audit", "--no-fund")
    taken(run(where, tool("node"), "main.mjs"))


@pytest.mark.proof
def test_go() -> None:
    """golang-jwt's token is taken."""
    where = folder("go")
    (where / "main").mkdir(exist_ok=True)
    (where / "go.mod").write_text(GO_MOD)
    (where / "token.go").write_text(piece("go"))
    (where / "main" / "main.go").write_text(GO_MAIN)
    taken(run(where, tool("go"), "run", "./main", GOFLAGS="-mod=mod", GOTOOLCHAIN="local"))


def test_python() -> None:
    """The library's own is taken, and the second has the start of the first."""
    known: dict[str, object] = {}
    former = _settings.install(None)
    try:
        exec(compile(piece("python"), "browser-server.md", "exec"), known)  # noqa: S102 - our own
    finally:
        _settings.install(former)
    first, second = (
        check_token(str(known[name]).encode(), (KEY,), time.time_ns())
        for name in ("first", "second")
    )
    assert first == second
    assert isinstance(known["journey"], Journey)
    assert first.session_id == known["journey"].session_id
    assert first.project == "acme-kyc"
