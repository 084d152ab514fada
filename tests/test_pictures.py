"""The README's pictures are small, whole, and show what the code of today shows."""

from __future__ import annotations

import asyncio
import re
import struct
from pathlib import Path
from xml.etree import ElementTree

import pytest
from tools import desk_pictures
from tools.pictures import pictures

FOLDER = Path(__file__).parents[1] / "docs" / "pictures"
FILES = sorted(FOLDER.glob("*.svg"))


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_a_picture_is_small_and_loads_nothing(file: Path) -> None:
    """Under 150 kB of SVG, without a script, a path of a machine, or anything from elsewhere."""
    text = file.read_text("utf-8")
    assert len(text) < 150_000
    assert ElementTree.fromstring(text).tag == "{http://www.w3.org/2000/svg}svg"  # noqa: S314 - ours
    rest = text.replace("http://www.w3.org/2000/svg", "")
    assert not re.search(r"://|<script|@import|/(?:home|root|tmp|work)/", rest)


def chunks(picture: bytes) -> dict[bytes, bytes]:
    """Give the first chunk of each type of a PNG."""
    assert picture[:8] == b"\x89PNG\r\n\x1a\n"
    found: dict[bytes, bytes] = {}
    rest = picture[8:]
    # A chunk has 12 bytes beside its own.
    for _ in range(len(picture) // 12):
        if rest:
            (size,) = struct.unpack(">I", rest[:4])
            found.setdefault(rest[4:8], rest[8 : 8 + size])
            rest = rest[size + 12 :]
    return found


@pytest.mark.parametrize("name", desk_pictures.HEIGHTS)
def test_a_picture_of_the_desk_is_small_and_nothing_but_that(name: str) -> None:
    """Under 150 kB of PNG without words or dates of its own, as large as is said, in the README."""
    picture = (FOLDER / name).read_bytes()
    assert len(picture) < 150_000
    found = chunks(picture)
    size = struct.unpack(">II", found[b"IHDR"][:8])
    assert size == (desk_pictures.WIDTH, desk_pictures.HEIGHTS[name])
    assert not {b"tEXt", b"zTXt", b"iTXt", b"eXIf", b"tIME"} & set(found)
    assert f"](docs/pictures/{name})" in (FOLDER.parents[1] / "README.md").read_text("utf-8")


@pytest.mark.proof
def test_the_pictures_of_the_desk_can_be_taken_again() -> None:
    """They are as large and as small as those that are there; their pixels are the browser's."""
    taken = asyncio.run(desk_pictures.pictures())
    assert set(taken) == {file.name for file in FOLDER.glob("*.png")}
    for name, picture in taken.items():
        assert chunks(picture)[b"IHDR"] == chunks((FOLDER / name).read_bytes())[b"IHDR"]
        assert len(picture) < 150_000


@pytest.mark.proof
def test_the_pictures_are_current() -> None:
    """Drawn again they are the same; `make pictures` draws them anew."""
    drawn = asyncio.run(pictures())
    assert set(drawn) == {file.name for file in FILES}
    for name, picture in drawn.items():
        assert (FOLDER / name).read_text("utf-8") == picture
