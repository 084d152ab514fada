"""Content and events → PDF, by Typst in a process of its own."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import unicodedata
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

from journeytrace_collector.errors import NotSetUpError, UnavailableError

__all__ = ["typeset"]

_WORKER: Final = Path(__file__).with_name("worker.py")
_SECONDS: Final = 30
_ENVIRONMENT: Final = {"RAYON_NUM_THREADS": "2"}
"""All of it: what the collector was started with is no business of a report."""
_MISSING: Final = (
    "typst is not installed where the collector runs: pip install 'journeytrace[report]'"
)

_NO_GLYPH: Final = re.compile(r'the text `"(.*)"` could not be displayed', re.DOTALL)
_ESCAPED: Final = re.compile(r"\\u\{([0-9a-f]+)\}")


def typeset(
    content: Mapping[str, Any],
    events: bytes,
    fonts: Sequence[Path],
    *,
    seconds: float = _SECONDS,
) -> bytes:
    """Set a report, PDF/A-3a, and attach `events`. The same arguments give the same bytes.

    It waits for the other process, at most so many `seconds`, and is called in a thread.

    Raises:
        NotSetUpError: typst is not installed, or none of the fonts has a character.
        UnavailableError: it takes too long, or too much memory.
    """
    if find_spec("typst") is None:
        raise NotSetUpError(_MISSING)
    job = {
        "content": json.dumps(content),
        "events": events.decode(),
        "fonts": [str(folder) for folder in fonts if folder.is_dir()],
    }
    try:
        done = subprocess.run(  # noqa: S603 - our own file, by our own interpreter
            [sys.executable, "-I", str(_WORKER)],
            input=json.dumps(job).encode(),
            capture_output=True,
            check=False,
            env=_ENVIRONMENT,
            timeout=seconds,
        )
    except subprocess.TimeoutExpired:
        raise UnavailableError(
            f"the report was given up: it takes longer than {seconds:g} s to set"
        ) from None
    head, newline, pdf = done.stdout.partition(b"\n")
    if done.returncode or not newline:
        last = done.stderr.decode("utf-8", "replace").strip().rpartition("\n")[2]
        raise UnavailableError(f"the report was not set: {last or f'ended by {done.returncode}'}")
    if (error := json.loads(head)["error"]) is not None:
        raise _explained(error, fonts)
    return pdf


def _explained(error: str, fonts: Sequence[Path]) -> Exception:
    found = _NO_GLYPH.search(error)
    if found is None:
        return UnavailableError(f"the report was not set: {error}")
    text = _ESCAPED.sub(lambda code: chr(int(code[1], 16)), found[1])
    named = ", ".join(dict.fromkeys(_named(char) for char in text if not char.isspace()))
    folders = ", ".join(map(str, fonts)) or "no folder"
    return NotSetUpError(
        f"no font has {named}, which the report has to print: put a font that has it into a folder"
        f" of report.fonts ({folders}); Debian's fonts-noto-core, fonts-nanum and fonts-noto-cjk"
        " have most scripts"
    )


def _named(char: str) -> str:
    return f"{char!r} (U+{ord(char):04X} {unicodedata.name(char, 'without a name')})"
