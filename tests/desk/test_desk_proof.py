"""Two thousand demo sessions, in a browser, over each of the stores."""

from __future__ import annotations

import json
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from playwright.sync_api import Browser, expect
from pydantic import SecretStr
from tests.desk.conftest import opened
from tests.desk.test_desk_browser import pages
from tests.support.events import SECOND, event
from tests.support.running import Enter
from tests.support.waiting import PATIENCE

from journeytrace.catalogue import builtin_catalogue
from journeytrace.conventions import Decision, Impact, Status
from journeytrace_collector.core.model import Event
from journeytrace_collector.demo.journeys import make_journeys

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
@pytest.mark.timeout(900)
@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_two_thousand_sessions(
    browser: Browser,
    entering: Enter,
    request: pytest.FixtureRequest,
    tmp_path: Path,
    kind: str,
) -> None:
    """Each filter shows, page by page, what the API lists; details open; a new one is told."""
    settings: dict[str, Any] = {}
    if kind == "postgresql":
        settings["store"] = SecretStr(request.getfixturevalue("server").fresh())
    now = time.time_ns()
    # Time stands still: nothing is dropped between a list and what it is compared with.
    desk = opened(entering, tmp_path / "data", list(played(now)), clock=lambda: now, **settings)
    with pages(browser, desk.url) as opening:
        for asked in ASKED:
            wanted = listed(desk.admin, asked)
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
        page.evaluate("htmx.trigger('#live', 'every')")
        expect(page.locator("#news a")).to_have_text("1 new session")


def played(now: int) -> Iterator[Event]:
    """Give the events of the demo's journeys, as the collector would store them."""
    for journey in make_journeys(SESSIONS, 7):
        person = journey.person
        start = now - round((journey.ended_ago + journey.length) * SECOND)
        known = {"project_id": person.project, "user_id": person.user_id, "email": person.email}
        for step in journey.steps:
            fields: dict[str, Any] = dict(known) if step is journey.steps[0] else {}
            if step.passed is not None:
                fields["result"] = "PASS" if step.passed else "FAIL"
            yield event(
                str(step.event),
                start + round(step.at * SECOND),
                session_id=person.session_id,
                duration=round(step.took * SECOND),
                error_code=step.error_code,
                reason=step.reason.value if step.reason else None,
                metadata=json.dumps(dict(step.attributes)),
                **fields,
            )


def listed(admin: str, asked: dict[str, str]) -> list[str]:
    """Ask the API for the ids of all sessions that these filters leave."""
    given = dict(asked)
    if given.pop("last", None):
        given["since"] = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - 86_400))

    found: list[str] = []
    given["limit"] = "1000"
    while True:
        address = f"http://{admin}/api/v1/sessions?{urlencode(given)}"
        with urllib.request.urlopen(address, timeout=PATIENCE) as answer:
            page = json.load(answer)
        found += [one["session_id"] for one in page["sessions"]]
        if page["next_cursor"] is None:
            return found
        given["cursor"] = page["next_cursor"]
