"""``python -m journeytrace_dashboards.alerts DIR``: write the rule files alone into a folder."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from journeytrace_dashboards.alerts.export import export_alerts
from journeytrace_dashboards.alerts.settings import DEFAULTS, SettingsError, load_settings


def main(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Made if need be.")],
    *,
    settings: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Thresholds, windows, addresses: YAML.")
    ] = None,
) -> None:
    """Write the rules for Prometheus and the alerts for Grafana."""
    try:
        chosen = load_settings(settings) if settings else DEFAULTS
    except SettingsError as error:
        typer.echo(f"journeytrace: {error}", err=True)
        raise typer.Exit(1) from error
    try:
        written = export_alerts(folder, chosen)
    except OSError as error:
        typer.echo(f"journeytrace: {folder} cannot be written: {error.strerror}", err=True)
        raise typer.Exit(1) from error
    for path in written:
        typer.echo(path)


if __name__ == "__main__":
    typer.run(main)
