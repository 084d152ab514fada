"""The form to try, in a real browser with a camera that is none: what both sides recorded."""

from __future__ import annotations

import json
import re
import shutil
import signal
import subprocess
import sys
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, ViewportSize, expect, sync_playwright
from tests.support.waiting import PATIENCE, Lines, wait_until

from journeytrace.identity import trace_id

FORM = Path(__file__).parents[2] / "examples" / "form"
CAMERA = ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]
PHONE: ViewportSize = {"width": 390, "height": 844}
DAY_MS = 86_400_000
JITTER = timedelta(milliseconds=500)
"""By which the ways of two of the page's requests may differ, which nobody can tell."""

BEGUN = [
    "SESSION_CREATED",
    "FRONT_SESSION_START",
    "STEP_VIEW",
    "CREATE_FLOW",
    "IP_RISK_CHECK",
    "FLOW_ID_ISSUED",
    "STEP1_ENTERED",
    "STEP_VIEW",
    "CAMERA_REQUESTED",
    "CAMERA_ACTIVATED",
    "SUBMIT_STEP1",
    "ID_RECOGNITION",
]
APPROVED = [
    *BEGUN,
    "AGE_VERIFICATION",
    "SUBMISSION_CREATED",
    "STEP1_COMPLETED",
    "STEP2_ENTERED",
    "STEP1_RESULT",
    "STEP_VIEW",
    "CAMERA_REQUESTED",
    "CAMERA_ACTIVATED",
    "SUBMIT_STEP2",
    "FACE_COMPARE",
    "APPROVED",
    "STEP2_COMPLETED",
    "STEP2_RESULT",
    "FINAL_PAGE_VIEW",
]
REFUSED = [
    *BEGUN,
    "STEP1_RESULT",
    "TIP_DIALOG_SHOWN",
    "ID_DOCUMENT_RETRY",
    "SUBMIT_STEP1",
    "ID_RECOGNITION",
    "REJECTED",
    "STEP1_RESULT",
    "ERROR_PAGE_VIEWED",
]


@dataclass(frozen=True)
class Running:
    """The form as it runs."""

    url: str
    desk: str
    admin: str

    def session(self, email: str, expected: list[str]) -> dict[str, Any]:
        """Wait until these events have come; give the one session of this address with all."""

        def look() -> dict[str, Any] | None:
            sessions = self._ask(f"sessions?search={email}")["sessions"]
            if not sessions:
                return None
            (only,) = sessions
            place = f"sessions/{only['session_id']}"
            told = self._ask(f"{place}/events")["events"]
            # Lists are searched as soon as a name is known, whenever that is.
            events = [event for event in told if not event["name"].startswith("SCREENING_")]
            all_there = Counter(expected) <= Counter(event["name"] for event in events)
            # Asked after them, so that it knows them.
            return self._ask(place) | {"events": events} if all_there else None

        return wait_until(f"these in the collector: {expected}", look, pause=0.1)

    def _ask(self, what: str) -> Any:
        with urllib.request.urlopen(f"{self.admin}/api/v1/{what}", timeout=PATIENCE) as answer:  # noqa: S310 - our own
            return json.load(answer)


@pytest.fixture(scope="module")
def form() -> Iterator[Running]:
    """Run the form with its collector, as `make example` does."""
    child = subprocess.Popen(
        [sys.executable, "run.py"],
        cwd=FORM,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    lines = Lines(child.stdout)
    try:
        found = [lines.find(rf"{word}\W.*(http://\S+)") for word in ("form", "desk", "terminal")]
        assert all(found), lines.text()
        yield Running(*(match[1] for match in found if match))
        child.send_signal(signal.SIGINT)
        assert child.wait(PATIENCE) == 0, lines.text()
        told = lines.text()
        assert told.endswith("Ctrl-C ends it.\n"), told
    finally:
        child.kill()
        child.wait(PATIENCE)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Give Debian's Chromium with a camera that shows a test picture."""
    program = shutil.which("chromium")
    if program is None:
        pytest.fail("Chromium is missing: apt-get install chromium", pytrace=False)
    with sync_playwright() as playwright:
        # Tests of a root have no sandbox; nothing but our own pages is opened.
        arguments = ["--no-sandbox", *CAMERA]
        browser = playwright.chromium.launch(executable_path=program, args=arguments)
        yield browser
        browser.close()


@pytest.fixture
def opened(browser: Browser, form: Running) -> Iterator[Callable[[int], Page]]:
    """Give a function that opens the form with a clock that is some days off."""
    complaints: list[str] = []
    contexts = []

    def opening(days: int) -> Page:
        context = browser.new_context(viewport=PHONE)
        contexts.append(context)
        context.set_default_timeout(PATIENCE / 4 * 1000)
        shift = f"const now = Date.now; Date.now = () => now() + {days * DAY_MS};"
        context.add_init_script(shift)
        page = context.new_page()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        # Among them what the Content Security Policy forbids.
        page.on("console", lambda said: complaints.append(said.text))
        answer = page.goto(form.url)
        assert answer
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        return page

    yield opening
    for context in contexts:
        context.close()
    assert complaints == []


def begin(page: Page, email: str, scenario: str) -> None:
    """Fill in the first screen."""
    page.get_by_label("Name").fill("Ann Example")
    page.get_by_label("E-mail").fill(email)
    page.get_by_label("Year of birth").fill("1990")
    page.get_by_label("How this try goes").select_option(scenario)
    page.get_by_role("button", name="Begin").click()


def take(page: Page, what: str) -> None:
    """Take a picture on a screen, as soon as the camera is on."""
    page.get_by_role("heading", name=what).wait_for()
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    page.get_by_role("button", name="Take the picture").click()


def check_order(events: list[dict[str, Any]], expected: list[str]) -> None:
    """Check that these happened and no others, in this order; what one clock saw exactly so."""
    names = [event["name"] for event in events]
    assert Counter(names) == Counter(expected)
    served = {event["name"] for event in events if event["source"] == "BE"}
    assert [name for name in names if name in served] == [n for n in expected if n in served]
    times: dict[str, list[datetime]] = {}
    for event in events:
        times.setdefault(event["name"], []).append(datetime.fromisoformat(event["at"]))
    latest = times[expected[0]][0]
    for name in expected:
        at = times[name].pop(0)
        assert at > latest - JITTER, (name, [(event["name"], event["at"]) for event in events])
        latest = max(latest, at)


def check_sides(session: dict[str, Any]) -> None:
    """Check that both sides recorded, in one trace."""
    assert session["trace_id"] == trace_id(session["session_id"]).hex()
    assert {(event["source"], event["service"]) for event in session["events"]} == {
        ("FE", "browser"),
        ("BE", "form-api"),
    }
    assert session["project_id"] == "example-form"


def test_an_applicant_is_approved(form: Running, opened: Callable[[int], Page]) -> None:
    """Both sides of a journey to APPROVED are in one trace, in order, with a clock of tomorrow."""
    page = opened(1)
    begin(page, "good@example.com", "good")
    take(page, "Your ID document")
    take(page, "Your face")
    page.get_by_role("heading", name="That is you").wait_for()

    session = form.session("good@example.com", APPROVED)
    check_order(session["events"], APPROVED)
    check_sides(session)
    assert (session["status"], session["decision"]) == ("COMPLETED", "APPROVED")
    assert [event["error_code"] for event in session["events"] if event["error_code"]] == []


def test_an_applicant_ends_on_the_error_page(form: Running, opened: Callable[[int], Page]) -> None:
    """A retake that is no better leads to the error page, whose support code finds why; with a
    clock of yesterday."""
    page = opened(-1)
    begin(page, "unreadable@example.com", "unreadable")
    take(page, "Your ID document")
    page.get_by_role("dialog").get_by_role("button", name="Once more").click()
    take(page, "Your ID document")
    page.get_by_role("heading", name="This did not work out").wait_for()
    assert page.url.endswith("/error/QS-10001")

    session = form.session("unreadable@example.com", REFUSED)
    check_order(session["events"], REFUSED)
    check_sides(session)
    assert (session["status"], session["decision"]) == ("ERROR", "REJECTED")
    assert session["reason"] == "RETRY_EXHAUSTED"
    expect(page.locator("#support-code")).to_have_text(session["support_code"])
    expect(page.locator("#error-code")).to_have_text("QS-10001")
    (shown,) = [e for e in session["events"] if e["name"] == "ERROR_PAGE_VIEWED"]
    assert shown["error_code"] == "QS-10001"

    page.get_by_role("link", name="Once more").click()
    page.get_by_role("button", name="Begin").wait_for()


def test_the_page_shows_a_journey_as_it_is() -> None:
    """The trace in the README has the events of one that ends on the error page."""
    page = (FORM / "README.md").read_text("utf-8")
    shown = re.findall(r"^\+\S+ +(?:BE|FE) +[A-Z_0-9]+ +([A-Z_0-9]+)", page, re.MULTILINE)
    assert Counter(shown) == Counter(REFUSED)


def test_somebody_who_was_invited(
    browser: Browser, form: Running, opened: Callable[[int], Page]
) -> None:
    """A link of the desk leads to the form, which goes on with the session that was invited."""
    desk = browser.new_page()
    desk.goto(f"{form.desk}/new")
    desk.get_by_role("button", name="A form to try").click()
    link = desk.locator(".address").text_content() or ""
    text = desk.locator(".hint code").last.text_content()
    desk.close()

    page = opened(0)
    page.goto(link)
    page.get_by_role("button", name="Begin").click()
    page.get_by_role("heading", name="Who are you?").wait_for()
    assert page.url == f"{form.url}/"
    begin(page, "invited@example.com", "lookalike")
    take(page, "Your ID document")
    take(page, "Your face")
    page.get_by_text("Somebody will have a look at it").wait_for()
    happened = ["SESSION_INVITED", "INVITATION_OPENED", "SESSION_CREATED", "PENDING"]
    session = form.session("invited@example.com", [*happened, "FINAL_PAGE_VIEW"])
    assert (session["session_id"], session["decision"]) == (text, "PENDING")
    names = [event["name"] for event in session["events"]]
    assert [name for name in names if name in happened] == happened
