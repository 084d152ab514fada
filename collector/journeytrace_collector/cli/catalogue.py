"""``journeytrace catalogue``: a file of one's own, and what is still missing in it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Final

import typer

from journeytrace_collector.cli.options import DEFAULT_URL, CaFile, Json, Token, Url

__all__ = ["catalogue"]

catalogue: Final = typer.Typer(
    no_args_is_help=True,
    help="Check a catalogue file of your own; write its types; list names that are in none.",
)


@catalogue.command()
def check(file: Annotated[Path, typer.Argument(show_default=False)]) -> None:
    """Read a catalogue file as the collector would, and tell what it makes of it."""
    from journeytrace.catalogue import builtin_catalogue, load_catalogue  # noqa: PLC0415
    from journeytrace.errors import CatalogueError  # noqa: PLC0415
    from journeytrace_collector.cli.terminal import plain  # noqa: PLC0415

    try:
        found = load_catalogue(file)
    except CatalogueError as error:
        typer.echo(plain(str(error)), err=True)
        raise typer.Exit(2) from None
    known = builtin_catalogue()
    recorded = {name: spec for name, spec in known.events.items() if not spec.passive}
    events = {name: spec for name, spec in found.events.items() if not spec.passive}
    typer.echo(f"Stages in order: {plain(', '.join(found.ordered_stages))}")
    for label, own, builtin in (
        ("Events", events, recorded),
        ("Reasons", found.reasons, known.reasons),
        ("Error codes", found.error_codes, known.error_codes),
    ):
        new = len(own.keys() - builtin.keys())
        changed = sum(own[key] != spec for key, spec in builtin.items())  # type: ignore[index]
        typer.echo(f"{label}: {len(own)}, of them {new} new and {changed} changed")


@catalogue.command()
def types(
    file: Annotated[
        Path | None, typer.Argument(show_default=False, help="Your own; left out: the built-in.")
    ] = None,
) -> None:
    """Write the names that a browser may record as TypeScript, with what they mean.

    For a file of your own: what it adds to the npm package's names. Save it beside your sources
    as a .ts file; your names then compile like the built-in ones.
    """
    from journeytrace.catalogue import builtin_catalogue, load_catalogue  # noqa: PLC0415
    from journeytrace.errors import CatalogueError  # noqa: PLC0415
    from journeytrace_collector.cli.browser_names import added, builtin  # noqa: PLC0415
    from journeytrace_collector.cli.terminal import plain  # noqa: PLC0415

    known = builtin_catalogue()
    try:
        text = added(load_catalogue(file), known) if file else builtin(known)
    except CatalogueError as error:
        typer.echo(plain(str(error)), err=True)
        raise typer.Exit(2) from None
    typer.echo(text, nl=False)


@catalogue.command()
def unknown(
    *,
    as_json: Json = False,
    url: Url = DEFAULT_URL,
    token: Token = None,
    ca_file: CaFile = None,
) -> None:
    """Write the lines that would make known what has come up since the collector started.

    Complete them, put them into the file that `collector --catalogue` names, and
    start the collector anew. Services that send the names read the same file.
    """
    from journeytrace_collector.cli.client import Unknown, connect, run  # noqa: PLC0415
    from journeytrace_collector.cli.terminal import plain  # noqa: PLC0415

    async def fetch() -> Unknown:
        async with connect(url, token, ca_file) as client:
            return await client.unknown()

    found = run(fetch())
    if as_json:
        typer.echo(json.dumps(found, indent=2))
        return
    if not found["names"]:
        typer.echo("Every name that has come up is in the catalogue.", err=True)
        return
    for line in found["toml"].splitlines():
        typer.echo(plain(line))
    if not found["complete"]:
        typer.echo("There were more names than are remembered.", err=True)
