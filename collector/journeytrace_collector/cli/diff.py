"""``journeytrace diff``: what differs between two cohorts of sessions."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated

import typer

from journeytrace_collector.cli.options import DEFAULT_URL, CaFile, Json, Token, Url
from journeytrace_collector.cli.times import TIME_HELP, moment_of

if TYPE_CHECKING:
    from journeytrace_collector.cli.client import Diff

__all__ = ["diff"]


def diff(
    *,
    a: Annotated[
        list[str],
        typer.Option(
            "--a", metavar="NAME=VALUE", help="The one cohort: what was usual. Again: further ones."
        ),
    ],
    b: Annotated[
        list[str] | None,
        typer.Option("--b", metavar="NAME=VALUE", help="The other one; left out: all others."),
    ] = None,
    project: Annotated[
        str | None, typer.Option(metavar="NAME", help="Only of this project; (none): of none.")
    ] = None,
    since: Annotated[
        str | None, typer.Option(metavar="TIME", help=f"Created then or later: {TIME_HELP}")
    ] = None,
    until: Annotated[
        str | None, typer.Option(metavar="TIME", help="Created before this time; as --since.")
    ] = None,
    every: Annotated[
        bool, typer.Option("--all", help="Show all that was compared, and what was too rare.")
    ] = False,
    as_json: Json = False,
    url: Url = DEFAULT_URL,
    token: Token = None,
    ca_file: CaFile = None,
) -> None:
    """Compare two cohorts of sessions: the largest shifts in words, then the figures.

    A cohort is what its sessions have to be: release, browser, country, device, week (2026-W23),
    project, since, until, or what the list filters by (status, decision, reason, error_code, stage,
    reached, event, source, result, impact). Sessions that go on are left out. Of many a sample is
    read.
    """
    from journeytrace_collector.cli.client import connect, run  # noqa: PLC0415

    given = {
        "a": ",".join(a),
        "b": ",".join(b or ()) or None,
        "project": project,
        "since": moment_of("--since", since),
        "until": moment_of("--until", until),
    }
    filters = {name: value for name, value in given.items() if value is not None}

    async def fetch() -> Diff:
        async with connect(url, token, ca_file) as client:
            return await client.diff(filters)

    found = run(fetch())
    if as_json:
        typer.echo(json.dumps(found, indent=2))
        return
    from journeytrace_collector.cli.diff_table import print_diff  # noqa: PLC0415
    from journeytrace_collector.cli.terminal import console  # noqa: PLC0415

    print_diff(console(), found, every=every)
