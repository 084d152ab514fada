"""The steps that bring a store's tables up to date: numbered SQL, one folder a database.

A step that has been released is never changed; what comes after it is a new one. They are taken at
start, in the transaction that notes the new version, so a store is at one version or at another.
"""

from __future__ import annotations

from importlib.resources import files

from journeytrace_collector.errors import StartError

__all__ = ["pending_steps", "steps"]


def steps(database: str) -> list[str]:
    """Give the SQL of all steps for ``sqlite`` or ``postgresql``; the nth leads to version n."""
    folder = files(__name__) / database
    found = sorted(item.name for item in folder.iterdir() if item.name.endswith(".sql"))
    return [(folder / name).read_text("utf-8") for name in found]


def pending_steps(database: str, version: int, place: str) -> list[str]:
    """Give the steps that a store of this version lacks; `place` names it in the error.

    Raises:
        StartError: a later version of journeytrace has written it.
    """
    known = steps(database)
    if not 0 <= version <= len(known):
        raise StartError(
            f"{place}: was written by a later version of journeytrace (schema {version}, this one"
            f" knows {len(known)}); start that version, or restore a copy from before it"
        )
    return known[version:]
