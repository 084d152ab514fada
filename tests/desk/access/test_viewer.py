"""A viewer sees no e-mail address and no user id, however they ask."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from urllib.parse import quote, unquote, urlencode

import pytest
from tests.desk.access.people import ANN, BEN, MINE, OTHERS, SCATTERED
from tests.desk.conftest import Desk, Reply

HTMX = {"HX_Request": "true", "HX_Target": "list", "HX_Current_URL": "http://x/session"}
PATHS = (
    "/sessions",
    "/sessions?search=018f3b5e",
    "/sessions?project=globex",
    "/sessions?error_code=PV-10004",
    "/sessions/counts",
    "/sessions/live?from=0",
    "/sessions.csv",
    "/find?q=018f3b5e",
    f"/find?q={MINE}",
    f"/session?id={MINE}",
    f"/session?id={SCATTERED}",
    f"/session?id={SCATTERED}&failed=yes",
    f"/session?id={SCATTERED}&find=form",
    f"/session?id={SCATTERED}&source=BE",
    f"/session?id={SCATTERED}&colour=red",
    f"/person?session={SCATTERED}",
    f"/person?session={MINE}",
    "/help",
    "/nowhere",
)


def spellings(text: str) -> Iterator[str]:
    """Give a text as all sorts of programs would read it."""
    for _ in range(4):
        yield text.casefold()
        text = html.unescape(unquote(text)).replace("\\u0040", "@").replace('\\"', '"')


def holds(reply: Reply, *secrets: str) -> list[str]:
    """Give those that are in an answer, in any spelling."""
    said = f"{reply.headers} {reply.text}"
    return [s for s in secrets if any(s.casefold() in one for one in spellings(said))]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    "headers", [{}, HTMX, {"Accept": "application/json"}, {"Referer": "/x"}], ids=str
)
def test_no_answer_holds_them(office: Desk, path: str, headers: dict[str, str]) -> None:
    """Nor a header, nor a fragment, wherever a sender wrote them."""
    for role in ("viewer", "kiosk") if "globex" in path or SCATTERED in path else ("viewer",):
        reply = office.get(path, X_Role=role, **headers)
        assert holds(reply, *ANN, *BEN, "old.address@", "person-number-0") == []


def test_the_same_pages_hold_them_for_an_analyst(office: Desk) -> None:
    """What is looked for is there."""
    for path in ("/sessions", "/sessions.csv", f"/session?id={MINE}", f"/person?session={MINE}"):
        assert holds(office.get(path, X_Role="analyst"), *ANN) == list(ANN)
    assert "call her, she is Blue" in office.get(f"/session?id={SCATTERED}", X_Role="analyst").text
    assert "she is Blue" not in office.get(f"/session?id={SCATTERED}", X_Role="viewer").text


def test_a_mask_tells_neither_length_nor_domain(office: Desk) -> None:
    """An address keeps its first letter, a user id nothing."""
    text = office.get("/sessions", X_Role="viewer").text
    assert set(re.findall(r'class="cut mail" title="([^"]*)"', text)) == {
        "A•••@•••",
        "b•••@•••",
        "p•••@•••",
    }
    assert set(re.findall(r'title="All sessions of ([^"]*)"', text)) == {"•••"}


def listed(desk: Desk, role: str, **asked: str) -> int:
    """Count what a list, its count and its file find, which is the same."""
    page = desk.get(f"/sessions?{urlencode(asked)}", X_Role=role).text
    found = page.count('class="row"')
    assert f">{found} match<" in page
    count = desk.get(f"/sessions/counts?{urlencode(asked)}", X_Role=role).text
    assert f">{found} match<" in count
    file = desk.get(f"/sessions.csv?{urlencode(asked)}", X_Role=role).text
    assert len(file.splitlines()) == found + 1
    return found


@pytest.mark.parametrize("role", ["viewer", "kiosk", "two"])
def test_nothing_is_spelled_out(both: Desk, role: str) -> None:
    """A beginning finds no address and no user id; the whole of it does, in either case."""
    for field, value in (("email", ANN[0]), ("user_id", ANN[1])):
        for text in (value[:1], value[:-1], value[:8], f"{value}x", f"{value[:-1]}_", "%", "*"):
            assert listed(both, role, search=text, field=field) == 0
            if len(text) > 1:
                assert listed(both, role, search=text) == 0
        assert listed(both, role, search=value, field=field) == 2
        assert listed(both, role, search=value.upper()) == 2


def test_it_is_said_how_masked_values_are_found(office: Desk) -> None:
    """Where something is masked, a list says that a beginning does not find it."""
    for role, path, said in (
        ("viewer", "/sessions?search=nobody-at-all", True),
        ("two", "/sessions", True),
        ("two", "/sessions?project=acme", False),
        ("analyst", "/sessions", False),
    ):
        text = office.get(path, X_Role=role).text
        assert ("the whole of one finds its sessions" in text) is said


def test_what_is_not_masked_is_found_by_its_beginning(both: Desk) -> None:
    """Session ids, and all fields where somebody is an analyst."""
    assert listed(both, "viewer", search="018f3b5e") == 3
    assert listed(both, "viewer", search="sub-", field="submission_id") == 1
    assert listed(both, "analyst", search="ann.b", field="email") == 2
    assert listed(both, "two", search="ann.b", field="email", project="acme") == 1
    assert listed(both, "two", search="ann.b", field="email", project="globex") == 0
    assert listed(both, "kiosk", search="ann.b", field="email", project="acme") == 1


def test_events_are_searched_as_they_are_shown(office: Desk) -> None:
    """Finding in the events of a session tells nothing that it does not show."""

    def found(text: str, role: str = "viewer") -> bool:
        path = f"/session?{urlencode({'id': SCATTERED, 'find': text, 'source': 'BE'})}"
        return "No event of this session" not in office.get(path, X_Role=role).text

    for text in ("ann.b", "customer-4", "example.com", "is blue", "old.address"):
        assert not found(text)
        assert found(text, "analyst")
    assert found("form.email")


def test_a_person_is_reached_without_telling_who(office: Desk) -> None:
    """Links name a session; the whole user id still finds, and is not repeated."""
    page = office.get(f"/session?id={MINE}", X_Role="viewer").text
    assert f'href="/person?session={MINE}"' in page
    by_id = office.get(f"/person?id={quote(ANN[1])}", X_Role="viewer")
    assert "2 attempts" in by_id.text
    assert holds(by_id, *ANN) == []
    for part in (ANN[1][:-1], ANN[1].upper(), "%", ANN[0]):
        assert office.get(f"/person?id={quote(part)}", X_Role="viewer").status == 404


def test_where_one_is_an_analyst_tells_nothing_of_where_one_is_not(office: Desk) -> None:
    """From a masked session no way leads to one that shows whose it is."""
    masked = office.get(f"/person?session={SCATTERED}", X_Role="two").text
    assert MINE not in masked
    assert SCATTERED in masked
    clear = office.get(f"/person?session={MINE}", X_Role="two").text
    assert SCATTERED not in clear
    assert ANN[1] in clear


def test_a_session_that_is_called_like_its_user_has_another_name(office: Desk) -> None:
    """Where its id holds what is masked it goes by its support code, in addresses too."""
    name = "session of customer-0815-green"
    office.send("STEP_VIEW", name, user__id="customer-0815-green")
    row = re.search(r'class="row" href="(/session\?id=(\w{8}))"', _page(office, "/sessions"))
    assert row is not None
    page = office.get(row[1], X_Role="viewer")
    assert page.status == 200
    assert f'class="copy">{row[2]}<' in page.text
    assert office.get(f"/find?q={quote(name)}", X_Role="viewer").headers["location"] == row[1]
    for reply in (page, office.get("/sessions.csv", X_Role="viewer")):
        assert holds(reply, "customer-0815-green") == []
    assert OTHERS in _page(office, "/sessions")


def _page(desk: Desk, path: str) -> str:
    return desk.get(path, X_Role="viewer").text
