"""``journeytrace sessions``: the list, newest first."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated

import typer

from journeytrace_collector.cli.options import DEFAULT_URL, CaFile, Json, Token, Url

if TYPE_CHECKING:
    from journeytrace_collector.cli.client import Page

__all__ = ["sessions"]


def sessions(
    *,
    status: Annotated[
        str | None,
        typer.Option(metavar="STATUS", help="Only IN_PROGRESS, COMPLETED, DROPPED or ERROR."),
    ] = None,
    decision: Annotated[
        str | None,
        typer.Option(metavar="DECISION", help="Only APPROVED, REJECTED, PENDING or NONE (yet)."),
    ] = None,
    since: Annotated[
        str | None,
        typer.Option(metavar="TIME", help="Created then or later: RFC 3339, or ago: 30m, 2h, 7d."),
    ] = None,
    until: Annotated[
        str | None, typer.Option(metavar="TIME", help="Created before this time; as --since.")
    ] = None,
    search: Annotated[
        str | None,
        typer.Option(
            metavar="TEXT", help="Only where a field begins with this, in upper or lower case."
        ),
    ] = None,
    field: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Search this field alone: session_id, user_id, email, submission_id, project_id "
            "or last_event.",
        ),
    ] = None,
    limit: Annotated[int, typer.Option(min=0, help="Most sessions to show; 0: all.")] = 20,
    as_json: Json = False,
    url: Url = DEFAULT_URL,
    token: Token = None,
    ca_file: CaFile = None,
) -> None:
    """List the sessions, newest first, with status and decision side by side.

    The decision is what was decided; COMPLETED only says that the user got to the end.
    """
    from journeytrace_collector.cli.client import connect, run  # noqa: PLC0415

    given = {
        "status": status and status.upper(),
        "decision": decision and decision.upper(),
        "since": _moment("--since", since),
        "until": _moment("--until", until),
        "search": search,
        "field": field,
    }
    filters = {name: value for name, value in given.items() if value is not None}

    async def fetch() -> Page:
        async with connect(url, token, ca_file) as client:
            return await client.sessions(filters, limit)

    page = run(fetch())
    if as_json:
        # ASCII: no text from an event can steer the terminal.
        typer.echo(json.dumps(page, indent=2))
    else:
        _print(page)


def _print(page: Page) -> None:
    from journeytrace_collector.cli.session_list import print_sessions  # noqa: PLC0415
    from journeytrace_collector.cli.terminal import console  # noqa: PLC0415

    if not page["sessions"]:
        typer.echo("No session matches.", err=True)
        return
    print_sessions(console(), page["sessions"])
    if page["next_cursor"] is not None:
        typer.echo(f"There are more than these {len(page['sessions'])}: use --limit.", err=True)


def _moment(flag: str, text: str | None) -> str | None:
    """Turn a span back from now into RFC 3339; anything else is the API's to judge."""
    from datetime import UTC, datetime  # noqa: PLC0415

    from journeytrace_collector.settings.durations import parse_duration  # noqa: PLC0415

    if text is None or "-" in text:
        return text
    try:
        at = datetime.now(UTC) - parse_duration(text)
    except (ValueError, OverflowError):
        message = f"{text!r} is neither RFC 3339 (2026-11-20T08:00:00Z) nor a span such as 2h or 7d"
        raise typer.BadParameter(message, param_hint=flag) from None
    return at.isoformat().replace("+00:00", "Z")
