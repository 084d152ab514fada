"""``journeytrace dashboards``: write them, check them, bring them to a Grafana."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final, NoReturn, TypeAlias

import typer

from journeytrace.catalogue import Catalogue, load_catalogue
from journeytrace.errors import CatalogueError
from journeytrace_dashboards.alerts import Settings, SettingsError, export_alerts, load_settings
from journeytrace_dashboards.alerts.settings import DEFAULTS
from journeytrace_dashboards.check import problems, sql_problems
from journeytrace_dashboards.files import export as write_files
from journeytrace_dashboards.push import PushError
from journeytrace_dashboards.push import push as push_to
from journeytrace_dashboards.push_alerts import push_alerts
from journeytrace_dashboards.sources import Addresses, datasources

__all__ = ["app"]

GENERATED: Final = Path("dashboards/generated")

app: Final = typer.Typer(
    help="Grafana's dashboards: write them to files, check them, bring them to a Grafana.",
    no_args_is_help=True,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


_SettingsFile: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--settings",
        metavar="FILE",
        help="Of the alerts: thresholds, windows, addresses, quiet hours (docs/alerts.md).",
        show_default=False,
    ),
]


_CatalogueFile: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--catalogue",
        metavar="FILE",
        help="Stages of your own, as the collector has them.",
        show_default=False,
    ),
]


@app.command()
def export(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Made if need be.")],
    *,
    settings: _SettingsFile = None,
    catalogue: _CatalogueFile = None,
) -> None:
    """Write every dashboard as JSON, for Grafana's file provisioning, and the alerts below it.

    The alerts go into DIR/alerts: rules for Prometheus, and the same for Grafana.
    """
    chosen = _alert_settings(settings)
    stages = _catalogue(catalogue)
    try:
        written = [*write_files(folder, stages), *export_alerts(folder / "alerts", chosen)]
    except OSError as error:
        _fail(f"{error.filename or folder} cannot be written: {error.strerror}")
    for path in written:
        typer.echo(path)


@app.command()
def check(
    *,
    folder: Annotated[
        Path | None,
        typer.Option(
            "--dir",
            metavar="DIR",
            help=f"Where the exported files are. Left out: {GENERATED}, if there is one here.",
            show_default=False,
        ),
    ] = None,
    database: Annotated[
        str | None,
        typer.Option(
            "--database",
            metavar="URL",
            help="A PostgreSQL store, to prepare every SQL query there; PGPASSWORD is read.",
            show_default=False,
        ),
    ] = None,
    catalogue: _CatalogueFile = None,
) -> None:
    """Check that files, metric names, PromQL and SQL are what they should be."""
    if folder is None and GENERATED.is_dir():
        folder = GENERATED
    found = list(problems(folder, _catalogue(catalogue)))
    if database is not None:
        try:
            found += sql_problems(database)
        except ModuleNotFoundError:
            _fail('psycopg is missing: pip install "journeytrace[postgresql]"')
        except Exception as error:
            _fail(f"the database cannot be asked: {error}")
    for problem in found:
        typer.echo(problem, err=True)
    if found:
        raise typer.Exit(1)
    said = ["Nothing wrong."]
    if folder is None:
        said.append("No files were compared: --dir.")
    if database is None:
        said.append("SQL was not prepared: --database.")
    typer.echo(" ".join(said))


@app.command()
def push(
    *,
    url: Annotated[str, typer.Option("--grafana", metavar="URL", show_default=False)],
    token: Annotated[
        str,
        typer.Option(
            "--token",
            metavar="TOKEN",
            envvar="GRAFANA_TOKEN",
            help="Of a service account; in the variable no other user sees it.",
            show_default=False,
        ),
    ],
    prometheus: Annotated[
        str | None, typer.Option(metavar="URL", help="Set up the data source too.")
    ] = None,
    tempo: Annotated[
        str | None, typer.Option(metavar="URL", help="Set up the data source too.")
    ] = None,
    postgresql: Annotated[
        str | None, typer.Option(metavar="URL", help="Set up the data source too.")
    ] = None,
    password: Annotated[
        str | None,
        typer.Option(
            "--postgresql-password",
            metavar="PASSWORD",
            envvar="GRAFANA_POSTGRESQL_PASSWORD",
            help="Of the reading role.",
            show_default=False,
        ),
    ] = None,
    alerts: Annotated[
        bool,
        typer.Option(
            "--alerts/--no-alerts",
            help="Bring the alerts, too. Without, Prometheus and Alertmanager have to tell them.",
        ),
    ] = False,
    settings: _SettingsFile = None,
    catalogue: _CatalogueFile = None,
) -> None:
    """Bring the dashboards to a Grafana, into a folder of their own.

    Doing it again changes nothing. Data sources whose addresses are not given must be
    there already, under the uids prometheus, tempo and postgresql.
    """
    try:
        sources = datasources(Addresses(prometheus, tempo, postgresql))
        stages = _catalogue(catalogue)
        for line in push_to(url, token, sources, password, stages):
            typer.echo(line)
        if alerts or settings:
            for line in push_alerts(url, token, _alert_settings(settings)):
                typer.echo(line)
    except (PushError, ValueError) as error:
        _fail(str(error))


def _alert_settings(path: Path | None) -> Settings:
    try:
        return load_settings(path) if path else DEFAULTS
    except SettingsError as error:
        _fail(str(error))


def _catalogue(path: Path | None) -> Catalogue | None:
    try:
        return load_catalogue(path) if path else None
    except CatalogueError as error:
        _fail(str(error))


def _fail(message: str) -> NoReturn:
    typer.echo(f"journeytrace: {message}", err=True)
    raise typer.Exit(1)
