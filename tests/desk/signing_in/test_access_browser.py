"""Signing in and out in a real browser: Debian's Chromium, a real provider."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, Playwright, Request, expect
from tests.desk.signing_in.conftest import World
from tests.desk.test_desk_browser import pages
from tests.support.browsing import launched

from journeytrace_desk.access.gate import UNASKED
from journeytrace_desk.access.sessions import COOKIE

Open = Callable[[str], Page]


@pytest.fixture
def open_page(browser: Browser, world: World) -> Iterator[Open]:
    """Give a function that opens a page; nothing that Chromium complains of is let pass."""
    with pages(browser, world.url) as opening:
        yield opening


@pytest.fixture
def open_kept(playwright: Playwright, world: World) -> Iterator[Open]:
    """The same in a Chromium that keeps pages whole to go back to."""
    with (
        launched(playwright, keeps_pages=True) as browser,
        pages(browser, world.url, close=False) as opening,
    ):
        yield opening


def test_a_round_trip(open_kept: Open) -> None:
    """Sign in, see the list, sign out; what was seen is not to be had by going back."""
    page = open_kept("/sessions?decision=REJECTED")
    expect(page.locator("h1")).to_have_text("You are not signed in")
    assert Axe().run(page).violations_count == 0
    page.get_by_role("link", name="Sign in").click()
    page.wait_for_url("**/sessions?decision=REJECTED")
    expect(page.locator("tbody tr").first).to_be_visible()
    expect(page.locator("header .name")).to_have_text("ann@example.com")
    (cookie,) = page.context.cookies()
    assert (cookie["name"], cookie["httpOnly"], cookie["secure"]) == (COOKIE, True, True)
    page.locator("tbody a.row").first.click()
    page.wait_for_url("**/session?id=*")
    page.get_by_role("button", name="Sign out").click()
    expect(page.locator("h1")).to_have_text("You are signed out")
    assert page.context.cookies() == []
    for path in ("session", "sessions"):
        _go_back(page)
        page.wait_for_url(f"**/{path}?*")
        expect(page.locator("h1")).to_have_text("You are not signed in")
        assert page.locator("tbody, .find").count() == 0
    assert Axe().run(page).violations_count == 0


def test_going_back_shows_nothing_after_it_is_over(open_kept: Open, world: World) -> None:
    """A page that the browser has kept is asked for again, and is not to be had."""
    page = open_kept("/sessions")
    page.get_by_role("link", name="Sign in").click()
    expect(page.locator("tbody tr").first).to_be_visible()
    page.get_by_role("link", name="Help").click()
    page.wait_for_url("**/help")
    world.clock.advance(31 * 60)
    _go_back(page)
    page.wait_for_url("**/sessions")
    expect(page.locator("h1")).to_have_text("You are not signed in")


def _go_back(page: Page) -> None:
    # Not by Playwright, which waits for a page to load that is there already.
    page.evaluate("setTimeout(() => history.back())")


def test_a_page_says_that_it_is_over(open_page: Open, world: World) -> None:
    """What asks by itself finds out; what was shown goes, nothing asks on, a link leads back."""
    page = open_page("/sessions?decision=REJECTED")
    page.clock.install()
    page.get_by_role("link", name="Sign in").click()
    expect(page.locator("tbody tr").first).to_be_visible()
    asked: list[str | None] = []

    def note(request: Request) -> None:
        # A picture that comes late is nothing that the page asks again and again.
        if request.resource_type in {"fetch", "xhr", "document"}:
            # What is known at once: asking the browser from here could wait for ever at the end.
            asked.append(request.headers.get(UNASKED.lower()))

    page.on("request", note)
    with page.expect_response("**/sessions/live?*"):
        page.clock.fast_forward(10_000)
    world.clock.advance(31 * 60)
    with page.expect_response("**/sessions/live?*"):
        page.clock.fast_forward(10_000)
    expect(page.locator("h1")).to_have_text("You are signed out")
    assert page.locator("tbody, [hx-trigger]").count() == 0
    page.clock.fast_forward(60_000)
    assert asked == ["1", "1"]
    page.get_by_role("link", name="Sign in").click()
    page.wait_for_url("**/sessions?decision=REJECTED")
    expect(page.locator("tbody tr").first).to_be_visible()


def test_a_filter_after_it_is_over_leads_to_the_way_in(open_page: Open, world: World) -> None:
    """Whoever clicks is not left with a page that does nothing."""
    page = open_page("/sessions")
    page.get_by_role("link", name="Sign in").click()
    expect(page.locator("tbody tr").first).to_be_visible()
    world.clock.advance(31 * 60)
    page.get_by_label("Text").fill("attempt")
    page.get_by_label("Text").press("Enter")
    expect(page.get_by_role("link", name="Sign in")).to_be_visible()
    assert page.locator("tbody").count() == 0
