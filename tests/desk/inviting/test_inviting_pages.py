"""The pages on which links are made, listed and taken back, and who may."""

from __future__ import annotations

import re
import time
from html import unescape
from pathlib import Path

import pytest
from tests.desk.conftest import Desk, opened
from tests.desk.inviting.conftest import House
from tests.support.running import Enter
from tests.support.waiting import wait_until

from journeytrace_collector.core.invitations import digest_of


def rows(text: str) -> list[str]:
    """Give the ids of the sessions that the list of invitations holds."""
    return re.findall(r'<td class="id"><(?:code|a)[^>]*>(?:<code>)?([^<]+)', text)


def session_of(house: House, token: str) -> str:
    """Give the session that a link leads into, as its page tells it."""
    found = re.search(r"Session <code[^>]*>([^<]+)", house.told(token, "Session"))
    assert found
    return found[1]


def test_only_analysts_of_the_project_invite(house: House) -> None:
    """Others are refused, whatever they ask for, and see no journey that is not theirs."""
    theirs, others = house.invite("yearly"), house.invite()
    ids = {"id": digest_of(theirs).hex()}
    for role in ("viewer", "nobody"):
        assert house.desk.get("/new", X_Role=role).status == 403
        assert house.desk.get("/invitations", X_Role=role).status == 403
        assert 'href="/new"' not in house.desk.get("/help", X_Role=role).text
    for role in ("viewer", "nobody", "acme", "two"):
        refused = [
            house.desk.post("/new", {"journey": "yearly"}, X_Role=role),
            house.desk.post("/new/link", {"token": theirs}, X_Role=role),
            house.send(theirs, "mail", "eve@example.com", X_Role=role),
            house.desk.post("/invitations/revoke", ids, X_Role=role),
        ]
        assert [reply.status for reply in refused] == [403] * 4
    assert house.follow(theirs).status == 200
    page = house.desk.get("/new", X_Role="two").text
    assert ("Open an account" in page, "Yearly check" in page) == (True, False)
    listed = house.desk.get("/invitations", X_Role="two").text
    assert session_of(house, others) in listed
    assert session_of(house, theirs) not in listed
    assert 'href="/new"' in page


def test_another_site_invites_nobody(house: House) -> None:
    """A form elsewhere makes no link and takes none back."""
    foreign = {"Sec_Fetch_Site": "cross-site"}
    assert house.desk.post("/new", {"journey": "onboarding"}, **foreign).status == 403
    ids = {"id": digest_of(house.invite()).hex()}
    assert house.desk.post("/invitations/revoke", ids, **foreign).status == 403


def test_what_is_wrong_is_told(house: House) -> None:
    """A journey that is none, a field that is none, an invitation that is none."""
    desk = house.desk
    wrong = desk.post("/new", {"journey": "none"})
    assert (wrong.status, "Choose one of these" in wrong.text) == (422, True)
    assert desk.post("/new", {"journey": "onboarding", "form": "https://evil"}).status == 400
    assert desk.post("/new/link", {}).status == 404
    for one in ("", "zz", "é"):
        assert desk.post("/invitations/revoke", {"id": one}).status in {400, 404}
    assert desk.post("/invitations/revoke", {"id": "ab" * 32}).status == 404
    for query in ("state=lost", "after=x", "after=1.zz", f"after={'9' * 30}.{'a' * 64}"):
        assert desk.get(f"/invitations?{query}").status == 400


def test_a_session_that_was_only_invited_is_in_no_other_list(either_house: House) -> None:
    """It is found among the invitations alone until something happens in it."""
    house = either_house
    token = house.invite()
    session = session_of(house, token)
    for page in ("/sessions", f"/sessions?search={session}", f"/session?id={session}"):
        assert f'href="/session?id={session}"' not in house.desk.get(page).text
    assert house.desk.get(f"/session?id={session}").status == 404
    assert rows(house.desk.get("/invitations?state=not_opened").text)[0] == session
    house.follow(token, "POST")
    assert session in rows(house.desk.get("/invitations?state=opened").text)
    assert house.desk.get(f"/session?id={session}").status == 404

    attributes = {"journey__project__id": "acme"}
    house.desk.send("SESSION_CREATED", session, **attributes)
    begun = house.desk.get(f"/session?id={session}")
    assert begun.status == 200
    assert "SESSION_INVITED" in begun.text
    assert "INVITATION_OPENED" in begun.text
    listed = house.desk.get("/invitations?state=opened").text
    assert f'href="/session?id={session}"' in listed


def test_the_list_tells_how_they_stand(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """A link leaves one state for the other; those that are older are a page away."""
    token = house.invite()
    session = session_of(house, token)

    def states() -> list[str]:
        return [
            state
            for state in ("not_opened", "opened", "expired", "revoked")
            if session in rows(house.desk.get(f"/invitations?state={state}").text)
        ]

    assert states() == ["not_opened"]
    house.revoke(token)
    assert states() == ["revoked"]
    house.revoke(token)
    monkeypatch.setattr("journeytrace_desk.invitation_pages.PAGE_ROWS", 2)
    seen, address = [], "/invitations"
    while address:
        text = house.desk.get(address).text
        seen += rows(text)
        follows = re.search(r'class="next" href="([^"]+)"', text)
        address = unescape(follows[1]) if follows else ""
    assert len(seen) == len(set(seen))
    assert session in seen


def test_what_leaves_says_nothing_of_the_person(house: House) -> None:
    """The page of a session tells an analyst to whom it went, and hides it from viewers."""
    token = house.invite()
    session = session_of(house, token)
    house.send(token, "mail", "private@example.com")
    wait_until("the mail", lambda: house.mailbox.mails)
    house.desk.send("SESSION_CREATED", session, journey__project__id="acme")
    assert "private@example.com" in house.desk.get(f"/session?id={session}").text
    seen = house.desk.get(f"/session?id={session}", X_Role="viewer")
    assert seen.status == 200
    assert "private@example.com" not in seen.text


def test_without_journeys_it_says_how_there_can_be_some(entering: Enter, tmp_path: Path) -> None:
    """There is no link to it, and the page names the setting; no link leads anywhere."""
    desk: Desk = opened(entering, tmp_path / "data", [], clock=time.time_ns)
    assert 'href="/new"' not in desk.get("/help").text
    page = desk.get("/new")
    assert (page.status, "<code>invitations</code>" in page.text) == (200, True)
