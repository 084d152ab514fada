"""A browser is known by its family, and its device by what kind it is."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from tests.collector.public.conftest import Site, envelope, page_span, token, traces

from journeytrace.conventions import TIME_SCREEN
from journeytrace_collector.public.agents import agent_of

_SAFARI = "AppleWebKit/605.1.15 (KHTML, like Gecko)"
_CHROME = "AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0"
_ANDROID = "Mozilla/5.0 (Linux; Android 16; Pixel 10"
_WINDOWS = "Mozilla/5.0 (Windows NT 10.0; Win64; x64)"
_PHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X)"


@pytest.mark.parametrize(
    ("said", "browser", "device"),
    [
        (f"{_PHONE} {_SAFARI} Version/19.0 Mobile/15E148 Safari/604.1", "Safari", "phone"),
        (f"{_PHONE} {_SAFARI} CriOS/140.0 Mobile/15E148 Safari/604.1", "Chrome", "phone"),
        (f"{_PHONE} {_SAFARI} Mobile/15E148", "iOS WebView", "phone"),
        (f"{_ANDROID}) {_CHROME} Mobile Safari/537.36", "Chrome", "phone"),
        (f"{_ANDROID}; wv) {_CHROME} Mobile Safari/537.36", "Android WebView", "phone"),
        (f"{_ANDROID}) {_CHROME} Safari/537.36", "Chrome", "tablet"),
        (f"{_WINDOWS} {_CHROME} Safari/537.36 Edg/140.0", "Edge", "computer"),
        (f"{_WINDOWS} Gecko/20100101 Firefox/144.0", "Firefox", "computer"),
        ("python-requests/2.32", None, None),
        ("", None, None),
        ("Mozilla/5.0 (Nobody knows)", None, None),
    ],
)
def test_families_and_kinds(said: str, browser: str | None, device: str | None) -> None:
    """Whatever other names it calls itself by; what is unknown is not told."""
    found = agent_of(said)
    assert (found.get("browser"), found.get("device")) == (browser, device)


def test_the_screen_opens_in_a_browser(site: Site) -> None:
    """The event by which it opens keeps the two words; what the page says itself stands."""
    session = "of a browser"
    spans = [
        page_span("FRONT_SESSION_START", 1, device="kiosk"),
        page_span("STEP_VIEW", 2, path="/start"),
    ]
    agent = f"{_ANDROID}) {_CHROME} Mobile Safari/537.36"
    body = envelope(token(sub=session), traces(*spans))
    assert site.post(body, User_Agent=agent).status == 200
    kept = {one["name"]: one["attributes"] for one in site.events(quote(session))}
    for attributes in kept.values():
        del attributes[TIME_SCREEN]
    assert kept == {
        "FRONT_SESSION_START": {"browser": "Chrome", "device": "kiosk"},
        "STEP_VIEW": {"path": "/start"},
    }
