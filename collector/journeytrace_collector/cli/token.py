"""``journeytrace token``: a token for the page of one session, to try things out."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from journeytrace.browser import Key

__all__ = ["token"]


def token(
    session_id: Annotated[
        str, typer.Argument(metavar="SESSION_ID", help="Whose page it is for.", show_default=False)
    ],
    *,
    project: Annotated[
        str | None, typer.Option(metavar="ID", help="The project of its events.")
    ] = None,
    minutes: Annotated[int, typer.Option(min=1, max=60, help="How long it is good for.")] = 30,
    kid: Annotated[
        str | None, typer.Option(metavar="ID", help="The key's id, as in public.keys.")
    ] = None,
    key_file: Annotated[
        Path | None, typer.Option(metavar="FILE", help="File with the key's secret.")
    ] = None,
) -> None:
    """Print a token by which a browser may send the events of one session.

    The key is that of --kid and --key-file, else what the variable JOURNEYTRACE_BROWSER_KEY
    holds, as ID:SECRET.
    """
    from journeytrace.browser import AUDIENCE, mint  # noqa: PLC0415
    from journeytrace.errors import InvalidSessionIdError  # noqa: PLC0415
    from journeytrace.identity import normalise_session_id  # noqa: PLC0415

    try:
        session = normalise_session_id(session_id)
    except InvalidSessionIdError as error:
        raise typer.BadParameter(str(error), param_hint="SESSION_ID") from None
    now = int(time.time())
    claims: dict[str, object] = {"sub": session, "aud": AUDIENCE}
    claims |= {"iat": now, "exp": now + minutes * 60, "start": now}
    if project:
        claims["project"] = project
    typer.echo(mint(_key(kid, key_file), claims))


def _key(kid: str | None, file: Path | None) -> Key:
    from journeytrace.browser import KEY_VARIABLE, read_keys  # noqa: PLC0415

    if (kid is None) != (file is None):
        raise typer.BadParameter("give both of them, or neither", param_hint="--kid, --key-file")
    where, text = KEY_VARIABLE, os.environ.get(KEY_VARIABLE, "")
    if file is not None:
        where = "--kid, --key-file"
        try:
            text = f"{kid}:{file.read_text('ascii', 'replace').strip()}"
        except OSError as error:
            message = f"{file} cannot be read: {error.strerror}"
            raise typer.BadParameter(message, param_hint="--key-file") from None
    try:
        return read_keys(text)[0]
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint=where) from None
