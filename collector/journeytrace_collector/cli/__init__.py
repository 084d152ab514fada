"""The command line ``journeytrace``.

A command imports what is heavy only once it runs, so that help and version answer at once.
"""

from __future__ import annotations

from typing import Annotated, Final

import typer

from journeytrace_collector.cli.catalogue import catalogue
from journeytrace_collector.cli.conformance import conformance
from journeytrace_collector.cli.dashboards import dashboards
from journeytrace_collector.cli.demo import demo
from journeytrace_collector.cli.diff import diff
from journeytrace_collector.cli.erase import erase
from journeytrace_collector.cli.funnel import funnel
from journeytrace_collector.cli.outbox import outbox
from journeytrace_collector.cli.report import report
from journeytrace_collector.cli.sessions import sessions
from journeytrace_collector.cli.show import show
from journeytrace_collector.cli.token import token
from journeytrace_collector.cli.verify import verify

__all__ = ["app", "main"]

app: Final = typer.Typer(
    name="journeytrace",
    rich_markup_mode="markdown",  # else the help breaks its lines where the docstrings do
    help="See every event of a verification journey: how far it got, and what was decided.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_show_locals=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version  # noqa: PLC0415

        typer.echo(f"journeytrace {version('journeytrace')}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    pass


# The flags of the collector come from its settings, which take longer to import than help may
# take. They are therefore parsed by an app of their own, which gets everything after the name.
@app.command(
    add_help_option=False,
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True},
)
def collector(context: typer.Context) -> None:
    """Take in events over OTLP, keep the sessions, serve the API and the metrics."""
    from journeytrace_collector.cli.collector import app as with_flags  # noqa: PLC0415

    with_flags(args=context.args, prog_name=context.command_path)


app.command(
    add_help_option=False,
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True},
)(dashboards)
app.command()(conformance)
app.command()(demo)
app.command()(diff)
app.command()(erase)
app.command()(funnel)
app.command()(report)
app.command()(sessions)
app.command()(show)
app.command()(token)
app.command()(verify)
app.add_typer(catalogue, name="catalogue")
app.add_typer(outbox, name="outbox")


def main() -> None:
    """Run the command that the process was started with."""
    app()
