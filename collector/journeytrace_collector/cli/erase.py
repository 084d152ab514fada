"""``journeytrace erase``: one session, or all of one person's, for good."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated

import typer

from journeytrace_collector.cli.options import DEFAULT_URL, CaFile, Json, Token, Url

if TYPE_CHECKING:
    from journeytrace_collector.cli.client import Erasable, Erased

__all__ = ["erase"]


def erase(
    session_id: Annotated[
        str | None,
        typer.Argument(metavar="SESSION_ID", help="The whole id of one.", show_default=False),
    ] = None,
    *,
    user: Annotated[
        str | None,
        typer.Option(metavar="ID", help="All sessions that ever had this user id, exactly."),
    ] = None,
    email: Annotated[
        str | None,
        typer.Option(metavar="ADDRESS", help="All that ever had this address, in either case."),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask before.")] = False,
    as_json: Json = False,
    url: Url = DEFAULT_URL,
    token: Token = None,
    ca_file: CaFile = None,
) -> None:
    """Erase a session, or all sessions of a person, with their events. There is no way back.

    Late events do not bring a session back: they are taken and passed over. What has
    already been delivered to others, such as Tempo or a webhook's receiver, stays there.
    """
    from journeytrace_collector.cli.client import ApiError, connect, run  # noqa: PLC0415

    given = {"session": session_id, "user": user, "email": email}
    named = [(subject, value) for subject, value in given.items() if value is not None]
    if len(named) != 1:
        raise typer.BadParameter("give one of SESSION_ID, --user, --email", param_hint="SESSION_ID")
    ((subject, value),) = named

    async def look() -> Erasable:
        async with connect(url, token, ca_file) as client:
            found = await client.erasable(subject, value)
            if not found["sessions"]:
                raise ApiError(f"no session has the {_NAMES[subject]} {value!r}", 1)
            return found

    async def ask() -> Erased:
        async with connect(url, token, ca_file) as client:
            return await client.erase(subject, value)

    if not yes:
        found = run(look())
        what = _counted(found["sessions"], found["events"])
        typer.confirm(f"Erase {what}, for good?", abort=True, err=True)
    erased = run(ask())
    if not erased["erased"]:
        typer.echo(f"No session has this {_NAMES[subject]}.", err=True)
    if as_json:
        typer.echo(json.dumps(erased, indent=2))
    elif erased["erased"]:
        typer.echo(f"{_counted(erased['erased'], erased['events'])} erased.")
    if not erased["erased"]:
        raise typer.Exit(1)


_NAMES = {"session": "id", "user": "user id", "email": "address"}


def _counted(sessions: int, events: int) -> str:
    return f"{sessions} session{'s'[: sessions != 1]} with {events} event{'s'[: events != 1]}"
