"""Which pages may let a browser send something that changes anything."""

from __future__ import annotations

import pytest
from tests.desk.signing_in.conftest import Browser, Clock, World, opened_with
from tests.support.running import Enter

OWN = "http://desk.example.com"
SENT = [
    ({}, True),
    ({"Sec_Fetch_Site": "same-origin"}, True),
    ({"Sec_Fetch_Site": "none"}, True),
    # A form of a page that tells no referrer has this origin.
    ({"Sec_Fetch_Site": "same-origin", "Origin": "null"}, True),
    ({"Sec_Fetch_Site": "same-site"}, False),
    ({"Sec_Fetch_Site": "cross-site"}, False),
    ({"Sec_Fetch_Site": "cross-site", "Origin": "OWN"}, False),
    ({"Sec_Fetch_Site": ""}, False),
    ({"Origin": "OWN"}, True),
    ({"Origin": "https://evil.example.com"}, False),
    ({"Origin": "http://127.0.0.1:1"}, False),
    ({"Origin": "null"}, False),
    ({"Origin": "http://["}, False),
    ({"Origin": ""}, False),
]


@pytest.fixture(scope="module")
def desks(
    entered: Enter, tmp_path_factory: pytest.TempPathFactory, _one_world: World
) -> dict[str, str]:
    """One of each kind."""
    people = {"ann": {"*": "admin"}}
    header = {"name": "X-User", "proxies": "127.0.0.1"}
    folder = tmp_path_factory.mktemp("desks")
    return {
        "local": opened_with(entered, folder / "local", Clock()),
        "proxy": opened_with(entered, folder / "x", Clock(), proxy_header=header, people=people),
        "provider": _one_world.url,
    }


@pytest.mark.parametrize("kind", ["local", "proxy", "provider"])
@pytest.mark.parametrize(("headers", "passes"), SENT)
def test_only_pages_of_the_desk_send(
    desks: dict[str, str], kind: str, headers: dict[str, str], passes: bool
) -> None:
    """What a page of another origin sends is refused, however people are known."""
    url = desks[kind]
    sent = {name: url if value == "OWN" else value for name, value in headers.items()}
    for method in ("POST", "PUT", "DELETE"):
        reply = Browser(url).get("/sessions", method, X_User="ann", **sent)
        refused = "another origin" in reply.text
        assert (refused, reply.status == 403) == (not passes, not passes)


def test_a_header_that_stands_twice_is_read_twice(desks: dict[str, str]) -> None:
    """What one of them says is not hidden by the other."""
    for pair in (["same-origin", "cross-site"], ["cross-site", "same-origin"]):
        sent = [("Sec-Fetch-Site", value) for value in pair]
        assert Browser(desks["local"]).ask("/sessions", "POST", "127.0.0.1", sent).status == 403


def test_the_name_that_people_use_is_the_desks_own(
    entered: Enter, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Behind a proxy that asks by another name, pages under `url` may send; no others may."""
    url = opened_with(
        entered,
        tmp_path_factory.mktemp("named") / "data",
        Clock(),
        url="https://desk.example.com/",
        proxy_header={"name": "X-User", "proxies": ["127.0.0.1"]},
        people={"ann": {"*": "viewer"}},
    )
    browser = Browser(url)
    own = browser.get("/sessions", "POST", X_User="ann", Origin="https://desk.example.com")
    assert own.status == 405
    other = browser.get("/sessions", "POST", X_User="ann", Origin="https://desk.example.com.evil")
    assert other.status == 403
