"""``journeytrace outbox``: what waits to leave the collector, and what was refused for good."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Final

import typer

from journeytrace_collector.cli.options import DEFAULT_URL, CaFile, Json, Token, Url

if TYPE_CHECKING:
    from journeytrace_collector.cli.client import Outbox

__all__ = ["outbox"]

outbox: Final = typer.Typer()


@outbox.callback(invoke_without_command=True)
def _list(
    context: typer.Context,
    *,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="Most parked parcels to show.")] = 50,
    as_json: Json = False,
    url: Url = DEFAULT_URL,
    token: Token = None,
    ca_file: CaFile = None,
) -> None:
    """List what waits to leave, what is backing off, and what was parked.

    A session whose parcel failed backs off by itself and is tried again. A parcel
    is parked when its receiver will never take it as it is. Once that is mended, put
    it back in line with `journeytrace outbox requeue`; what nobody needs any more
    goes with `journeytrace outbox discard`.
    """
    if context.invoked_subcommand is not None:
        _refuse_options(context)
        return
    from journeytrace_collector.cli.client import connect, run  # noqa: PLC0415

    async def fetch() -> Outbox:
        async with connect(url, token, ca_file) as client:
            return await client.outbox(limit)

    found = run(fetch())
    if as_json:
        typer.echo(json.dumps(found, indent=2))
    else:
        _print(found)


def _refuse_options(context: typer.Context) -> None:
    for name in context.params:
        source = context.get_parameter_source(name)
        if source is not None and source.name == "COMMANDLINE":
            hint = f"--{name.replace('_', '-')}"
            raise typer.BadParameter(f"put it behind {context.invoked_subcommand}", param_hint=hint)


_Ids = Annotated[
    list[int] | None,
    typer.Argument(metavar="ID", min=1, max=2**63 - 1, show_default=False),
]
_All = Annotated[bool, typer.Option("--all", help="All that are parked.")]


@outbox.command()
def requeue(
    ids: _Ids = None,
    *,
    everything: _All = False,
    as_json: Json = False,
    url: Url = DEFAULT_URL,
    token: Token = None,
    ca_file: CaFile = None,
) -> None:
    """Put parked parcels back at the end of the line, by id or all of them."""
    from journeytrace_collector.cli.client import connect, run  # noqa: PLC0415

    chosen = _chosen(ids, everything)

    async def ask() -> int:
        async with connect(url, token, ca_file) as client:
            return await client.requeue(chosen)

    _tell(run(ask()), "requeued", chosen, as_json)


@outbox.command()
def discard(
    ids: _Ids = None,
    *,
    everything: _All = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask before --all.")] = False,
    as_json: Json = False,
    url: Url = DEFAULT_URL,
    token: Token = None,
    ca_file: CaFile = None,
) -> None:
    """Forget parked parcels for good, by id or all of them: they never leave.

    What they were made from, events and sessions, stays.
    """
    from journeytrace_collector.cli.client import connect, run  # noqa: PLC0415

    chosen = _chosen(ids, everything)
    if everything and not yes:
        typer.confirm("Discard all that is parked, for good?", abort=True, err=True)

    async def ask() -> int:
        async with connect(url, token, ca_file) as client:
            return await client.discard(chosen)

    _tell(run(ask()), "discarded", chosen, as_json)


_SAID: Final = {"requeued": "put back in line", "discarded": "discarded"}


def _chosen(ids: list[int] | None, everything: bool) -> list[int] | None:
    """Give the ids that are meant; None: all."""
    if bool(ids) == everything:
        raise typer.BadParameter("give ids or --all", param_hint="ID")
    return None if everything else ids


def _tell(count: int, what: str, chosen: list[int] | None, as_json: bool) -> None:
    typer.echo(json.dumps({what: count}, indent=2) if as_json else f"{count} {_SAID[what]}.")
    if chosen and count < len(set(chosen)):
        typer.echo(f"{len(set(chosen)) - count} of these ids are not parked.", err=True)
        raise typer.Exit(1)


def _print(found: Outbox) -> None:
    from journeytrace_collector.cli.outbox_list import print_outbox  # noqa: PLC0415
    from journeytrace_collector.cli.terminal import console  # noqa: PLC0415

    if not found["destinations"]:
        typer.echo("Nothing waits, and nothing is parked.", err=True)
        return
    print_outbox(console(), found)
    hidden = sum(one["parked"] for one in found["destinations"]) - len(found["parked"])
    if hidden > 0:
        typer.echo(f"{hidden} more are parked: use --limit.", err=True)
