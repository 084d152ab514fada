"""How long somebody stays signed in, and that nobody else becomes them."""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode

import pytest
from tests.desk.signing_in.conftest import Browser, World

from journeytrace_desk.access.cookies import KEY_FILE, Signer
from journeytrace_desk.access.gate import UNASKED
from journeytrace_desk.access.sessions import COOKIE
from journeytrace_desk.access.sign_in import ATTEMPT_COOKIE

MINUTE = 60


def test_whoever_does_nothing_is_signed_out(world: World) -> None:
    """After half an hour without a click, not before."""
    browser = world.signed_in()
    world.clock.advance(29 * MINUTE)
    assert browser.get("/sessions").status == 200
    world.clock.advance(29 * MINUTE)
    assert browser.get("/sessions").status == 200
    world.clock.advance(30 * MINUTE)
    assert browser.get("/sessions").status == 401


def test_whoever_goes_on_is_signed_out_in_the_end(world: World) -> None:
    """After twelve hours, however much they click."""
    browser = world.signed_in()
    for _ in range(35):
        world.clock.advance(20 * MINUTE)
        assert browser.get("/sessions").status == 200
    world.clock.advance(20 * MINUTE)
    assert browser.get("/sessions").status == 401


def test_a_cookie_is_renewed_once_a_minute(world: World) -> None:
    """Also by answers that are errors; in between none is sent."""
    browser = world.signed_in()
    world.clock.advance(50)
    browser.get("/sessions")
    assert COOKIE not in browser.given
    world.clock.advance(11)
    browser.get("/nowhere")
    assert browser.given[COOKIE]["httponly"]
    browser.get("/sessions")
    assert COOKIE not in browser.given


def test_what_a_page_asks_by_itself_keeps_nobody_signed_in(world: World) -> None:
    """A page that brings itself up to date ends with the half hour, and is told so by 401."""
    browser = world.signed_in()
    unasked = {UNASKED: "1", "HX_Request": "true"}
    for _ in range(2):
        world.clock.advance(15 * MINUTE - 1)
        assert browser.get("/sessions/live", **unasked).status in {200, 204}
        assert COOKIE not in browser.given
    world.clock.advance(2)
    assert browser.get("/sessions/live", **unasked).status == 401


def test_pages_say_what_they_ask_by_themselves(world: World) -> None:
    """What is asked again and again carries the header that the gate looks for."""
    page = world.signed_in().get("/sessions").text
    polls = [part for part in page.split("<") if 'hx-trigger="every' in part]
    assert polls
    assert all(f'"{UNASKED}": "1"' in poll for poll in polls)


def test_signing_out_ends_it_for_every_copy(world: World) -> None:
    """Whoever has kept the cookie has nothing; a session of the same person elsewhere goes on."""
    browser, elsewhere = world.signed_in(), world.signed_in()
    stolen = Browser(world.url, dict(browser.cookies))
    reply = browser.get("/sign-out", "POST", Sec_Fetch_Site="same-origin")
    assert (reply.status, reply.headers["location"]) == (303, "/signed-out")
    assert COOKIE not in browser.cookies
    # Chromium keeps whole pages for going back, whatever no-store says; this ends them.
    assert reply.headers["clear-site-data"] == '"cache"'
    assert browser.get("/signed-out").status == 200
    world.signed_in().get("/sign-out", "POST")
    assert stolen.get("/sessions").status == 401
    assert elsewhere.get("/sessions").status == 200


def test_nobody_is_signed_out_by_another_page(world: World) -> None:
    """A form of another site does nothing, and neither does a link."""
    browser = world.signed_in()
    assert browser.get("/sign-out", "POST", Sec_Fetch_Site="cross-site").status == 403
    assert browser.get("/sign-out", "POST", Origin="https://evil.example.com").status == 403
    assert browser.get("/sign-out").status == 405
    assert browser.get("/sessions").status == 200


def _altered(value: str) -> list[str]:
    head, said, signature = value.split(".")
    content = json.loads(urlsafe_b64decode(f"{said}=="))
    other = urlsafe_b64encode(json.dumps({**content, "sub": "root"}).encode()).decode()
    unsigned = urlsafe_b64encode(b'{"alg":"none","typ":"session"}').decode()
    flipped = signature[:5] + ("A" if signature[5] != "A" else "B") + signature[6:]
    return [
        f"{head}.{other.rstrip('=')}.{signature}",
        f"{head}.{said}.{flipped}",
        f"{head}.{said}.",
        f"{unsigned.rstrip('=')}.{said}.",
        f"{head}.{said}",
        "x",
        "",
        "." * 5_000,
    ]


def test_an_altered_cookie_is_none(world: World) -> None:
    """Other words, another signature, none, another algorithm, or no cookie of ours at all."""
    browser = world.signed_in()
    for value in _altered(browser.cookies[COOKIE]):
        assert Browser(world.url, {COOKIE: value}).get("/sessions").status == 401


def test_a_cookie_of_another_key_is_none(world: World) -> None:
    """One that says the right things, signed by somebody else."""
    now = world.clock() // 10**9
    said = {"jti": "x", "sub": "ann@example.com", "groups": [], "began": now, "seen": now}
    forged = Signer(["k" * 40]).sign("session", said)
    assert Browser(world.url, {COOKIE: forged}).get("/sessions").status == 401
    key = (world.data / KEY_FILE).read_text().strip()
    right = Signer([key]).sign("session", said)
    assert Browser(world.url, {COOKIE: right}).get("/sessions").status == 200


def test_one_cookie_is_not_taken_for_another(world: World) -> None:
    """What remembers a sign-in that has begun signs nobody in."""
    browser = world.browser()
    browser.to_provider()
    other = {COOKIE: browser.cookies[ATTEMPT_COOKIE]}
    assert Browser(world.url, other).get("/sessions").status == 401
    back = world.browser().to_provider()
    swapped = {ATTEMPT_COOKIE: world.signed_in().cookies[COOKIE]}
    assert Browser(world.url, swapped).get(back).status == 403


def test_the_key_is_for_the_collector_alone(world: World) -> None:
    """It is made at the first start, and nobody else can read it."""
    assert (world.data / KEY_FILE).stat().st_mode & 0o777 == 0o600


def test_keys_can_be_replaced_one_by_one() -> None:
    """What the old one signed holds as long as it is in the file, and no longer."""
    old, new = "o" * 32, "n" * 32
    signed = Signer([old]).sign("session", {"sub": "ann"})
    assert Signer([new, old]).read("session", signed) == {"sub": "ann"}
    assert Signer([new]).read("session", signed) is None
    assert Signer([old]).read("session", Signer([new, old]).sign("session", {})) is None


def test_a_cookie_that_browsers_would_drop_is_not_made() -> None:
    """It is refused where somebody can be told."""
    with pytest.raises(ValueError, match="more than browsers keep"):
        Signer(["k" * 32]).sign("session", {"groups": ["g" * 250] * 12})
