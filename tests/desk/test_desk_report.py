"""The report of a session at the desk: issued, shown, handed out, and who may have it."""

from __future__ import annotations

import hashlib
import http.client
import json
import re
import time
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, expect
from tests.desk.conftest import Desk, opened
from tests.desk.people import PEOPLE, SitDown, seat
from tests.desk.test_desk_browser import pages
from tests.support.events import MINUTE, event
from tests.support.reported import reviewed
from tests.support.running import Enter
from tests.support.waiting import PATIENCE

from journeytrace_collector.report.checking import check
from journeytrace_collector.settings.report import Report

__all__ = ["seat"]

NAMES = ("shown", "again", "changed", "viewer", "browser", "plain")


@pytest.fixture(scope="module")
def desk(entering: Enter, tmp_path_factory: pytest.TempPathFactory) -> Desk:
    """A desk with a session for each test."""
    data = tmp_path_factory.mktemp("reports") / "data"
    now = time.time_ns() - 60 * MINUTE
    events = [one for name in NAMES for one in reviewed(now, session_id=name)]
    return opened(entering, data, events)


def page(name: str) -> str:
    """Give the address of the tab of a session."""
    return f"/session/report?id={name}"


def issue(desk: Desk, name: str) -> str:
    """Issue the report of a session; gives the address of the file."""
    reply = desk.post(page(name), {})
    assert (reply.status, reply.headers["location"]) == (303, page(name))
    file = re.search(r'data-src="([^"]+)"', desk.get(page(name)).text)
    assert file is not None
    return file[1].replace("&amp;", "&")


def fetched(desk: Desk, path: str) -> tuple[int, dict[str, str], bytes]:
    """Fetch a file, as bytes."""
    connection = http.client.HTTPConnection(urlsplit(desk.url).netloc, timeout=PATIENCE)
    try:
        connection.request("GET", path)
        reply = connection.getresponse()
        headers = {key.lower(): value for key, value in reply.getheaders()}
        return reply.status, headers, reply.read()
    finally:
        connection.close()


def deeds(desk: Desk, name: str) -> list[dict[str, str]]:
    """Give the reports that a session says were issued."""
    connection = http.client.HTTPConnection(desk.admin, timeout=PATIENCE)
    try:
        connection.request("GET", f"/api/v1/sessions/{name}/events?source=OP")
        events = json.load(connection.getresponse())["events"]
    finally:
        connection.close()
    return [one["attributes"] for one in events if one["name"] == "REPORT_ISSUED"]


def test_nothing_is_shown_before_it_is_issued(desk: Desk) -> None:
    """The tab offers to issue; then the file is there, on record with its hash and who had it."""
    before = desk.get(page("shown"))
    assert "Issue the report" in before.text
    assert "not signed, for no key is configured" in before.text
    assert "report.pdf" not in before.text
    assert deeds(desk, "shown") == []
    assert desk.get("/session/report.pdf?id=shown&sha256=" + "0" * 64).status == 409
    status, headers, pdf = fetched(desk, issue(desk, "shown"))
    assert (status, headers["content-type"]) == (200, "application/pdf")
    assert re.fullmatch(r'inline; filename="report-\w{8}.pdf"', headers["content-disposition"])
    assert check(pdf, None).verified
    digest = hashlib.sha256(pdf).hexdigest()
    assert deeds(desk, "shown") == [
        {
            "journey.actor.id": "local",
            "journey.private.address": "127.0.0.1",
            "journey.report.sha256": digest,
        }
    ]


def test_looking_again_gives_the_same_bytes(desk: Desk) -> None:
    """The same file, which nobody has issued a second time."""
    file = issue(desk, "again")
    assert fetched(desk, file)[2] == fetched(desk, file)[2]
    assert issue(desk, "again") == file
    assert len(deeds(desk, "again")) == 1


def test_a_session_that_has_changed_has_another_report(desk: Desk) -> None:
    """The old one is not shown any more, but told; the new one has to be issued."""
    old = issue(desk, "changed")
    desk.send("STEP_VIEW", "changed")
    assert desk.get(old).status == 409
    assert "Issue it again" in desk.get(page("changed")).text
    assert issue(desk, "changed") != old
    assert len(deeds(desk, "changed")) == 2
    told = desk.get(page("changed")).text
    assert all(one["journey.report.sha256"] in told for one in deeds(desk, "changed"))


def test_it_is_for_analysts(desk: Desk, seat: SitDown) -> None:
    """Whoever may only look has no tab and no file, and issues nothing."""
    file = issue(desk, "viewer")
    seat(PEOPLE["viewer"])
    assert page("viewer") not in desk.get("/session?id=viewer").text
    for path in (page("viewer"), file):
        assert desk.get(path).status == 403
    assert desk.post(page("viewer"), {}).status == 403
    seat(PEOPLE["analyst"])
    assert page("viewer") in desk.get("/session?id=viewer").text.replace("&amp;", "&")
    assert desk.get(file).status == 200


def test_only_this_page_has_a_frame_and_only_the_desk_frames_it(desk: Desk) -> None:
    """`frame-src` stands on the tab alone, and the file lets itself be framed by the desk alone."""
    file = issue(desk, "plain")
    policy = "content-security-policy"
    assert "frame-src 'self'" in desk.get(page("plain")).headers[policy]
    assert "frame-ancestors 'none'" in desk.get(page("plain")).headers[policy]
    assert "frame-src" not in desk.get("/session?id=plain").headers[policy]
    assert "frame-ancestors 'self'" in fetched(desk, file)[1][policy]
    assert "frame-ancestors 'none'" in desk.get("/session?id=plain").headers[policy]


def test_what_is_missing_is_told(entering: Enter, tmp_path: Path) -> None:
    """Where no font has a character, the tab names it and the setting; the file is a 501."""
    name = [event("STEP_VIEW", time.time_ns(), metadata='{"form.name":"김"}', session_id="s")]
    desk = opened(entering, tmp_path / "data", name, report=Report(fonts=()))
    told = desk.get(page("s")).text
    assert "HANGUL SYLLABLE GIM" in told
    assert "report.fonts" in told
    assert desk.post(page("s"), {}).status == 501
    assert deeds(desk, "s") == []


def test_the_extra_is_named_where_it_is_missing(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without typst, the tab says what to install."""
    monkeypatch.setattr("journeytrace_collector.report.typeset.find_spec", lambda _: None)
    desk.send("STEP_VIEW", "plain")
    assert "pip install &#39;journeytrace[report]&#39;" in desk.get(page("plain")).text


def test_the_browser_shows_it(browser: Browser, desk: Desk) -> None:
    """After one click it stands in the page, in the browser's own viewer, with a link to it."""
    with pages(browser, desk.url) as open_page:
        shown = open_page(page("browser"))
        assert shown.evaluate("navigator.pdfViewerEnabled") is True
        with shown.expect_response("**/session/report.pdf?*") as answered:
            shown.get_by_role("button", name="Issue").click()
        assert answered.value.status == 200
        expect(shown.locator("iframe")).to_be_visible()
        expect(shown.locator("#no-viewer")).to_be_hidden()
        with shown.expect_download() as download:
            shown.get_by_role("link", name="Download").click()
        assert check(Path(download.value.path()).read_bytes(), None).verified


def test_a_browser_without_a_viewer_has_a_link(browser: Browser, desk: Desk) -> None:
    """It is offered the file, and nothing is downloaded unasked."""
    issue(desk, "browser")
    with pages(browser, desk.url) as open_page:
        shown = open_page("/help")
        shown.add_init_script(
            "Object.defineProperty(Navigator.prototype, 'pdfViewerEnabled', {value: false})"
        )
        shown.goto(page("browser"))
        expect(shown.get_by_text("This browser shows no PDF in a page")).to_be_visible()
        expect(shown.locator("iframe")).to_have_count(0)
