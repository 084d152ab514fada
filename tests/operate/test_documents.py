"""The documents lead where they say, and ask for what is there."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import pytest
from tests.support.events import event
from tests.support.otlp import plain, sessions

from journeytrace import conventions as names
from journeytrace.conventions import Impact, Status
from journeytrace_collector.core.change import Settlement
from journeytrace_collector.core.settle import derived_spans

ROOT: Final = Path(__file__).parents[2]
DOCUMENTS: Final = sorted({*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")})
TEMPO: Final = (ROOT / "docs" / "tempo.md").read_text("utf-8")


def anchors(document: Path) -> set[str]:
    """Give what links to headings are called, as code hosts make it."""
    heads = re.findall(r"^#+ (.*)$", document.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda file: str(file.relative_to(ROOT)))
def test_links_lead_somewhere(document: Path) -> None:
    """Each names a file of the project, and a heading that is in it."""
    text = re.sub(r"```.*?```", "", document.read_text("utf-8"), flags=re.DOTALL)
    for link in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"\w+:", link):
            continue
        path, _, anchor = link.partition("#")
        target = (document.parent / path).resolve() if path else document
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


@pytest.mark.parametrize("folder", ["docs", "docs/adr", "docs/runbooks"])
def test_every_document_is_in_its_index(folder: str) -> None:
    """Nobody has to know that one exists."""
    index = (ROOT / folder / "README.md").read_text("utf-8")
    for document in (ROOT / folder).glob("*.md"):
        assert document.name == "README.md" or f"]({document.name})" in index, document.name


def test_tempo_is_asked_for_what_it_is_told() -> None:
    """Every attribute and span in the queries is one that the collector emits."""
    state = sessions(event("STEP1_ENTERED"))[0].after
    settled = Settlement(0, None, Status.DROPPED)
    emitted = {span.name for span in derived_spans(state, settled)}
    revised = Settlement(1, Status.DROPPED, Status.DROPPED, frozenset({"STEP1"}))
    (revision,) = derived_spans(state, revised)
    assert plain(revision)[names.REVISION] == 1
    told = {each for each in re.findall(r'name = "([^"]+)"', TEMPO) if each.startswith("journey.")}
    assert told == emitted | {revision.name}
    known = {*names.ATTRIBUTES, *names.DERIVED_ATTRIBUTES}
    known |= {names.IMPACTS + impact.value.lower() for impact in Impact}
    asked = set(re.findall(r"span\.([a-z][a-z._]*[a-z])", TEMPO))
    assert len(asked) > 5
    assert asked <= known
    for attribute in names.DERIVED_ATTRIBUTES:
        assert f"`{attribute}`" in TEMPO
