from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING

import pytest

import journeytrace
from journeytrace import _diagnostics, _settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> Callable[[], Mapping[str, int]]:
    """Count problems from zero, and warn of each again."""
    monkeypatch.setattr(_diagnostics, "_counts", Counter())
    monkeypatch.setattr(_diagnostics, "_warned", defaultdict(dict))
    return journeytrace.problems


@pytest.fixture
def unconfigured() -> Iterator[None]:
    """Undo afterwards what the test configures."""
    former = _settings.install(None)
    yield
    _settings.install(former)


@pytest.fixture
def user_file(tmp_path: Path) -> Callable[[str], Path]:
    """Write a user's catalogue file."""

    def write(text: str) -> Path:
        path = tmp_path / "own.toml"
        path.write_text(text, "utf-8")
        return path

    return write
