"""The whole way in one run: invited at the desk, through the form, reviewed, rejected, told."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.request import urlopen

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright
from tests.desk.inviting.test_inviting_browser import read_code
from tests.examples.test_form import CAMERA, FORM, PHONE, take
from tests.support.receivers import HttpReceiver, spans_of
from tests.support.running import enter_in_background, free_settings
from tests.support.waiting import PATIENCE, wait_until

from journeytrace_collector.process import Collector
from journeytrace_collector.settings import Address
from journeytrace_exporters.webhook_signature import verify

pytestmark = pytest.mark.proof

SECRET = "0123456789abcdef0123456789abcdef"
PERSONS = FORM.parent / "screening" / "persons.ftm.jsonl"
WORDS = "Somebody else of this name tried this twice."


def free_port() -> int:
    """Give a port that nobody listens on now."""
    with socket.create_server(("127.0.0.1", 0)) as door:
        port: int = door.getsockname()[1]
        return port


@contextmanager
def form_running(port: int, collector: Collector) -> Iterator[None]:
    """Run the form's server, as one would that has a collector elsewhere."""
    environment = {
        **os.environ,
        "JOURNEY_URL": f"http://{collector.public}/journey",
        "JOURNEYTRACE_BROWSER_KEY": f"a:{SECRET}",
        "OTEL_BSP_SCHEDULE_DELAY": "100",
        "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": f"http://{collector.otlp_http}/v1/traces",
    }
    command = [sys.executable, "-m", "uvicorn", "app:app", "--port", str(port)]
    child = subprocess.Popen([*command, "--log-level", "warning"], cwd=FORM, env=environment)

    def answers() -> bool:
        with socket.socket() as door:
            return door.connect_ex(("127.0.0.1", port)) == 0

    try:
        wait_until("the form's server", answers)
        yield
    finally:
        child.terminate()
        child.wait(PATIENCE)


@contextmanager
def chromium() -> Iterator[Browser]:
    """Run Debian's Chromium with a camera that shows a test picture."""
    program = shutil.which("chromium")
    if program is None:
        pytest.fail("Chromium is missing: apt-get install chromium", pytrace=False)
    with sync_playwright() as playwright:
        # Tests of a root have no sandbox; nothing but our own pages is opened.
        arguments = ["--no-sandbox", *CAMERA]
        browser = playwright.chromium.launch(executable_path=program, args=arguments)
        yield browser
        browser.close()


def walk(page: Page, link: str) -> None:
    """Open a link as the person who was invited, and fill in the form up to the hold."""
    page.goto(link)
    page.get_by_role("button", name="Begin").click()
    page.get_by_label("Name").fill("Ivan Sokolov")
    page.get_by_label("E-mail").fill("ivan@example.com")
    page.get_by_label("Year of birth").fill("1990")
    page.get_by_label("How this try goes").select_option("lookalike")
    page.get_by_role("button", name="Begin").click()
    take(page, "Your ID document")
    take(page, "Your face")
    page.get_by_text("Somebody will have a look at it").wait_for()


def test_from_an_invitation_to_a_signed_rejection(tmp_path: Path) -> None:
    """Who was invited is held, reviewed and rejected; webhook, trace, trail and report tell it."""
    form = free_port()
    public = Address("127.0.0.1", free_port())
    with enter_in_background() as enter, chromium() as browser:
        told = enter(HttpReceiver())
        hook = {"name": "core", "url": f"http://127.0.0.1:{told.port}/hook", "secret": SECRET}
        spans = {"endpoint": f"http://127.0.0.1:{told.port}", "protocol": "http/protobuf"}
        journey = {
            "name": "The form",
            "project": "example-form",
            "form": f"http://127.0.0.1:{form}/invited",
        }
        lists = [{"name": "invented", "path": PERSONS, "covers": ["pep", "sanctions"]}]
        settings = free_settings(
            tmp_path / "data",
            desk=Address("127.0.0.1", 0),
            public={
                "listen": public,
                "keys": {"a": {"key": SECRET}},
                "origins": [f"http://127.0.0.1:{form}"],
            },
            invitations={"url": f"http://{public}", "journeys": {"form": journey}},
            exporters={
                "webhook": {"endpoints": [hook], "allow_private_networks": True},
                "otlp": spans,
                "screening": {"local": {"lists": lists}},
            },
        )
        collector = enter(Collector(settings))
        with form_running(form, collector):
            review(browser, collector, told, tmp_path)


def review(browser: Browser, collector: Collector, told: HttpReceiver, folder: Path) -> None:
    """Invite, walk, review, and look at what is told of it."""
    desk = browser.new_page()
    desk.set_default_timeout(PATIENCE * 1000)
    desk.goto(f"http://{collector.desk}/new")
    desk.get_by_role("button", name="The form").click()
    link = read_code(browser, desk.get_by_role("img", name="QR code"))
    assert link == desk.locator(".address").text_content()
    session = desk.locator(".hint code").last.text_content() or ""

    phone = browser.new_context(viewport=PHONE)
    phone.set_default_timeout(PATIENCE * 1000)
    walk(phone.new_page(), link)
    phone.close()

    def page(path: str) -> str:
        return f"http://{collector.desk}{path}?id={session}"

    def screened() -> bool:
        desk.goto(page("/session/screening"))
        return desk.get_by_role("button", name="Clear: somebody else").count() > 0

    wait_until("a hit of the list", screened, pause=0.2)
    hit = desk.locator("details").filter(has_text="Ivan Sokolov").first
    hit.evaluate("details => details.open = true")
    desk.get_by_label("Why?").first.fill("Born in another year.")
    desk.get_by_role("button", name="Clear: somebody else").first.click()
    expect(desk.locator("main")).to_contain_text("Born in another year.")

    desk.goto(page("/session/verdict"))
    desk.get_by_label("Rejected by user").check()
    desk.get_by_label("Why, in your own words").fill(WORDS)
    desk.get_by_role("button", name="Change status").click()
    expect(desk.locator("main")).to_contain_text("Rejected by user")

    def news() -> dict[str, object] | None:
        for one in told.received:
            if one.path == "/hook" and b"decision_changed" in one.body:
                verify(SECRET, one.headers, one.body, time.time())
                found: dict[str, object] = json.loads(one.body)["session"]
                if found["decision"] == "REJECTED":
                    return found
        return None

    heard = wait_until("a signed webhook about it", news)
    assert (heard["decided_by"], heard["reason_text"]) == ("local", WORDS)
    assert heard["automatic_decision"] == "PENDING"

    def verdict_left() -> bool:
        batches = [one.request for one in told.received if one.path == "/v1/traces"]
        return any(span.name == "VERDICT_REJECTED" for span in spans_of(*batches))

    wait_until("the verdict's span", verdict_left)

    desk.goto(page("/session/audit"))
    for name in (
        "SESSION_INVITED",
        "INVITATION_OPENED",
        "PENDING",
        "SCREENING_ENDED",
        "SCREENING_HIT_CLEARED",
        "VERDICT_REJECTED",
    ):
        expect(desk.locator("tbody")).to_contain_text(name)

    desk.goto(page("/session/report"))
    desk.get_by_role("button", name="Issue").click()
    address = desk.get_by_role("link", name="Download").get_attribute("href")
    file = folder / "report.pdf"
    with urlopen(f"http://{collector.desk}{address}", timeout=PATIENCE) as answer:
        file.write_bytes(answer.read())
    text = subprocess.run(
        ["pdftotext", "-layout", file, "-"],
        capture_output=True,
        check=True,
        text=True,
        timeout=PATIENCE,
    ).stdout
    for part in ("Ivan Sokolov", "Born in another", WORDS):
        assert part in text
    assert "rejected" in text.lower()
