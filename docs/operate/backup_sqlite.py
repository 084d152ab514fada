#!/usr/bin/env python3
"""Copy the SQLite store of a collector, running or not: ``backup_sqlite.py DATA TARGET``.

Needs Python's standard library alone. The copy is one moment of the store, whatever is written
meanwhile: a single read transaction, which holds up nobody. SQLite's own ``.backup`` begins anew
whenever somebody writes. What was erased is not in the copy, for free pages are left out.
"""

import os
import sqlite3
import sys
from contextlib import closing
from pathlib import Path


def copy(data: Path, target: Path) -> None:
    """Copy the store in the folder `data` to the file `target`, which is there whole or not at all.

    Raises:
        OSError: `target` cannot be written.
        sqlite3.Error: there is no store, or it is damaged.
    """
    os.umask(0o077)  # personal data
    partial = target.with_name(f"{target.name}.partial")
    partial.unlink(missing_ok=True)
    source = (data / "journeys.sqlite").absolute().as_uri()
    with closing(sqlite3.connect(f"{source}?mode=rw", uri=True)) as store:
        store.execute("VACUUM INTO ?", (str(partial),))
    with closing(sqlite3.connect(partial)) as made:
        (found,) = made.execute("PRAGMA quick_check(1)").fetchone()
        if found != "ok":
            raise sqlite3.DatabaseError(found)
    _to_disk(partial)
    partial.replace(target)
    _to_disk(target.absolute().parent)


def _to_disk(path: Path) -> None:
    file = os.open(path, os.O_RDONLY)
    try:
        os.fsync(file)
    finally:
        os.close(file)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("usage: backup_sqlite.py DATA TARGET")
    try:
        copy(Path(sys.argv[1]), Path(sys.argv[2]))
    except (OSError, sqlite3.Error) as error:
        sys.exit(f"not copied: {error}")
