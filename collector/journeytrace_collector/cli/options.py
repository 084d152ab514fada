"""The options of every command that asks a running collector."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final, TypeAlias

import typer

__all__ = ["DEFAULT_URL", "CaFile", "Json", "Token", "Url"]

DEFAULT_URL: Final = "http://127.0.0.1:9464"

Url: TypeAlias = Annotated[
    str, typer.Option("--url", metavar="URL", help="Admin address of the collector.")
]
Token: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--token",
        metavar="TOKEN",
        envvar="JOURNEYTRACE_ADMIN_TOKEN",
        help="Its admin_token, if it asks for one; in the variable no other user sees it.",
        show_default=False,
    ),
]
CaFile: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--ca-file",
        metavar="FILE",
        help="Authority (PEM) that has signed its certificate, if the system does not know it.",
        show_default=False,
    ),
]
Json: TypeAlias = Annotated[bool, typer.Option("--json", help="Print what the API answers.")]
