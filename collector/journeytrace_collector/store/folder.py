"""The data folder: for its owner alone, and for one collector at a time.

What is in it is personal data. So neither the umask nor what an earlier version left decides who
may read it.
"""

from __future__ import annotations

import errno
import fcntl
import logging
import os
import stat
from pathlib import Path
from typing import Final

from journeytrace_collector.errors import StartError

__all__ = ["take_folder"]

_log = logging.getLogger(__name__)

_OTHERS: Final = 0o077


def take_folder(folder: Path, database: str) -> int:
    """Take the folder for this process; give its lock, which the kernel lets go of at the end.

    Folder and database are there afterwards, open to nobody else, and so is whatever SQLite puts
    beside the database: its files have the mode of the database itself.

    Raises:
        StartError: the folder cannot be used, belongs to somebody else, or another process has it.
    """
    try:
        made = _make(folder)
        _check(folder)
        tightened = [] if made else _tighten(folder, database)
        lock = _open(folder / "lock")
        os.close(_open(folder / database))
    except OSError as error:
        raise StartError(f"{folder}: cannot be used as data folder: {error.strerror}") from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(lock)
        raise StartError(f"{folder}: another collector is using this data folder") from error
    if tightened:
        names = ", ".join(sorted(path.name for path in tightened))
        _log.warning("%s: others could open %s; from now on its owner alone can", folder, names)
    return lock


def _make(folder: Path) -> bool:
    """Make the folder; False: it is there."""
    try:
        folder.mkdir(mode=0o700, parents=True)
    except FileExistsError:
        return False
    folder.chmod(0o700)  # whatever the umask took away
    return True


def _open(path: Path) -> int:
    """Open a file that nobody else ever could; make it if it is missing."""
    flags = os.O_RDWR | os.O_CLOEXEC
    try:
        file = os.open(path, flags | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return os.open(path, flags)
    os.fchmod(file, 0o600)  # whatever the umask took away
    return file


def _check(folder: Path) -> None:
    found = folder.stat()
    if not stat.S_ISDIR(found.st_mode):
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))
    if found.st_uid != os.geteuid():
        raise StartError(
            f"{folder}: the data folder belongs to another user (number {found.st_uid}), who could"
            f" read and replace what is in it; give a folder of its own to user {os.geteuid()}"
        )
    if found.st_mode & stat.S_ISVTX:
        raise StartError(f"{folder}: is shared by all users; name a data folder below it")


def _tighten(folder: Path, database: str) -> list[Path]:
    """Take from others what they may do with the folder and our files; give what was changed."""
    changed = []
    for path in (folder, folder / "lock", *folder.glob(f"{database}*")):
        if path.exists() and (mode := stat.S_IMODE(path.stat().st_mode)) & _OTHERS:
            path.chmod(mode & ~_OTHERS)
            changed.append(path)
    return changed
