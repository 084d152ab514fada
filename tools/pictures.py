"""Draw the README's pictures from a real run: what a terminal shows, and a collector's figures.

Usage: python -m tools.pictures [DIR]. It starts a collector whose clock stands still, plays the
demo's journeys to it, runs the real commands, and reads the API and /metrics. So the same code
draws the same pictures.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import aiohttp
from rich.console import Console
from rich.terminal_theme import TerminalTheme
from rich.text import Text
from tools.picture_page import Figures, draw

from journeytrace_collector.cli.client import Summary, connect
from journeytrace_collector.demo.journeys import make_journeys
from journeytrace_collector.demo.replay import play
from journeytrace_collector.process import Collector
from journeytrace_collector.settings import Address, Settings

COLUMNS: Final = 118
LISTED: Final = 12
NOW: Final = round(datetime(2026, 11, 20, 12, tzinfo=UTC).timestamp() * 1e9)
THEME: Final = TerminalTheme(
    (22, 27, 34),
    (201, 209, 217),
    [
        (22, 27, 34),
        (248, 81, 73),
        (63, 185, 80),
        (210, 153, 34),
        (56, 119, 220),
        (188, 140, 255),
        (57, 197, 207),
        (201, 209, 217),
    ],
)
# Rich's own template loads a font from elsewhere; the viewer's is as good.
TEMPLATE: Final = """\
<svg class="rich-terminal" viewBox="0 0 {width} {height}" xmlns="http://www.w3.org/2000/svg">
<style>
.{unique_id}-matrix {{ font-family: ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace;
 font-size: {char_height}px; line-height: {line_height}px; }}
.{unique_id}-title {{ font-size: 18px; font-weight: bold; font-family: sans-serif; }}
{styles}
</style>
<defs>
<clipPath id="{unique_id}-clip-terminal">
<rect x="0" y="0" width="{terminal_width}" height="{terminal_height}"/>
</clipPath>
{lines}
</defs>
{chrome}
<g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">
{backgrounds}
<g class="{unique_id}-matrix">
{matrix}
</g>
</g>
</svg>
"""


def terminal(*commands: tuple[str, ...], url: str) -> str:
    """Run commands and give what a terminal shows of them."""
    out = Console(
        record=True, file=StringIO(), width=COLUMNS, force_terminal=True, color_system="truecolor"
    )
    for words in commands:
        out.print(Text.assemble(("$ ", "dim"), (f"journeytrace {' '.join(words)}", "bold")))
        out.print(Text.from_ansi(_run(*words, "--url", url)), end="\n\n")
    svg = out.export_svg(
        title="journeytrace", theme=THEME, code_format=TEMPLATE, unique_id="terminal"
    )
    return "\n".join(line.rstrip() for line in svg.splitlines()) + "\n"


def _run(*words: str) -> str:
    command = Path(sys.executable).with_name("journeytrace")
    looks = {"COLUMNS": str(COLUMNS), "FORCE_COLOR": "1", "COLORTERM": "truecolor"}
    done = subprocess.run(  # noqa: S603 - our own words
        [command, *words], capture_output=True, check=True, text=True, env={**os.environ, **looks}
    )
    return done.stdout.rstrip("\n")


async def _figures(admin: str) -> Figures:
    async with connect(admin) as client, aiohttp.ClientSession() as http:
        sessions = (await client.sessions({}, 0))["sessions"]
        async with http.get(f"http://{admin}/metrics") as answer:
            return Figures(sessions, await answer.text(), NOW)


def worth_showing(sessions: list[Summary]) -> str:
    """Give one of those listed that was rejected after retakes."""
    return next(
        row["session_id"]
        for row in sessions[:LISTED]
        if row["decision"] == "REJECTED" and row["impacts"]["RETAKE"]
    )


async def pictures() -> dict[str, str]:
    """Give both pictures by the names of their files."""
    with TemporaryDirectory() as data:
        free = Address("127.0.0.1", 0)
        settings = Settings(data=Path(data), otlp_grpc=free, otlp_http=free, admin=free, desk=None)
        async with Collector(settings, clock=lambda: NOW) as collector:
            endpoint = str(collector.otlp_grpc)
            await asyncio.to_thread(play, make_journeys(200, 7), endpoint, NOW, lambda: True)
            figures = await _figures(str(collector.admin))
            commands = (
                ("sessions", "--limit", str(LISTED)),
                ("show", worth_showing(figures.sessions), "--failed"),
            )
            shown = await asyncio.to_thread(terminal, *commands, url=f"http://{collector.admin}")
    return {"terminal.svg": shown, "figures.svg": draw(figures)}


if __name__ == "__main__":
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "docs/pictures")
    folder.mkdir(parents=True, exist_ok=True)
    for name, picture in asyncio.run(pictures()).items():
        (folder / name).write_text(picture, "utf-8")
