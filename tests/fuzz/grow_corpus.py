"""Look for bodies that reach code no body has reached before, guided by coverage.

The tests only spoil what is kept under tests/data/fuzz/; this finds what is worth keeping. It takes
atheris, which is no dependency, for it is large and nothing but this needs it::

    pip install atheris
    python -m tests.fuzz.grow_corpus traces.pb 60 /tmp/found tests/data/fuzz/traces.pb

The arguments are the form, the seconds it may take, the folder for what it finds, and seeds.
"""

from __future__ import annotations

import importlib
import sys

PACKAGES = ["journeytrace", "journeytrace_collector"]


def main() -> None:
    """Fuzz one form; a body that fails is written to the working directory."""
    atheris = importlib.import_module("atheris")
    form, seconds, *folders = sys.argv[1:]
    with atheris.instrument_imports(include=PACKAGES):
        tests = importlib.import_module("tests.fuzz.test_decoder")
    options = [f"-max_total_time={seconds}", "-max_len=1500"]
    atheris.Setup([sys.argv[0], *options, *folders], lambda body: tests.check(form, body))
    atheris.Fuzz()


if __name__ == "__main__":
    main()
