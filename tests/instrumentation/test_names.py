from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.support.waiting import PATIENCE

import journeytrace
from journeytrace import Event, Reason
from journeytrace.catalogue import builtin_catalogue

GENERATOR = Path(__file__).parents[2] / "tools" / "generate_names.py"


def test_the_names_are_as_generated(tmp_path: Path) -> None:
    """The committed file is what the generator makes of the catalogue."""
    target = tmp_path / "names.py"
    subprocess.run([sys.executable, GENERATOR, target], check=True, timeout=PATIENCE)
    committed = Path(journeytrace.__file__).with_name("_names.py")
    assert committed.read_text("utf-8") == target.read_text("utf-8")


def test_the_names_are_those_of_the_catalogue() -> None:
    """Every event that services record and every reason has a member, in the catalogue's order."""
    catalogue = builtin_catalogue()
    recorded = [spec.name for spec in catalogue.events.values() if not spec.passive]
    assert [event.value for event in Event] == recorded
    assert {reason.value for reason in Reason} == {name for _, name in catalogue.reasons}
    assert (len(Event), len(Reason)) == (115, 21)
