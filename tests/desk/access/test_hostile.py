"""What anybody stored is text in a browser, for a viewer as for an analyst."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from html import unescape
from typing import Final
from urllib.parse import urlencode

import pytest
from playwright.sync_api import Browser, Page, Request, expect
from tests.desk.access.people import MINE
from tests.desk.conftest import Desk, opened
from tests.support.events import event
from tests.support.running import Enter
from tests.support.waiting import PATIENCE

from journeytrace_collector.core.fields import printable
from journeytrace_collector.core.model import Event

ATTACKS: Final = {
    "script": "</script><script>alert(1)</script>",
    "attribute": '" onmouseover="alert(2)" x=\'',
    "image": "<img src=x onerror=alert(3)>",
    "address": "javascript:alert(4)",
    "data": "data:text/html,<script>alert(5)</script>",
    "svg": "</title></svg><svg onload=alert(6)>",
    "template": "{{ 7 * 7 }}{% raw %}${7*7}",
    "htmx": '" hx-get="/sessions" hx-trigger="load" hx-on::load="alert(7)',
    "turned": "abc\u202edlrow\u2066x",
    "nothing": "a\0b\x1b[31m\x7f\u0085",
    "half": "a\ud800b\udfff",
    "comment": "<!--<script>",
    "base": "<base href=https://evil.example/><meta http-equiv=refresh content='0;url=/x'>",
}
FIELDS: Final = [
    "name",
    "stage",
    "reason",
    "error_code",
    "service",
    "project_id",
    "submission_id",
    "flow_id",
    "user_id",
    "email",
]


LOOKED_AT: Final = ("script", "attribute", "svg", "htmx", "half")
"""In a browser: of the others the text of the page is read."""
FORBIDDEN: Final = "main script, main img, main base, main meta, main iframe, main [onload]"


def hostile(name: str, at: int) -> Iterator[Event]:
    """Put one attack into every field that holds text."""
    text = ATTACKS[name]
    fields = dict.fromkeys(FIELDS, text)
    said = {text: text, "path": text, "form.name": text, "deep": [{text: [text]}]}
    # No session is called by what cannot be printed.
    same = {"session_id": f"hostile {name} {printable(text)}"}
    label = fields.pop("name")
    # Of whom nothing else is told, or a viewer would see none of it.
    fields |= {"user_id": f"user {name} {text}", "email": f"{text} of {name}"}
    failed = {"result": "FAIL", "impact": "BLOCKED"}
    yield event(label, at, metadata=json.dumps(said), **fields, **failed, **same)
    yield event("ERROR_PAGE_VIEWED", at + 1, error_code=text, **same)
    yield event("REJECTED", at + 2, reason=text, error_code=text, **same)


@pytest.fixture(scope="module")
def den(
    known: None,  # noqa: ARG001 - has to be there
    entering: Enter,
    tmp_path_factory: pytest.TempPathFactory,
) -> Desk:
    """A desk over sessions of people who mean harm."""
    now = time.time_ns() - 10**12
    events = [one for n, name in enumerate(ATTACKS) for one in hostile(name, now + n * 10**9)]
    return opened(entering, tmp_path_factory.mktemp("den") / "data", events)


def opening(browser: Browser, desk: Desk, role: str) -> tuple[Page, list[str]]:
    """Open a page as somebody, and note whatever goes wrong on it."""
    context = browser.new_context(base_url=desk.url, extra_http_headers={"X-Role": role})
    context.set_default_timeout(PATIENCE / 4 * 1000)
    page = context.new_page()
    wrong: list[str] = []

    def dismissed(dialog: object) -> None:
        wrong.append(f"a dialog: {dialog}")

    def sent(request: Request) -> None:
        if not request.url.startswith(desk.url):
            wrong.append(request.url)

    page.on("dialog", dismissed)
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda said: wrong.append(said.text) if said.type == "error" else None)
    page.on("request", sent)
    return page, wrong


@pytest.mark.parametrize("role", ["viewer", "analyst"])
def test_nothing_that_is_stored_does_anything(browser: Browser, den: Desk, role: str) -> None:
    """No dialog, no breach of the policy, no request elsewhere; all of it is there to be read."""
    page, wrong = opening(browser, den, role)
    page.goto("/sessions")
    expect(page.locator("tbody tr")).to_have_count(len(ATTACKS))
    links = [one.get_attribute("href") or "" for one in page.locator("a.row").all()]
    people = [one.get_attribute("href") or "" for one in page.locator("td.user a").all()]
    assert len(links) == len(people) == len(ATTACKS)
    shown = [one for one in links if any(f"+{name}+" in one for name in LOOKED_AT)]
    assert len(shown) == len(LOOKED_AT)
    for link in (*shown, *people[:2]):
        page.goto(link)
        assert page.locator(FORBIDDEN).count() == 0
        schemes = "[...document.querySelectorAll('[href]')].map(a => new URL(a.href).protocol)"
        assert set(page.evaluate(schemes)) <= {"http:", "https:"}
        # Whoever points at something sets off what would wait for it.
        page.locator("h1").hover()
        page.locator(".cause").hover()
    assert wrong == []
    page.goto(f"/session?{urlencode({'id': 'hostile script ' + ATTACKS['script']})}")
    expect(page.locator("td.name code").first).to_have_text(ATTACKS["script"])
    page.context.close()


@pytest.mark.parametrize("role", ["viewer", "analyst"])
@pytest.mark.parametrize("name", ATTACKS)
def test_all_of_it_is_text(den: Desk, name: str, role: str) -> None:
    """No page has an element or an attribute that a sender wrote."""
    session_id = f"hostile {name} {printable(ATTACKS[name])}"
    listed = den.get(f"/sessions?{urlencode({'search': f'hostile {name} '})}", X_Role=role).text
    person = re.search(r'href="(/person\?[^"]*)"', listed)
    assert person is not None
    session = den.get(f"/session?{urlencode({'id': session_id})}", X_Role=role)
    whole = den.get(unescape(person[1]), X_Role=role)
    assert session.status == whole.status == 200
    for text in (listed, session.text, whole.text):
        assert text.count("<script") == text.count(" defer></script>") == 2
        bare = re.sub(r'"[^"]*"', '""', text)
        assert not re.search(r"<(img|base|iframe|meta http|!--)|<[^>]*\s(on\w+|hx-on\S*)\s*=", bare)
        assert not re.search(r'(href|src|action|hx-get)="(?!/|#|https://traces\.)', text)


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no scripts"])
def test_a_viewer_has_something_revealed(browser: Browser, office: Desk, scripts: bool) -> None:
    """A form under the card asks what for; the answer stays until somebody leaves it."""
    context = browser.new_context(
        base_url=office.url,
        extra_http_headers={"X-Role": "viewer"},
        java_script_enabled=scripts,
    )
    page = context.new_page()
    page.goto(f"/session?id={MINE}")
    expect(page.locator("h1")).to_contain_text("User •••")
    page.get_by_text("Show e-mail and user id").click()
    page.get_by_label("What for?").fill("The user calls")
    page.get_by_role("button", name="Show").click()
    expect(page.locator(".revealed")).to_contain_text("Ann.Blue@example.com")
    expect(page.locator(".revealed")).to_contain_text("customer-4711-blue")
    assert page.url.endswith(f"/session?id={MINE}")
    page.get_by_role("link", name="Hide").click()
    expect(page.locator(".revealed")).to_have_count(0)
    page.go_back()
    assert page.locator(".revealed").count() == 0
    context.close()
