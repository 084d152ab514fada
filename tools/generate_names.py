"""Write journeytrace/_names.py, the enums of event and reason names, from catalogue.toml.

Usage: python tools/generate_names.py [TARGET]. It reads the TOML by itself, without importing the
package, so that it still works when the generated file is missing or broken.
"""

from __future__ import annotations

import sys
import tomllib
from pathlib import Path
from typing import Any

PACKAGE = Path(__file__).resolve().parent.parent / "instrumentation" / "journeytrace"

HEAD = '''# ruff: noqa: S105 - names with TOKEN or HASH in them are no passwords
"""The names of the built-in catalogue, so that editors complete and explain them.

Generated from catalogue.toml by tools/generate_names.py; a test compares the two.
"""

from __future__ import annotations

from enum import StrEnum

__all__ = ["Event", "Reason"]
'''


SUMMARY = {
    "Event": "Every event of the built-in catalogue; a name of your own is a plain string.",
    "Reason": "Every reason of a REJECTED or PENDING decision in the built-in catalogue.",
}


def members(title: str, meanings: dict[str, list[str]]) -> list[str]:
    """Give the lines of one enum class: every member with its meaning as a docstring."""
    lines = ["", "", f"class {title}(StrEnum):", f'    """{SUMMARY[title]}"""', ""]
    for name, texts in meanings.items():
        lines += [f'    {name} = "{name}"', f'    """{" Or: ".join(texts)}"""']
    return lines


def render(catalogue: dict[str, Any]) -> str:
    """Give the whole file's text."""
    events = {name: [spec["meaning"]] for name, spec in catalogue["events"].items()}
    reasons: dict[str, list[str]] = {}
    for group in catalogue["reasons"].values():
        for name, spec in group.items():
            reasons.setdefault(name, []).append(spec["meaning"])
    return "\n".join([HEAD.rstrip(), *members("Event", events), *members("Reason", reasons), ""])


def main(target: Path) -> None:
    """Read the catalogue and write `target`."""
    catalogue = tomllib.loads((PACKAGE / "catalogue.toml").read_text("utf-8"))
    target.write_text(render(catalogue), "utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else PACKAGE / "_names.py")
