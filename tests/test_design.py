"""What comments call the design is a page of the project's own."""

from __future__ import annotations

import re
from pathlib import Path

TOP = Path(__file__).parents[1]
ROOMS = ("benchmarks", "collector", "dashboards", "desk", "exporters", "instrumentation", "tests")
NAMED = re.compile(r"DESIGN\s+(?:#\s*)?sections?\s+(\d+)(?:(?:,| and)\s+(\d+)\b)?")


def test_every_section_that_is_named_is_there() -> None:
    """Whoever follows "DESIGN section N" finds that section in docs/design.md."""
    sections = set(
        re.findall(r"^## (\d+)\. ", (TOP / "docs/design.md").read_text("utf-8"), re.MULTILINE)
    )
    named = {
        number
        for room in ROOMS
        for file in (TOP / room).rglob("*.py")
        if "node_modules" not in file.parts
        for found in NAMED.findall(file.read_text("utf-8"))
        for number in found
        if number
    }
    assert named
    assert named <= sections
