"""Change status in Chromium: with and without JavaScript, in either scheme, on a phone."""

from __future__ import annotations

from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect
from tests.desk.conftest import Desk
from tests.desk.deciding.conftest import Case
from tests.desk.test_desk_browser import ALL, PHONE, pages


def refused(page: Page, case: Case) -> None:
    """Go from a session to the form and send it, while something happens."""
    page.get_by_role("link", name="Change status").click()
    page.get_by_label("Approved by user").check()
    page.get_by_label("Why, in your own words").fill("I have seen the ID.")
    case.desk.send("FACE_COMPARE", case.session_id, journey__event__result="FAIL")
    page.get_by_role("button", name="Change status").click()
    expect(page.get_by_role("alert")).to_contain_text("FACE_COMPARE FAIL")


def test_it_takes_no_script(browser: Browser, office: Desk) -> None:
    """Without JavaScript somebody decides, hears what is new, and decides again."""
    case = Case(office, "approved-5")
    with pages(browser, office.url) as opening:
        page = opening("/session?id=approved-5", java_script_enabled=False)
        refused(page, case)
        expect(page.get_by_label("Approved by user")).to_be_checked()
        expect(page.get_by_label("Why, in your own words")).to_have_value("I have seen the ID.")
        page.get_by_label("Rejected by user").check()
        page.get_by_label("Reason to reject").select_option("PII_DUPLICATE")
        page.get_by_role("button", name="Change status").click()
        expect(page.locator(".stands")).to_contain_text("Rejected by user")
        expect(page.locator(".card")).to_contain_text("I have seen the ID.")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_keeps_anybody_out(browser: Browser, office: Desk, scheme: Any) -> None:
    """axe finds nothing on the page that refuses, which is no wider than a phone."""
    case = Case(office, "approved-2" if scheme == "light" else "rejected-5")
    with pages(browser, office.url) as opening:
        page = opening(f"/session?id={case.session_id}", viewport=PHONE, color_scheme=scheme)
        refused(page, case)
        found = Axe().run(page, options={"runOnly": ALL, "resultTypes": ["violations"]})
        assert found.violations_count == 0, found.generate_report()
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
