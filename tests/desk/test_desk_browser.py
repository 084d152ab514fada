"""The desk in a real browser: Debian's Chromium, over a real collector."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import (
    Browser,
    ConsoleMessage,
    Locator,
    Page,
    Response,
    expect,
)
from tests.desk.conftest import Desk, opened
from tests.desk.journeys import COUNT, LONG, NASTY, sessions
from tests.support.running import Enter
from tests.support.waiting import PATIENCE

FIRST = "018f3b5e-0000-7000-8000-000000000000"
REJECTED = "018f3b5e-0000-7000-8000-000000000001"
PHONE = {"width": 390, "height": 844}
PAGES = (
    "/overview?days=30&per=person",
    "/overview?project=nobody",
    "/diff?a=project%3Dacme&b=project%3Dglobex&all=yes",
    "/sessions?project=acme&decision=PENDING",
    "/sessions?decision=REJECTED&result=FAIL&project=globex",
    f"/session?id={REJECTED}",
    f"/session?id={NASTY[:5]}",
    f"/session/verdict?id={REJECTED}",
    f"/session/report?id={REJECTED}",
    f"/session/form?id={LONG}",
    f"/session/audit?id={REJECTED}",
    f"/session/tasks?id={REJECTED}",
    "/tasks?show=all",
    "/person?id=u-retry",
    "/projects",
    "/data?user=u-retry",
    "/erase?user=u-retry",
    "/help",
    "/nowhere",
)
DESK = {"width": 1280, "height": 900}
ALL = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


Open = Callable[..., Page]


@pytest.fixture
def open_page(browser: Browser, desk: Desk) -> Iterator[Open]:
    """Give a function that opens a page; nothing that Chromium complains of is let pass."""
    with pages(browser, desk.url) as opening:
        yield opening


@contextmanager
def pages(browser: Browser, url: str, *, close: bool = True) -> Iterator[Open]:
    """Open pages inside the block, each in a context of its own; `close`: these, at its end."""
    complaints: list[str] = []
    contexts = []

    def note(said: ConsoleMessage) -> None:
        # That an answer is an error is told, too, but is another test's business.
        if said.type in {"error", "warning"} and not said.text.startswith("Failed to load"):
            complaints.append(said.text)

    def opening(path: str, **options: Any) -> Page:
        context = browser.new_context(**({"timezone_id": "UTC", "base_url": url} | options))
        contexts.append(context)
        context.set_default_timeout(PATIENCE / 4 * 1000)
        page = context.new_page()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", note)
        page.goto(path)
        return page

    yield opening
    for context in contexts if close else ():
        context.close()
    assert complaints == []


def test_filters_apply_as_they_are_chosen(open_page: Open) -> None:
    """A choice changes list, counts and address at once; going back brings back what was."""
    page = open_page("/sessions")
    page.get_by_role("link", name="Rejected").click()
    page.get_by_text("Days, stage, reason").click()
    page.get_by_label("Highest stage").focus()
    page.get_by_label("Highest stage").select_option("POST")
    expect(page.locator("h1")).to_contain_text("20 match")
    assert page.url.endswith("/sessions?decision=REJECTED&stage=POST")
    expect(page.locator("tbody tr")).to_have_count(20)
    expect(page.get_by_label("Highest stage")).to_be_focused()
    page.go_back()
    expect(page.locator("h1")).to_contain_text("23 match")


def test_counts_are_made_good(open_page: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a page counted in haste is counted for longer as soon as it is there."""
    for name, rows in (("NEAR", 5), ("FEW", 0), ("FAR", 500)):
        monkeypatch.setattr(f"journeytrace_collector.store.listing.{name}", rows)
    monkeypatch.setattr("journeytrace_collector.store.sqlite.HASTE", 50)
    path = "/sessions?project=acme&stage=POST"
    plain = open_page(path, java_script_enabled=False)
    assert re.match(r"\d+\+ match", plain.locator("#found").text_content() or "")
    page = open_page(path)
    expect(page.locator("#found")).to_have_text("30 match")
    expect(page.locator(".choice[aria-current]").first).to_have_text("Any 30")


def test_a_wrong_filter_is_told(open_page: Open) -> None:
    """What the server refuses is shown as a page instead of nothing at all."""
    page = open_page("/sessions")
    page.get_by_text("Days, stage, reason").click()
    page.locator("#f-last").select_option("24h")
    page.wait_for_url("**last=24h")
    with page.expect_navigation():
        page.get_by_label("Created from this day").fill("2026-01-01")
    expect(page.locator("h1")).to_have_text("This address does not say what to show")


def test_keys_move_open_and_search(open_page: Open) -> None:
    """j and k go through the rows, Enter opens one, / searches, f finds a failure, ? helps."""
    page = open_page("/sessions?decision=REJECTED")
    for key, row in (("j", 0), ("j", 1), ("k", 0)):
        page.keyboard.press(key)
        expect(page.locator("tbody a.row").nth(row)).to_be_focused()
    page.keyboard.press("Enter")
    page.wait_for_url("**/session?id=*")
    page.keyboard.press("f")
    expect(page.locator("tr.bad a.row").first).to_be_focused()
    page.keyboard.press("/")
    page.keyboard.type("jk?/attempt-2")
    expect(page.get_by_role("searchbox").first).to_have_value("jk?/attempt-2")
    page.get_by_role("searchbox").first.fill("attempt-2")
    page.keyboard.press("Enter")
    page.wait_for_url("**/session?id=attempt-2")
    page.keyboard.press("?")
    page.wait_for_url("**/help")


def test_pages_follow_each_other(open_page: Open) -> None:
    """Older sessions are a link away, and the newest again."""
    page = open_page("/sessions")
    seen = []
    while True:
        seen += [row.get_attribute("href") for row in page.locator("tbody a.row").all()]
        if not page.get_by_role("link", name="Older sessions").count():
            break
        page.get_by_role("link", name="Older sessions").click()
        page.wait_for_load_state()
    assert len(seen) == len(set(seen)) == COUNT
    page.get_by_role("link", name="To the newest").click()
    expect(page.locator("tbody a.row").first).to_have_attribute("title", FIRST)


def test_the_cause_leads_to_its_event(open_page: Open) -> None:
    """A click on what stood in the way leads to its row; its attributes unfold there."""
    page = open_page(f"/session?id={REJECTED}")
    page.locator(".cause a").first.click()
    expect(page.locator("tr:target code").first).to_have_text("AGE_VERIFICATION")
    page.locator("td.meta summary").first.click()
    expect(page.locator("dl.pairs").first).to_contain_text("/id-front")
    expect(page.get_by_role("button", name="Copy as JSON").first).to_be_visible()


def test_everything_works_without_javascript(open_page: Open) -> None:
    """Filters, pages, detail, choice of events and search are links and forms."""
    page = open_page("/sessions", java_script_enabled=False)
    page.get_by_role("link", name="Rejected").click()
    page.get_by_label("Text").fill("u-retry")
    page.get_by_role("button", name="Show").click()
    assert page.url.endswith("/sessions?decision=REJECTED&search=u-retry")
    page.locator("tbody a.row").first.click()
    assert "attempt-3" in page.url
    assert page.locator("th .zone").first.text_content() == "UTC"
    page.get_by_role("link", name=re.compile("Failed or in the way")).click()
    assert page.locator("tbody tr").count() == 2
    page.get_by_placeholder("find in the events").fill("age_ver")
    page.get_by_role("button", name="Find").click()
    assert page.locator("tbody tr").count() == 2
    page.get_by_role("link", name="u-retry").click()
    assert page.locator(".attempts li").count() == 4


def test_times_are_those_of_the_viewer(open_page: Open) -> None:
    """They stand in the viewer's zone, and in UTC in the title."""
    page = open_page(f"/session?id={REJECTED}", timezone_id="Asia/Seoul")
    shown = page.locator("td.clock time").first
    utc = shown.get_attribute("title") or ""
    hour = (int(utc[11:13]) + 9) % 24
    expect(shown).to_have_text(re.compile(f"^{hour:02}:{utc[14:19]}"))
    expect(page.locator("th .zone").first).to_have_text("GMT+9")


@pytest.mark.parametrize(
    ("scheme", "size", "rules"),
    [("light", DESK, ALL), ("light", PHONE, ALL), ("dark", DESK, ["color-contrast"])],
    ids=["desk", "phone", "dark"],
)
def test_nothing_keeps_anybody_out(
    open_page: Open, scheme: Any, size: Any, rules: list[str]
) -> None:
    """axe finds nothing on any page: no colours too faint, no target too small, no name missing."""
    page = open_page("/help", viewport=size, color_scheme=scheme)
    for path in PAGES:
        page.goto(path)
        found = Axe().run(page, options={"runOnly": rules, "resultTypes": ["violations"]})
        assert found.violations_count == 0, f"{path}: {found.generate_report()}"


def test_a_phone_shows_all_of_it(open_page: Open) -> None:
    """No page is wider than the screen."""
    page = open_page("/help", viewport=PHONE)
    for path in (*PAGES, "/sessions", f"/session?id={LONG}"):
        page.goto(path)
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"], path


def test_dark_is_dark(open_page: Open) -> None:
    """The page follows the system's scheme."""
    colours = [
        open_page("/sessions", color_scheme=scheme).evaluate(
            "getComputedStyle(document.body).backgroundColor"
        )
        for scheme in ("light", "dark")
    ]
    assert colours == ["rgb(251, 251, 250)", "rgb(21, 24, 26)"]


def test_what_is_new_is_told_and_not_pushed_in(
    browser: Browser, entering: Enter, tmp_path: Path
) -> None:
    """At the head of a list a new session becomes a line, and a row once that is clicked; rows
    that are shown change where they stand; an open session goes on."""
    desk = opened(entering, tmp_path / "data", sessions(time.time_ns())[:20])
    with pages(browser, desk.url) as opening:
        page = opening("/sessions", timezone_id="Asia/Seoul")
        rows = page.locator("#rows tr")
        before, newest = rows.count(), rows.first
        place, created = newest.bounding_box(), newest.locator("time").first.text_content()
        newest.locator("a.row").focus()
        desk.send("SESSION_CREATED", "brand new")
        desk.send("ERROR_PAGE_VIEWED", FIRST, journey__error__code="service-blocked")
        desk.send("REJECTED", FIRST, journey__reason="AGE_VERIFICATION")
        # What is asked every five seconds can be asked at once.
        page.evaluate("htmx.trigger('#live', 'every')")
        expect(page.locator("#news a")).to_have_text("1 new session")
        expect(newest).to_contain_text("REJECTED")
        expect(newest).to_contain_text("AGE_VERIFICATION")
        expect(newest).to_contain_text("service-blocked")
        expect(newest.locator("a.row")).to_be_focused()
        assert newest.locator("time").first.text_content() == created
        assert (rows.count(), newest.bounding_box()) == (before, place)
        page.locator("#news a").click()
        expect(rows.first.locator("a.row")).to_have_text("brand new")
        expect(rows).to_have_count(before + 1)
        expect(page.locator("#found")).to_have_text(f"{before + 1} in all")
        expect(page.locator("#news a")).to_have_count(0)
        rows.first.locator("a.row").click()
        expect(page.locator(".living")).to_be_visible()
        desk.send("STEP_VIEW", "brand new", path="/selfie")
        page.evaluate("htmx.trigger('#live', 'every')")
        expect(page.locator("table.events tbody tr")).to_have_count(3)
        step = page.locator("tr", has_text="STEP_VIEW")
        step.locator("td.meta summary").click()
        desk.send("ERROR_PAGE_VIEWED", "brand new")
        page.evaluate("htmx.trigger('#live', 'every')")
        expect(page.locator(".cause h2")).to_contain_text("The user ended on an error page")
        expect(step.locator("dl.pairs")).to_be_visible()


@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
def test_new_rows_come_in_above_what_is_read(
    browser: Browser, entering: Enter, tmp_path: Path, size: Any
) -> None:
    """In the middle of a list new sessions come in on top by themselves, what no longer matches
    stays, and nothing on the screen moves; a page that is hidden asks for nothing."""
    desk = opened(entering, tmp_path / "data", sessions(time.time_ns()))
    with pages(browser, desk.url) as opening:
        page = opening("/sessions?project=acme", viewport=size)
        rows = page.locator("#rows tr")
        last = rows.nth(40)
        last.scroll_into_view_if_needed()
        place, before = at(last), rows.count()
        for number in range(3):
            desk.send("SESSION_CREATED", f"brand new {number}", journey__project__id="acme")
        gone = rows.nth(5).locator("a.row").get_attribute("title") or ""
        desk.send("STEP_VIEW", gone, journey__project__id="elsewhere")
        with asked(page) as answers:
            hide = "Object.defineProperty(document, 'hidden', {value: true, writable: true})"
            page.evaluate(hide)
            page.evaluate("htmx.trigger('#live', 'every')")
            page.evaluate("document.hidden = false")
            page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
            expect(rows).to_have_count(before + 3)
        assert answers == [200]
        assert rows.first.locator("a.row").text_content() == "brand new 2"
        assert rows.nth(8).locator("a.row").get_attribute("title") == gone
        # A page scrolls by whole pixels.
        assert abs(at(rows.nth(43)) - place) < 1
        expect(page.locator("#news a")).to_have_count(0)


def at(row: Locator) -> float:
    """Give where on the screen a row begins, in pixels from its upper edge."""
    place = row.bounding_box()
    assert place is not None
    return place["y"]


@contextmanager
def asked(page: Page) -> Iterator[list[int]]:
    """Note the answers to what a list asks for while it is open."""
    answers: list[int] = []

    def note(response: Response) -> None:
        if "/sessions/live" in response.url:
            answers.append(response.status)

    page.on("response", note)
    yield answers
    page.remove_listener("response", note)


def test_forms_work_without_javascript(browser: Browser, entering: Enter, tmp_path: Path) -> None:
    """A browser hands a person's data over, chooses a period and erases, and says what it did."""
    changed = opened(entering, tmp_path / "data", sessions(time.time_ns()))
    with pages(browser, changed.url) as opening:
        page = opening("/person?id=u-retry", java_script_enabled=False, viewport=PHONE)
        page.get_by_role("link", name="this user").click()
        page.get_by_label("What for").fill("a request for access")
        with page.expect_download() as download:
            page.get_by_role("button", name="Export as JSON").click()
        assert '"complete":true' in download.value.path().read_text()
        page.get_by_role("link", name="Erase…").click()
        page.get_by_label("Type the user id").fill("u-retr")
        page.get_by_role("button", name="Erase for good").click()
        expect(page.get_by_role("alert")).to_contain_text("nothing was erased")
        page.get_by_label("Type the user id").fill("u-retry")
        page.get_by_role("button", name="Erase for good").click()
        expect(page.locator("h1")).to_have_text("Erased: 4 sessions")
        page.get_by_role("link", name="Admin").click()
        expect(page.locator("tbody tr")).to_have_count(8)
        page.get_by_role("link", name="Projects", exact=True).click()
        row = page.locator("tr", has_text="globex")
        row.get_by_label("Days that new sessions").select_option("365")
        row.get_by_role("button").click()
        expect(page.locator(".changes")).to_contain_text("globex: 30 days before, 365 days now")
