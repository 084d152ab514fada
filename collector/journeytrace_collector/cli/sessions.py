"""``journeytrace sessions``: the list, newest first."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated

import typer

from journeytrace_collector.cli.options import DEFAULT_URL, CaFile, Json, Token, Url
from journeytrace_collector.cli.times import TIME_HELP, moment_of

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
    project: Annotated[
        str | None, typer.Option(metavar="NAME", help="Only of this project; (none): of none.")
    ] = None,
    reason: Annotated[
        str | None, typer.Option(metavar="NAME", help="Only decided for this reason; or (none).")
    ] = None,
    error_code: Annotated[
        str | None, typer.Option(metavar="CODE", help="Only with this last error code; or (none).")
    ] = None,
    stage: Annotated[
        str | None, typer.Option(metavar="NAME", help="Only that got as far as here; or (none).")
    ] = None,
    event: Annotated[
        str | None, typer.Option(metavar="NAME", help="Only with an event of this name.")
    ] = None,
    impact: Annotated[
        str | None,
        typer.Option(metavar="IMPACT", help="Only with an event that did this: BLOCKED, RETAKE …"),
    ] = None,
    result: Annotated[
        str | None, typer.Option(metavar="PASS|FAIL", help="Only with an event that ended so.")
    ] = None,
    source: Annotated[
        str | None, typer.Option(metavar="FE|BE|OP", help="Only with an event from there.")
    ] = None,
    corrected: Annotated[
        bool,
        typer.Option(
            "--corrected", help="Only with an event whose sender told a time that cannot be."
        ),
    ] = False,
    violates: Annotated[
        str | None,
        typer.Option(metavar="RULE", help="Only that violate this rule: see `conformance`."),
    ] = None,
    since: Annotated[
        str | None, typer.Option(metavar="TIME", help=f"Created then or later: {TIME_HELP}")
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
            help="Search this field alone: session_id, user_id, email, submission_id, project_id, "
            "last_event or support_code.",
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

    A session is listed if it meets all that is given. --event, --impact, --result, --source and
    --corrected together speak of ONE event: with --event IP_RISK_CHECK --impact BLOCKED are listed
    those whom that check blocked, not those whom it passed and something else blocked. A date is
    the beginning of that day in UTC: yesterday's as --since, today's as --until.
    """
    from journeytrace_collector.cli.client import connect, run  # noqa: PLC0415

    given = {
        "status": status and status.upper(),
        "decision": decision and decision.upper(),
        "project": project,
        "reason": reason,
        "error_code": error_code,
        "stage": stage,
        "event": event,
        "impact": impact and impact.upper(),
        "result": result and result.upper(),
        "source": source and source.upper(),
        "corrected": "yes" if corrected else None,
        "rule": violates,
        "since": moment_of("--since", since),
        "until": moment_of("--until", until),
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

    if page["sessions"]:
        print_sessions(console(), page["sessions"])
    if page["searched_until"] is not None:
        typer.echo(
            f"These are all since {page['searched_until']}; nobody has looked further back: go on"
            " with --until that time.",
            err=True,
        )
    elif not page["sessions"]:
        typer.echo("No session matches.", err=True)
    elif page["next_cursor"] is not None:
        typer.echo(f"There are more than these {len(page['sessions'])}: use --limit.", err=True)
