"""Where a link leads, whom it lets in and whom not."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from html import unescape
from pathlib import Path
from urllib.parse import parse_qs
from uuid import UUID

import pytest
from tests.desk.inviting.conftest import House, cookie_of, opened_house
from tests.support.inviting import FORM, KEY, SECRET, URL, inviting
from tests.support.running import Enter

from journeytrace.browser import AUDIENCE, Key, read
from journeytrace_collector.core.invitations import digest_of
from journeytrace_collector.public.invited_page import Said, page

DAY = 86_400


def handed_over(location: str) -> tuple[str, dict[str, object]]:
    """Give the session and the claims that an address hands over in its fragment alone."""
    address, _, fragment = location.partition("#")
    assert address == FORM
    said = parse_qs(fragment, strict_parsing=True)
    assert set(said) == {"journey.session", "journey.token"}
    return said["journey.session"][0], read(said["journey.token"][0], [Key(KEY, SECRET)])


def test_a_link_opens_once_and_lets_the_same_browser_back_in(either_house: House) -> None:
    """It leads to the form with the session; a second browser is told so, the first goes on."""
    house = either_house
    token = house.invite()
    shown = house.follow(token)
    assert (shown.status, "Open an account" in shown.text) == (200, True)
    mine = cookie_of(shown)
    opened = house.follow(token, "POST", Cookie=mine)
    assert opened.status == 303
    session, claims = handed_over(opened.headers["location"])
    assert UUID(session).version == 4
    assert (claims["sub"], claims["aud"], claims["project"]) == (session, AUDIENCE, "acme")
    assert int(str(claims["exp"])) - int(str(claims["iat"])) == 3600

    again = house.follow(token, Cookie=mine)
    assert (again.status, "Go on where you were" in again.text) == (200, True)
    assert handed_over(house.follow(token, "POST", Cookie=mine).headers["location"])[0] == session
    for method in ("GET", "POST"):
        other = house.follow(token, method)
        assert (other.status, "has been used" in other.text) == (410, True)
        assert "location" not in other.headers
        assert "set-cookie" not in other.headers


def test_looking_opens_nothing(house: House) -> None:
    """A scanner of mails may follow a link as often as it likes, and ask for its head."""
    token = house.invite()
    for _ in range(3):
        assert house.follow(token, User_Agent="scanner").status == 200
        assert house.follow(token, "HEAD").status == 200
    assert "not opened" in house.desk.get("/invitations?state=not_opened").text
    assert house.follow(token, "POST").status == 303


def test_a_lost_answer_locks_nobody_out(house: House) -> None:
    """Who touches the button twice, or never gets the answer to it, gets in all the same."""
    token = house.invite()
    mine = cookie_of(house.follow(token))
    with ThreadPoolExecutor(4) as pool:
        replies = list(pool.map(lambda _: house.follow(token, "POST", Cookie=mine), range(4)))
    assert [reply.status for reply in replies] == [303] * 4


def test_of_many_browsers_at_once_one_gets_in(either_house: House) -> None:
    """However many open a link at the same moment."""
    token = either_house.invite()
    with ThreadPoolExecutor(8) as pool:
        replies = list(pool.map(lambda _: either_house.follow(token, "POST"), range(8)))
    assert sorted(reply.status for reply in replies) == [303] + [410] * 7


def test_it_expires(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """A link opens for 24 hours, and the browser that opened it comes back for as long again."""
    token, late = house.invite(), house.invite()
    monkeypatch.setattr(house, "ahead", DAY - 60)
    mine = cookie_of(house.follow(token))
    assert house.follow(token, "POST", Cookie=mine).status == 303
    monkeypatch.setattr(house, "ahead", DAY + 60)
    for method in ("GET", "POST"):
        reply = house.follow(late, method)
        assert (reply.status, "has expired" in reply.text) == (410, True)
    assert house.follow(token, "POST", Cookie=mine).status == 303
    monkeypatch.setattr(house, "ahead", 2 * DAY + 60)
    assert "has expired" in house.follow(token, "POST", Cookie=mine).text


def test_it_is_taken_back(house: House) -> None:
    """From then on it lets nobody in, nor back in."""
    token, begun = house.invite(), house.invite()
    mine = cookie_of(house.follow(begun, "POST"))
    for one in (token, begun):
        house.revoke(one)
        for method in ("GET", "POST"):
            reply = house.follow(one, method, Cookie=mine)
            assert (reply.status, "not valid any more" in reply.text) == (410, True)


@pytest.mark.parametrize(
    "token",
    [
        "A" * 43,
        "A" * 42,
        "A" * 5_000,
        "..%2F..%2Fhealthz",
        "%00",
        "%F0%9F%92%A9",
        "' OR 1=1 --".replace(" ", "%20"),
        digest_of("x").hex(),
    ],
)
def test_guessing(house: House, token: str) -> None:
    """What nobody was given leads nowhere, whatever it looks like; nor does a digest."""
    digest = digest_of(house.invite()).hex()
    for guess in (token, digest):
        for method in ("GET", "POST"):
            reply = house.follow(guess, method)
            assert (reply.status, "leads nowhere" in reply.text) == (404, True)


@pytest.mark.parametrize(
    ("status", "headers"),
    [
        (403, {"Sec_Fetch_Site": "cross-site", "Origin": URL}),
        (403, {"Sec_Fetch_Site": "same-site", "Origin": "http://evil.localhost"}),
        (403, {"Origin": "https://evil.example"}),
        (403, {"Origin": f"{URL}.evil.example"}),
        (303, {"Sec_Fetch_Site": "same-origin", "Origin": "null"}),
        (303, {"Origin": URL}),
        (303, {"Origin": "null"}),
    ],
)
def test_another_site_opens_no_link(house: House, status: int, headers: dict[str, str]) -> None:
    """A page elsewhere cannot press the button; our own can, in browsers old and new."""
    token = house.invite()
    reply = house.follow(token, "POST", **headers)
    assert reply.status == status
    if status == 403:
        assert house.follow(token, "POST").status == 303


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize(
    "query",
    ["?next=https://evil.example", "?url=//evil.example", "/../../evil.example", "%0d%0aX: y"],
)
def test_no_request_says_where_it_leads(house: House, method: str, query: str) -> None:
    """Where a link leads is said by the settings alone."""
    token = house.invite()
    hosts = {"Host": "evil.example", "X_Forwarded_Host": "evil.example"}
    reply = house.follow(token + query.replace(" ", "%20"), method, **hosts)
    assert "evil.example" not in reply.text + str(reply.headers)
    assert "x" not in reply.headers
    assert reply.headers.get("location", FORM).startswith(FORM)


def test_what_the_answers_say_to_browsers(house: House) -> None:
    """Nothing is cached, referred from, framed, indexed or loaded from elsewhere."""
    token = house.invite()
    shown = house.follow(token)
    opened = house.follow(token, "POST")
    used = house.follow(token)
    for reply in (shown, opened, used, house.follow("A" * 43)):
        assert reply.headers["cache-control"] == "no-store"
        assert reply.headers["referrer-policy"] == "no-referrer"
        assert reply.headers["x-robots-tag"] == "noindex, nofollow, noarchive"
        assert reply.headers["x-content-type-options"] == "nosniff"
    assert shown.headers["content-security-policy"] == (
        "default-src 'none'; style-src 'self'; img-src data:;"
        " form-action 'self' http://localhost:2; base-uri 'none'; frame-ancestors 'none'"
    )
    assert "script" not in shown.text
    for reply in (shown, opened):
        name, *flags = reply.headers["set-cookie"].split("; ")
        assert name.startswith("invitation=")
        assert {"HttpOnly", "Path=/", "SameSite=Lax"} < set(flags)
    assert house.at_public("GET", "/i/page.css").status == 200


def test_markup_in_a_name_is_text() -> None:
    """What the settings call a journey is shown as it is written."""
    shown = page(Said(200, "<b>&", ("<i>",), "<u>", "<s>")).decode()
    assert not any(tag in shown for tag in ("<b>", "<i>", "<u>", "<s>"))
    assert "<h1><b>&</h1>" in unescape(shown)


def test_behind_https_nobody_else_sets_its_cookie(
    entering: Enter,
    known: None,  # noqa: ARG001
    tmp_path: Path,
) -> None:
    """It is of this very host alone, and travels encrypted."""
    url = "https://verify.example.com"
    settings = inviting()["invitations"].model_copy(update={"url": url})
    house = opened_house(entering, tmp_path / "data", invitations=settings)
    page = unescape(house.desk.post("/new", {"journey": "onboarding"}).text)
    found = re.search(rf"{url}/i/([\w-]{{43}})", page)
    assert found
    cookie = house.follow(found[1]).headers["set-cookie"]
    assert cookie.startswith("__Host-invitation=")
    assert {"Secure", "HttpOnly", "Path=/"} < set(cookie.split("; "))
    assert house.follow(found[1], "POST", Origin=url).status == 303
