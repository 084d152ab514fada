"""``journeytrace show``: one session with its timeline."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from journeytrace_collector.cli.options import DEFAULT_URL, CaFile, Token, Url

__all__ = ["show"]


def show(
    session_id: Annotated[
        str,
        typer.Argument(
            metavar="SESSION",
            help="Its id, the beginning of that, or its support code; the id wins.",
            show_default=False,
        ),
    ],
    *,
    source: Annotated[
        str | None,
        typer.Option(metavar="FE|BE", help="Only what the screen saw (FE) or the server did (BE)."),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help='Print {"session": …, "events": […]} as the API has it.')
    ] = False,
    url: Url = DEFAULT_URL,
    token: Token = None,
    ca_file: CaFile = None,
) -> None:
    """Show one session: what is known of it, then every event with its metadata."""
    from journeytrace_collector.cli.client import (  # noqa: PLC0415
        Event,
        Summary,
        connect,
        run,
    )
    from journeytrace_collector.cli.resolve import (  # noqa: PLC0415
        Several,
        fail_for_several,
        resolve,
    )

    async def fetch() -> tuple[Summary, list[Event]]:
        async with connect(url, token, ca_file) as client:
            session = await resolve(client, session_id)
            known = session["session_id"]
            return session, await client.events(known, source and source.upper())

    try:
        session, events = run(fetch())
    except Several as several:
        fail_for_several(several)
    if as_json:
        typer.echo(json.dumps({"session": session, "events": events}, indent=2))
        return

    from journeytrace_collector.cli.terminal import console  # noqa: PLC0415
    from journeytrace_collector.cli.timeline import print_card, print_timeline  # noqa: PLC0415

    out = console()
    print_card(out, session)
    out.print()
    print_timeline(out, events, session["created_at"])
