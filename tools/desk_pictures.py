"""Take the README's pictures of the desk: its list, and one session that was rejected.

Usage: python -m tools.desk_pictures [DIR]. Like `tools.pictures` it plays the demo's journeys to a
collector whose clock stands still. It needs Chromium; another version of that, or other fonts, draw
other pixels of the same pages.
"""

from __future__ import annotations

import asyncio
import shutil
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from playwright.async_api import async_playwright
from tools.pictures import NOW, worth_showing

from journeytrace_collector.cli.client import connect
from journeytrace_collector.demo.journeys import make_journeys
from journeytrace_collector.demo.replay import play
from journeytrace_collector.process import Collector
from journeytrace_collector.settings import Address, Settings

WIDTH: Final = 1280
HEIGHTS: Final = {"desk-sessions.png": 450, "desk-session.png": 840}


async def pictures() -> dict[str, bytes]:
    """Give both pictures by the names of their files."""
    with TemporaryDirectory() as data:
        free = Address("127.0.0.1", 0)
        settings = Settings(data=Path(data), otlp_grpc=free, otlp_http=free, admin=free, desk=free)
        async with Collector(settings, clock=lambda: NOW) as collector:
            endpoint = str(collector.otlp_grpc)
            await asyncio.to_thread(play, make_journeys(200, 7), endpoint, NOW, lambda: True)
            async with connect(str(collector.admin)) as client:
                sessions = (await client.sessions({}, 0))["sessions"]
            paths = ("/sessions", f"/session?id={worth_showing(sessions)}")
            return await _taken(dict(zip(HEIGHTS, paths, strict=True)), f"http://{collector.desk}")


async def _taken(paths: dict[str, str], desk: str) -> dict[str, bytes]:
    taken = {}
    async with async_playwright() as playwright:
        # No sandbox, for root has none; nothing but our own pages is opened.
        chromium = await playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox"]
        )
        for name, path in paths.items():
            page = await chromium.new_page(
                base_url=desk,
                color_scheme="light",
                timezone_id="UTC",
                viewport={"width": WIDTH, "height": HEIGHTS[name]},
            )
            await page.goto(path)
            taken[name] = await page.screenshot()
        await chromium.close()
    return taken


if __name__ == "__main__":
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "docs/pictures")
    for name, picture in asyncio.run(pictures()).items():
        (folder / name).write_bytes(picture)
