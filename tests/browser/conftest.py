"""The npm package in instrumentation/browser, and the Node that builds and tests it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "instrumentation" / "browser"
MINUTES = 3 * 60.0

Node = Callable[..., str]


@pytest.fixture(scope="session")
def node() -> Node:
    """Give a function that runs a program of Node's in the package and gives what it printed."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    if not (PACKAGE / "node_modules").is_dir():
        pytest.fail("its tools are missing: tools/install-browser-tools", pytrace=False)

    def run(program: str, *arguments: str) -> str:
        command = [shutil.which(program, path=path) or program, *arguments]
        environment = {**os.environ, "PATH": path, "NO_COLOR": "1"}
        done = subprocess.run(
            command,
            check=False,
            cwd=PACKAGE,
            env=environment,
            capture_output=True,
            text=True,
            timeout=MINUTES,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return run
