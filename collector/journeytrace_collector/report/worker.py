"""Sets one report, in a process of its own: run by its path, and importing nothing of ours.

It reads the job as JSON and writes one line of JSON and then the PDF. So what a session says can
take neither memory nor time from the collector, and no locale, time zone or variable reaches it.
"""

from __future__ import annotations

import contextlib
import json
import resource
import sys
from pathlib import Path

__all__: list[str] = []

_MEMORY = 3 * 1024**3


def main() -> None:
    """Do the job that is on the standard input."""
    import typst  # noqa: PLC0415 - after the limits

    job = json.load(sys.stdin.buffer)
    # Named as the compiler itself would: a folder that holds the template and no more.
    folder = Path(__file__).with_name("template")
    try:
        pdf = typst.compile(
            str(folder / "report.typ"),
            root=str(folder),
            font_paths=job["fonts"],
            ignore_system_fonts=True,
            sys_inputs={"content": job["content"], "events": job["events"]},
            pdf_standards=["a-3a", "ua-1"],
        )
    except typst.TypstError as error:
        _answer({"error": error.message})
        return
    _answer({"error": None}, pdf)


def _answer(said: dict[str, str | None], pdf: bytes = b"") -> None:
    sys.stdout.buffer.write(json.dumps(said).encode() + b"\n" + pdf)


def _bound_memory() -> None:
    """Take no more than is allowed; where a service manager allows no limits, it has its own."""
    _, most = resource.getrlimit(resource.RLIMIT_AS)
    limit = _MEMORY if most == resource.RLIM_INFINITY else min(_MEMORY, most)
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))


if __name__ == "__main__":
    _bound_memory()
    main()
