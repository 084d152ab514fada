from __future__ import annotations

import re
from pathlib import Path

from tests.browser.conftest import PACKAGE
from typer.testing import CliRunner

from journeytrace.catalogue import builtin_catalogue
from journeytrace_collector.cli.catalogue import catalogue

OWN = """
[events.SHADE_CHOSEN]
source = "FE"
impact = "NONE"
meaning = "The user chose a shade */ or a\\u001b colour."

[events."two words"]
source = "FE"
impact = "NONE"
meaning = "It has a space."

[events.SHADE_MIXED]
source = "BE"
impact = "NONE"
meaning = "The server mixed it."
"""


def types(*arguments: str) -> str:
    """Give what ``journeytrace catalogue types`` writes."""
    result = CliRunner().invoke(catalogue, ["types", *arguments])
    assert result.exit_code == 0, result.output
    return result.output


def test_the_package_s_names_are_as_generated() -> None:
    """The committed file is what the command makes of the catalogue."""
    assert (PACKAGE / "src" / "events.ts").read_text("utf-8") == types()


def test_the_names_are_those_of_the_screen() -> None:
    """Each FE event of the catalogue is a key, with its meaning; no other is."""
    seen = [spec for spec in builtin_catalogue().events.values() if spec.source == "FE"]
    assert re.findall(r"^  (\w+): Details;$", types(), re.MULTILINE) == [s.name for s in seen]
    assert all(f"/** {spec.meaning} */" in types() for spec in seen)
    assert len(seen) == 56


def test_own_names_are_added_to_the_package_s(tmp_path: Path) -> None:
    """A file of one's own gives a declaration with its own FE names alone, fit to be compiled."""
    file = tmp_path / "own.toml"
    file.write_text(OWN, "utf-8")
    assert types(str(file)).endswith("""\
declare module 'journeytrace' {
  interface Events {
    /** The user chose a shade * / or a colour. */
    SHADE_CHOSEN: Details;
    /** It has a space. */
    "two words": Details;
  }
}
""")


def test_a_faulty_file_is_told(tmp_path: Path) -> None:
    """The command fails with the message of the catalogue, and writes nothing."""
    file = tmp_path / "own.toml"
    file.write_text("[events.X]\nsource = 'XX'\n", "utf-8")
    result = CliRunner().invoke(catalogue, ["types", str(file)])
    assert result.exit_code == 2
    assert "events.X" in result.stderr
    assert result.stdout == ""
