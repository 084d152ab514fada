"""``journeytrace show``: one session with its timeline."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated

import typer

from journeytrace_collector.cli.options import DEFAULT_URL, CaFile, Token, Url

if TYPE_CHECKING:
    from datetime import datetime, timedelta

    from journeytrace_collector.cli.client import Event, Summary, Timeline
    from journeytrace_collector.cli.selection import Selection

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
        typer.Option(
            metavar="FE|BE|OP",
            help="Only what the screen saw (FE), the server did (BE) or people did (OP).",
        ),
    ] = None,
    failed: Annotated[
        bool, typer.Option("--failed", help="Only events that failed or had an impact.")
    ] = False,
    around: Annotated[
        str | None,
        typer.Option(
            metavar="TIME",
            help="Only events near this time: as the timeline has it (+01:08), a time of day in "
            "UTC (14:31), RFC 3339, or ago: 30m, 2h, 7d.",
        ),
    ] = None,
    within: Annotated[
        str, typer.Option(metavar="SPAN", help="How near: so long before --around, and after it.")
    ] = "1m",
    as_of: Annotated[
        str | None,
        typer.Option(
            "--as-of",
            metavar="TIME",
            help="As it was known then, by what had arrived; a time as in --around.",
        ),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help='Print {"session": …, "events": […]} as the API has it.')
    ] = False,
    url: Url = DEFAULT_URL,
    token: Token = None,
    ca_file: CaFile = None,
) -> None:
    """Show one session: why it ended as it did, what is known of it, then its events.

    What is left out of the timeline is counted.
    """
    from journeytrace_collector.cli.client import connect, run  # noqa: PLC0415
    from journeytrace_collector.cli.resolve import (  # noqa: PLC0415
        Several,
        fail_for_several,
        resolve,
    )

    span = _span(within)
    wanted = source and _source(source)

    async def fetch() -> tuple[Summary, Summary, Timeline, str | None]:
        async with connect(url, token, ca_file) as client:
            now = await resolve(client, session_id)
            known = now["session_id"]
            if as_of is None:
                return now, now, await client.timeline(known), None
            at = _instant(as_of, now, "--as-of").isoformat()
            return await client.session(known, at), now, await client.timeline(known, at), at

    try:
        session, now, answer, at = run(fetch())
    except Several as several:
        fail_for_several(several)
    events, clock = answer["events"], answer.get("clock")
    chosen = _choose(session, events, source=wanted, failed=failed, around=around, within=span)
    if as_json:
        shown = {"session": session, "events": chosen.events, "clock": clock}
        typer.echo(json.dumps(shown, indent=2))
        return

    from journeytrace_collector.cli.error_codes import print_codes  # noqa: PLC0415
    from journeytrace_collector.cli.terminal import console  # noqa: PLC0415
    from journeytrace_collector.cli.timeline import (  # noqa: PLC0415
        print_card,
        print_then,
        print_timeline,
    )

    out = console()
    if at is not None:
        print_then(out, session, now, at)
    print_card(out, session)
    out.print()
    print_timeline(out, chosen, session["created_at"], clock)
    print_codes(out, chosen.events)


def _choose(
    session: Summary,
    events: list[Event],
    *,
    source: str | None,
    failed: bool,
    around: str | None,
    within: timedelta,
) -> Selection:
    from journeytrace_collector.cli.selection import select  # noqa: PLC0415

    at = None if around is None else _instant(around, session, "--around")
    return select(events, source=source, failed=failed, around=at, within=within)


def _source(text: str) -> str:
    from journeytrace.conventions import Source  # noqa: PLC0415

    if text.upper() not in set(Source):
        raise typer.BadParameter(f"{text!r} is none of {', '.join(Source)}", param_hint="--source")
    return text.upper()


def _instant(text: str, session: Summary, flag: str) -> datetime:
    from datetime import UTC, datetime  # noqa: PLC0415

    from journeytrace_collector.cli.selection import instant  # noqa: PLC0415
    from journeytrace_collector.cli.terminal import parse_time  # noqa: PLC0415

    start, end = parse_time(session["created_at"]), parse_time(session["last_event_at"])
    try:
        return instant(text, start, end, datetime.now(UTC))
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint=flag) from None


def _span(text: str) -> timedelta:
    from journeytrace_collector.settings.durations import parse_duration  # noqa: PLC0415

    try:
        return parse_duration(text)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--within") from None
