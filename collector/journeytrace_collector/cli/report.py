"""``journeytrace report``: one session as a PDF that can be checked."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from journeytrace_collector.cli.options import DEFAULT_URL, CaFile, Token, Url

if TYPE_CHECKING:
    from journeytrace_collector.cli.client import Report

__all__ = ["report"]


def report(
    session_id: Annotated[
        str,
        typer.Argument(
            metavar="SESSION",
            help="Its id, the beginning of that, or its support code; the id wins.",
            show_default=False,
        ),
    ],
    output: Annotated[
        Path,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            help="Where to write it, whatever is there; -: to the standard output.",
            show_default=False,
        ),
    ],
    *,
    url: Url = DEFAULT_URL,
    token: Token = None,
    ca_file: CaFile = None,
) -> None:
    """Write the report of one session: a PDF with its events attached, sealed and maybe signed.

    The collector makes it, where the fonts and the key are, and records that it was issued.
    `journeytrace verify FILE` checks it.
    """
    from base64 import b64decode  # noqa: PLC0415

    from journeytrace_collector.cli.client import connect, run  # noqa: PLC0415
    from journeytrace_collector.cli.resolve import (  # noqa: PLC0415
        Several,
        fail_for_several,
        resolve,
    )

    async def fetch() -> Report:
        async with connect(url, token, ca_file) as client:
            session = await resolve(client, session_id)
            return await client.report(session["session_id"])

    try:
        issued = run(fetch())
    except Several as several:
        fail_for_several(several)
    pdf = b64decode(issued["pdf"])
    if str(output) == "-":
        typer.get_binary_stream("stdout").write(pdf)
        return
    try:
        output.write_bytes(pdf)
    except OSError as error:
        typer.echo(f"{output}: cannot be written: {error.strerror}", err=True)
        raise typer.Exit(1) from None
    signed = f"signed by the key {issued['key']}" if issued["key"] else "not signed"
    typer.echo(f"{output}: {len(pdf):,} bytes, {signed}, SHA-256 {issued['sha256']}")
