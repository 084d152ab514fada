"""The command ``journeytrace``, which comes with the library, but needs an extra to do its work.

So nothing is imported here that the library does not bring.
"""

from __future__ import annotations

import sys

__all__ = ["main"]


def main() -> None:
    """Run the command line, or say what has to be installed for it."""
    try:
        from journeytrace_collector.cli import main as run  # noqa: PLC0415

        run()
    except ModuleNotFoundError as error:
        # One of our own that is missing is a fault of ours.
        if (error.name or "journeytrace").startswith("journeytrace"):
            raise
        sys.exit(
            f"journeytrace: the command needs more than the library, and {error.name} is not"
            " installed: pip install 'journeytrace[collector,exporters]'"
        )
