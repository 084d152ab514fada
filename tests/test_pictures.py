"""The README's pictures are small, whole, and show what the code of today shows."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from xml.etree import ElementTree

import pytest
from tools.pictures import pictures

FOLDER = Path(__file__).parents[1] / "docs" / "pictures"
FILES = sorted(FOLDER.iterdir())


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_a_picture_is_small_and_loads_nothing(file: Path) -> None:
    """Under 150 kB of SVG, without a script, a path of a machine, or anything from elsewhere."""
    text = file.read_text("utf-8")
    assert len(text) < 150_000
    assert ElementTree.fromstring(text).tag == "{http://www.w3.org/2000/svg}svg"  # noqa: S314 - ours
    rest = text.replace("http://www.w3.org/2000/svg", "")
    assert not re.search(r"://|<script|@import|/(?:home|root|tmp|work)/", rest)


@pytest.mark.proof
def test_the_pictures_are_current() -> None:
    """Drawn again they are the same; `make pictures` draws them anew."""
    drawn = asyncio.run(pictures())
    assert set(drawn) == {file.name for file in FILES}
    for name, picture in drawn.items():
        assert (FOLDER / name).read_text("utf-8") == picture
