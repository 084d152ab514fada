"""``journeytrace verify``: whether a report is as it was sealed."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, NoReturn

import typer

if TYPE_CHECKING:
    from rich.text import Text

    from journeytrace_collector.report.checking import Line
    from journeytrace_collector.report.key import PublicKey

__all__ = ["verify"]


_KEY_BYTES: Final = 1024 * 1024


def verify(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="A report, as PDF.", show_default=False)
    ],
    *,
    key: Annotated[
        Path | None,
        typer.Option(
            metavar="PUBLIC",
            help="The public key (PEM) that it has to be signed with. Without one, the signature"
            " is not checked.",
        ),
    ] = None,
) -> None:
    """Tell whether a report is as it was sealed; no collector is asked.

    Ends with 0 if it is, with 1 if it is not or is no report, with 2 if it could not be checked.
    """
    from rich.text import Text  # noqa: PLC0415

    from journeytrace_collector.cli.terminal import console, plain  # noqa: PLC0415
    from journeytrace_collector.report.checking import LARGEST, check  # noqa: PLC0415

    checked = check(_read(file, LARGEST), None if key is None else _public(key))
    out = console()
    name = plain(str(file))
    verdict = "is as it was sealed" if checked.verified else "is NOT as it was sealed"
    out.print(Text(f"{name} {verdict}.", style="bold green" if checked.verified else "bold red"))
    width = max(len(line.what) for line in checked.lines) + 2
    for line in checked.lines:
        out.print(_told(line, width, out.width))
    if not checked.verified:
        raise typer.Exit(1)


def _told(line: Line, width: int, edge: int) -> Text:
    from rich.text import Text  # noqa: PLC0415

    from journeytrace_collector.cli.terminal import plain  # noqa: PLC0415

    told = textwrap.fill(
        plain(line.found),
        max(edge, 2 * width),
        initial_indent=f"  {line.what:<{width}}",
        subsequent_indent=" " * (width + 2),
        break_on_hyphens=False,
    )
    return Text(told, style="red" if line.good is False else "")


def _read(file: Path, most: int) -> bytes:
    try:
        with file.open("rb") as opened:
            found = opened.read(most + 1)
    except OSError as error:
        _fail(f"{file}: cannot be read: {error.strerror}")
    if len(found) > most:
        _fail(f"{file}: is larger than {most:,} bytes")
    return found


def _public(file: Path) -> PublicKey:
    try:
        from journeytrace_collector.report.key import PublicKey  # noqa: PLC0415

        return PublicKey(_read(file, _KEY_BYTES))
    except ModuleNotFoundError as error:
        if (error.name or "journeytrace").startswith("journeytrace"):
            raise
        _fail(f"--key needs {error.name}: pip install 'journeytrace[report]'")
    except ValueError as error:
        _fail(
            f"--key: {file} {error}; of a private one it is made so:"
            " openssl pkey -in KEY.pem -pubout -out PUBLIC.pem"
        )


def _fail(message: str) -> NoReturn:
    from journeytrace_collector.cli.terminal import plain  # noqa: PLC0415

    typer.echo(plain(message), err=True)
    raise typer.Exit(2)
