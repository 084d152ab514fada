"""``journeytrace funnel``: how far sessions came, lost beacons told apart from lost users."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated

import typer

from journeytrace_collector.cli.options import DEFAULT_URL, CaFile, Json, Token, Url
from journeytrace_collector.cli.times import TIME_HELP, moment_of

if TYPE_CHECKING:
    from journeytrace_collector.cli.client import Funnel

__all__ = ["funnel"]


def funnel(
    *,
    by: Annotated[
        str | None,
        typer.Option(
            metavar="GROUP",
            help="Tell apart by browser, release, country or project, the ten largest.",
        ),
    ] = None,
    project: Annotated[
        str | None, typer.Option(metavar="NAME", help="Only of this project; (none): of none.")
    ] = None,
    since: Annotated[
        str, typer.Option(metavar="TIME", help=f"Created then or later: {TIME_HELP}")
    ] = "7d",
    until: Annotated[
        str | None, typer.Option(metavar="TIME", help="Created before this time; as --since.")
    ] = None,
    as_json: Json = False,
    url: Url = DEFAULT_URL,
    token: Token = None,
    ca_file: CaFile = None,
) -> None:
    """Count how far sessions came, those included of which a beacon was lost.

    What a user does is seen by the screen and by the server; how many neither saw follows from how
    many each missed of what the other saw. Where that cannot be told, the reason stands instead.
    Sessions in progress are not counted.
    """
    from journeytrace_collector.cli.client import connect, run  # noqa: PLC0415

    given = {
        "by": by and by.lower(),
        "project": project,
        "since": moment_of("--since", since),
        "until": moment_of("--until", until),
    }
    filters = {name: value for name, value in given.items() if value is not None}

    async def fetch() -> Funnel:
        async with connect(url, token, ca_file) as client:
            return await client.funnel(filters)

    answer = run(fetch())
    if as_json:
        typer.echo(json.dumps(answer, indent=2))
        return

    from journeytrace_collector.cli.losses import print_losses  # noqa: PLC0415
    from journeytrace_collector.cli.terminal import console  # noqa: PLC0415

    print_losses(console(), answer)
