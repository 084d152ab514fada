"""docs/library.md says nothing that is not so."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from journeytrace import _settings, instrumentor
from journeytrace.browser import KEY_VARIABLE

if TYPE_CHECKING:
    from journeytrace.testing import RecordedJourneys

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "library.md").read_text("utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
EXAMPLES = [path.read_text("utf-8") for path in sorted((ROOT / "examples").glob("*/*.py"))]
ALONE = [block for block in BLOCKS if "import " in block]


def run(block: str) -> None:
    """Run a block as a program of its own."""
    exec(compile(block, "library.md", "exec"), {})  # noqa: S102 - our own text


def test_code_is_either_whole_or_of_an_example() -> None:
    """What cannot be run by itself stands word for word in a program that tests run."""
    parts = [block for block in BLOCKS if block not in ALONE]
    assert len(parts) == 2
    assert all(any(part in example for example in EXAMPLES) for part in parts)


def test_the_pieces_record_what_they_say(journeys: RecordedJourneys) -> None:
    """Each runs by itself, with the events and the fields that the text promises."""
    said, identified, wrapped, copied, processors = ALONE
    run(said)
    created, verified, check, approved = [event.attributes for event in journeys.events()]
    assert created["journey.project.id"] == "acme-kyc"
    assert verified["user.email"] == "ann@example.com"
    assert check["user.id"] == "u-42"
    assert approved["journey.submission.id"] == "sub-7"
    journeys.clear()
    run(identified)
    _, carries = journeys.events()
    assert carries.attributes["user.id"] == "u-42"
    assert carries.attributes["user.email"] == "ann@example.com"
    journeys.clear()
    run(wrapped)
    assert journeys.names() == ["SESSION_CREATED", "FACE_COMPARE", "FACE_COMPARE"]
    journeys.clear()
    run(copied)
    assert journeys.names() == ["SESSION_CREATED", "STEP_VIEW"]
    run(processors)


def test_the_variables_are_called_so() -> None:
    """The table and the commands name the variables that the library reads, and no others."""
    named = set(re.findall(r"\b(?:OTEL_PYTHON_)?JOURNEYTRACE_[A-Z_]+", PAGE))
    assert named == {
        KEY_VARIABLE,
        _settings.CATALOGUE_VARIABLE,
        instrumentor.SESSION_ID_VARIABLE,
    }


@pytest.mark.parametrize("path", re.findall(r"\]\(([^)#:]+)\)", PAGE))
def test_links_lead_somewhere(path: str) -> None:
    """A relative link names a file of the project."""
    assert (ROOT / "docs" / path).exists()
