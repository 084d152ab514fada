"""Inviting in Chromium: with a decoder for the code, a second browser, and without JavaScript."""

from __future__ import annotations

import base64
from collections.abc import Iterator

import numpy as np
import pytest
import zxingcpp
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Locator, Page, expect
from tests.desk.inviting.conftest import House
from tests.desk.test_desk_browser import ALL, DESK, PHONE, Open, pages
from tests.support.inviting import URL

_PIXELS = """async (picture) => {
    const image = new Image();
    image.src = `data:image/png;base64,${picture}`;
    await image.decode();
    const canvas = new OffscreenCanvas(image.width, image.height);
    const context = canvas.getContext('2d');
    context.drawImage(image, 0, 0);
    const found = context.getImageData(0, 0, image.width, image.height).data;
    return [image.width, image.height, Array.from(found.filter((_, at) => at % 4 === 0))];
}"""


@pytest.fixture
def at_desk(browser: Browser, house: House) -> Iterator[Open]:
    """Give what opens a page of the desk; nothing that Chromium complains of is let pass."""
    with pages(browser, house.desk.url) as opening:
        yield opening


@pytest.fixture
def at_phone(browser: Browser, house: House) -> Iterator[Open]:
    """Give what opens a page of the public listener, likewise."""
    with pages(browser, f"http://{house.public}") as opening:
        yield opening


def read_code(browser: Browser, code: Locator) -> str:
    """Read a QR code as it stands on the screen, as a phone would."""
    picture = base64.b64encode(code.screenshot()).decode()
    page = browser.new_page()
    width, height, grey = page.evaluate(_PIXELS, picture)
    page.close()
    seen = np.array(grey, dtype=np.uint8).reshape(height, width)
    # Among its dots other kinds of code can be seen by chance.
    formats = zxingcpp.BarcodeFormats([zxingcpp.BarcodeFormat.QRCode])
    (found,) = zxingcpp.read_barcodes(seen, formats)
    return str(found.text)


def token_on(page: Page) -> str:
    """Give the token of the link that a page shows."""
    link = page.locator(".address").text_content() or ""
    assert link.startswith(f"{URL}/i/")
    return link.removeprefix(f"{URL}/i/")


@pytest.mark.parametrize(("scheme", "scripts"), [("light", True), ("dark", False)])
def test_from_the_desk_to_the_form(
    browser: Browser, house: House, at_desk: Open, at_phone: Open, *, scheme: str, scripts: bool
) -> None:
    """The code on the screen holds the link; it leads to the form once, and the form alone learns
    the session, by what no server sees."""
    desk = at_desk("/new", color_scheme=scheme, java_script_enabled=scripts)
    desk.get_by_role("button", name="Walk").click()
    token = token_on(desk)
    assert read_code(browser, desk.get_by_role("img", name="QR code")) == f"{URL}/i/{token}"

    phone = at_phone(f"/i/{token}", viewport=PHONE, java_script_enabled=scripts)
    before = len(house.gateway.received)
    phone.get_by_role("button", name="Begin").click()
    phone.wait_for_url("**/form#*")
    assert "#journey.session=" in phone.url
    assert "&journey.token=" in phone.url
    asked = [one for one in house.gateway.received[before:] if one.path == "/form"]
    assert [one.headers.get("referer") for one in asked] == [None]

    expect(at_phone(f"/i/{token}").locator("h1")).to_have_text("This link has been used")
    phone.goto(f"http://{house.public}/i/{token}")
    phone.get_by_role("button", name="Go on where you were").click()
    phone.wait_for_url("**/form#*")
    desk.get_by_role("button", name="Look again").click()
    expect(desk.locator(".cause h2")).to_have_text("The link was opened")


def test_one_click_makes_the_next(at_desk: Open) -> None:
    """On the page of a link one button copies it, another makes a fresh session."""
    page = at_desk("/new", permissions=["clipboard-read", "clipboard-write"])
    page.get_by_role("button", name="Open an account").click()
    first = token_on(page)
    page.get_by_role("button", name="Copy the link").click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()").endswith(first)
    page.get_by_role("button", name="New session").click()
    expect(page.locator("h1")).to_contain_text("Open an account")
    assert token_on(page) != first


def test_sending_and_taking_back(house: House, at_desk: Open) -> None:
    """The forms send; what is wrong is told beside its field; the list takes a link back."""
    page = at_desk("/new")
    page.get_by_role("button", name="Open an account").click()
    page.get_by_label("By SMS to").fill("06 12")
    page.get_by_label("By SMS to").press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("It must be a number with its country")
    expect(page.get_by_label("By SMS to")).to_have_value("06 12")
    page.get_by_label("By e-mail to").fill("browser@example.com")
    page.get_by_label("By e-mail to").press("Enter")
    expect(page.locator(".sendings")).to_contain_text("browser@example.com")
    token = token_on(page)
    page.get_by_role("link", name="All invitations").click()
    page.get_by_role("row").nth(1).get_by_role("button").click()
    expect(page.locator("tbody tr").first).to_contain_text("revoked")
    assert house.follow(token).status == 410


@pytest.mark.parametrize(("scheme", "size"), [("light", DESK), ("dark", PHONE)])
def test_anybody_can_use_it(
    house: House, at_desk: Open, at_phone: Open, *, scheme: str, size: dict[str, int]
) -> None:
    """Neither axe nor the width of a phone finds fault with a page."""
    how = {"color_scheme": scheme, "viewport": size}
    page = at_desk("/new", **how)
    page.get_by_role("button", name="Open an account").click()
    shown = [page, at_desk("/invitations", **how), at_phone(f"/i/{house.invite()}", **how)]
    for page in shown:
        found = Axe().run(page, options={"runOnly": ALL})
        assert found.violations_count == 0, found.generate_report()
        assert page.evaluate("document.documentElement.scrollWidth") <= size["width"]
