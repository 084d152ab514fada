"""The dashboards as files, byte for byte the same each time they are written."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import Dashboard

from journeytrace.catalogue import Catalogue
from journeytrace_dashboards.main import dashboards

__all__ = ["as_json", "export", "missing", "outdated", "rendered"]

_INTERVALS_ALONE: Final = ("auto", "auto_count", "auto_min")
"""What the SDK writes for every variable, though the schema knows it of one kind alone."""


def as_json(catalogue: Catalogue | None = None) -> dict[str, dict[str, Any]]:
    """Give every dashboard as plain JSON, by the name of its file without its ending.

    Here and below, `catalogue` has the stages; None: the built-in ones.
    """
    return {name: json.loads(text) for name, text in _texts(catalogue).items()}


def rendered(catalogue: Catalogue | None = None) -> dict[str, str]:
    """Give the content of every file by its name."""
    return {f"{name}.json": text for name, text in _texts(catalogue).items()}


def export(folder: Path, catalogue: Catalogue | None = None) -> list[Path]:
    """Write every dashboard into `folder`, which is made if need be.

    Raises:
        OSError: a file cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for name, text in rendered(catalogue).items():
        (folder / name).write_text(text, encoding="utf-8")
        written.append(folder / name)
    return written


def missing(folder: Path) -> list[str]:
    """Name the files that are not in `folder`."""
    return [name for name in rendered() if not (folder / name).is_file()]


def outdated(folder: Path, catalogue: Catalogue | None = None) -> list[str]:
    """Name the files in `folder` that are there, but are not what the code makes."""
    return [
        name
        for name, text in rendered(catalogue).items()
        if (folder / name).is_file() and (folder / name).read_text(encoding="utf-8") != text
    ]


def _texts(catalogue: Catalogue | None) -> dict[str, str]:
    return {name: _text(board.build()) for name, board in dashboards(catalogue).items()}


def _text(board: Dashboard) -> str:
    plain = json.loads(json.dumps(board, cls=JSONEncoder))
    for number, panel in enumerate(plain["panels"], start=1):
        # Grafana would number them as they come; a fixed number keeps links to a panel alive.
        panel["id"] = number
        # SDK 0.0.21 still writes the footer where Grafana had it before version 12.
        panel.get("options", {}).pop("footer", None)
    for variable in plain.get("templating", {}).get("list", []):
        for key in _INTERVALS_ALONE:
            variable.pop(key, None)
    return json.dumps(plain, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
