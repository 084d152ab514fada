"""``journeytrace dashboards``: a command of another package, which the collector never imports."""

from __future__ import annotations

from importlib.metadata import entry_points
from typing import Any, Final

import typer

__all__ = ["GROUP", "dashboards"]

GROUP: Final = "journeytrace.commands"
"""Entry points of commands that are Typer apps; the entry point's name is the command's."""


def dashboards(context: typer.Context) -> None:
    """Write Grafana's dashboards to files, check them, or bring them to a Grafana."""
    _load("dashboards")(args=context.args, prog_name=context.command_path)


def _load(name: str) -> Any:
    try:
        (found,) = entry_points(group=GROUP, name=name)
        return found.load()
    # No entry point: another distribution of ours. No module: the extra is not installed.
    except (ValueError, ModuleNotFoundError) as error:
        typer.echo(
            f"journeytrace: the command {name} is not installed ({error}):"
            f' pip install "journeytrace[{name}]"',
            err=True,
        )
        raise typer.Exit(1) from None
