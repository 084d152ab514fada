"""Two thousand demo sessions, in a browser, over each of the stores."""

from __future__ import annotations

import asyncio
import time
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from playwright.sync_api import Browser, expect
from pydantic import SecretStr
from tests.desk.conftest import started
from tests.desk.test_desk_browser import browser, pages  # noqa: F401 - a fixture
from tests.support.running import Enter, free_settings

from journeytrace.catalogue import builtin_catalogue
from journeytrace.conventions import Decision, Impact, Status
from journeytrace_collector.cli.client import connect
from journeytrace_collector.demo.journeys import make_journeys
from journeytrace_collector.demo.replay import play
from journeytrace_collector.process import Collector
from journeytrace_collector.settings import Address

SESSIONS = 2_000
ASKED: list[dict[str, str]] = [
    {},
    *({"status": one.value} for one in Status),
    *({"decision": one} for one in (*Decision.__members__, "NONE")),
    *({"impact": one.value} for one in (Impact.BLOCKED, Impact.RETAKE, Impact.PENDING)),
    *({"stage": one} for one in builtin_catalogue().ordered_stages),
    {"project": "acme-kyc", "status": "DROPPED"},
    {"reason": "SELFIE_DUPLICATE"},
    {"error_code": "QS-10001"},
    {"event": "IP_RISK_CHECK", "result": "FAIL"},
    {"event": "FINAL_PAGE_VIEW", "source": "FE", "decision": "REJECTED"},
    {"search": "u-1", "field": "user_id"},
    {"last": "24h"},
    {"until": "2020-01-01"},
]


@pytest.mark.proof
@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_two_thousand_sessions(
    browser: Browser,  # noqa: F811
    entering: Enter,
    request: pytest.FixtureRequest,
    tmp_path: Path,
    kind: str,
) -> None:
    """Each filter shows, page by page, what the API lists; details open; a new one is told."""
    settings: dict[str, Any] = {"desk": Address("127.0.0.1", 0)}
    if kind == "postgresql":
        settings["store"] = SecretStr(request.getfixturevalue("server").fresh())
    collector: Collector = entering(Collector(free_settings(tmp_path / "data", **settings)))
    journeys = make_journeys(SESSIONS, 7)
    play(journeys, str(collector.otlp_grpc), time.time_ns(), lambda: True)
    desk = started(collector)
    with pages(browser, desk) as opening:
        for asked in ASKED:
            wanted = listed(str(collector.admin), asked)
            page = opening(f"/sessions?{urlencode(asked)}")
            number = f"{len(wanted)}" if len(wanted) <= 1_000 else "1,000+"
            expect(page.locator("h1 small")).to_contain_text(f"{number} ")
            found: list[str | None] = []
            while True:
                rows = page.locator("tbody a.row")
                found += [row.get_attribute("title") for row in rows.all()]
                following = page.get_by_role("link", name="Older sessions")
                further = page.get_by_role("link", name="Look further back")
                if not following.count() + further.count():
                    break
                following.or_(further).click()
                page.wait_for_load_state()
            assert found == wanted, asked
            if found:
                page.goto(f"/session?id={found[-1]}")
                expect(page.locator("table.events tbody tr").first).to_be_visible()
            page.context.close()
        page = opening("/sessions")
        desk.send("SESSION_CREATED", "brand new")
        page.evaluate("htmx.trigger('#news', 'every')")
        expect(page.locator("#news a")).to_have_text("1 new session")


def listed(admin: str, asked: dict[str, str]) -> list[str]:
    """Ask the API for the ids of all sessions that these filters leave."""
    given = dict(asked)
    if given.pop("last", None):
        given["since"] = f"{time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime(time.time() - 86_400))}"

    async def ask() -> list[str]:
        async with connect(admin) as client:
            answer = await client.sessions(given, 0)
            return [unescape(one["session_id"]) for one in answer["sessions"]]

    return asyncio.run(ask())
