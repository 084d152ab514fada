"""``journeytrace dashboards``: write them, check them, bring them to a Grafana."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final

import typer

from journeytrace_dashboards.check import problems, sql_problems
from journeytrace_dashboards.files import export as write_files
from journeytrace_dashboards.push import PushError
from journeytrace_dashboards.push import push as push_to
from journeytrace_dashboards.sources import Addresses, datasources

__all__ = ["app"]

GENERATED: Final = Path("dashboards/generated")

app: Final = typer.Typer(
    help="Grafana's dashboards: write them to files, check them, bring them to a Grafana.",
    no_args_is_help=True,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.command()
def export(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Made if need be.")],
) -> None:
    """Write every dashboard as JSON, for Grafana's file provisioning."""
    for path in write_files(folder):
        typer.echo(path)


@app.command()
def check(
    *,
    folder: Annotated[
        Path, typer.Option("--dir", metavar="DIR", help="Where the exported files are.")
    ] = GENERATED,
    database: Annotated[
        str | None,
        typer.Option(
            "--database",
            metavar="URL",
            help="A PostgreSQL store, to prepare every SQL query there; PGPASSWORD is read.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Check that files, metric names, PromQL and SQL are what they should be."""
    found = list(problems(folder))
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
    typer.echo("Nothing wrong." if database else "Nothing wrong. SQL was not prepared: --database.")


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
) -> None:
    """Bring the dashboards to a Grafana, into a folder of their own.

    Doing it again changes nothing. Data sources whose addresses are not given must be
    there already, under the uids prometheus, tempo and postgresql.
    """
    try:
        sources = datasources(Addresses(prometheus, tempo, postgresql))
        for line in push_to(url, token, sources, password):
            typer.echo(line)
    except (PushError, ValueError) as error:
        _fail(str(error))


def _fail(message: str) -> None:
    typer.echo(f"journeytrace: {message}", err=True)
    raise typer.Exit(1)
