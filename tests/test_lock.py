"""What is installed is known by its hashes."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
LOCKS = {
    "constraints.txt": ("all", "dev"),
    "collector/requirements.txt": ("collector", "exporters", "postgresql"),
}


def locked(name: str) -> dict[str, str]:
    """Give the versions that a file locks, by canonical name."""
    lines = [line.split("--hash")[0].strip() for line in _entries(name)]
    return {canonicalize_name(line.split("==")[0]): line.split("==")[1] for line in lines}


def _entries(name: str) -> list[str]:
    text = (ROOT / name).read_text("utf-8").replace("\\\n", " ")
    return [line for line in text.splitlines() if line and not line.startswith("#")]


def wanted(*extras: str) -> list[Requirement]:
    """Give what the package and these extras ask for, themselves extras of it aside."""
    texts = list(PROJECT["dependencies"])
    for extra in extras:
        texts += PROJECT["optional-dependencies"][extra]
    found = []
    for requirement in map(Requirement, texts):
        if requirement.name == PROJECT["name"]:
            found += wanted(*requirement.extras)
        else:
            found.append(requirement)
    return found


@pytest.mark.parametrize("name", LOCKS)
def test_every_version_has_hashes_and_no_address(name: str) -> None:
    """Each line is a name, a version and the SHA-256 of its files, and says not where from."""
    for line in _entries(name):
        assert re.fullmatch(r"[\w.-]+==[\w.!+-]+( +--hash=sha256:[0-9a-f]{64})+ *", line), line[:80]


@pytest.mark.parametrize("name", LOCKS)
def test_what_the_project_asks_for_is_locked(name: str) -> None:
    """Each requirement is there in a version that it allows; else it is time for tools/lock."""
    versions = locked(name)
    for requirement in wanted(*LOCKS[name]):
        version = versions[canonicalize_name(requirement.name)]
        assert requirement.specifier.contains(version, prereleases=True), requirement


def test_the_image_runs_what_was_tested() -> None:
    """Whatever is installed in the image has the version that the tests ran with."""
    assert locked("collector/requirements.txt").items() <= locked("constraints.txt").items()


def test_make_installs_known_files_alone() -> None:
    """No line of the Makefile installs anything whose hash is not checked."""
    lines = re.findall(r"pip install (.*)", (ROOT / "Makefile").read_text("utf-8"))
    assert len(lines) == 2
    assert "--require-hashes -r constraints.txt" in lines[0]
    assert "--no-deps --no-build-isolation -e ." in lines[1]
