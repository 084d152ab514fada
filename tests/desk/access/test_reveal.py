"""What is masked is shown once, for a purpose that is on record first."""

from __future__ import annotations

import re
import time
from html import unescape
from pathlib import Path

import pytest
from tests.desk.access.people import ANN, BEN, MINE, OTHERS, sessions
from tests.desk.conftest import Desk, opened
from tests.support.running import Enter

PATH = f"/session?id={MINE}"
FORM = {"purpose": "She calls us"}


def op(desk: Desk, session_id: str = MINE) -> str:
    """Give what people did with a session, as an analyst sees it."""
    return unescape(desk.get(f"/session?id={session_id}&source=OP", X_Role="analyst").text)


def test_it_is_shown_once_and_with_its_purpose_on_record(both: Desk) -> None:
    """The answer has both values in one place; no address shows them again."""
    reply = both.post(PATH, {"purpose": "  She calls\r\n us  "}, X_Role="viewer")
    assert (reply.status, reply.headers["cache-control"]) == (200, "no-store")
    assert [reply.text.count(one) for one in ANN] == [1, 1]
    assert "location" not in reply.headers
    assert "hx-get" not in reply.text.partition('id="session"')[2]
    for path in (PATH, f"{PATH}&purpose=x", f"{PATH}&reveal=yes"):
        assert not [one for one in ANN if one in both.get(path, X_Role="viewer").text]
    shown = op(both)
    assert shown.count(">EMAIL_REVEALED<") == 1
    assert "<dt>journey.private.purpose</dt><dd>She calls us<" in shown
    assert "<dt>journey.actor.id</dt><dd>vic<" in shown


@pytest.mark.parametrize(
    ("form", "status"),
    [
        ({}, 400),
        ({"purpose": ""}, 400),
        ({"purpose": " \t\r\n\u00a0"}, 400),
        ({"purpose": "x" * 201}, 400),
        ({"purpose": "x" * 70_000}, 413),
    ],
    ids=["none", "empty", "blank", "long", "huge"],
)
def test_without_a_purpose_nothing_is_shown(
    office: Desk, form: dict[str, str], status: int
) -> None:
    """It is one sentence: neither nothing nor a novel."""
    reply = office.post(f"/session?id={OTHERS}", form, X_Role="viewer")
    assert (reply.status, [one for one in BEN if one in reply.text]) == (status, [])
    assert "EMAIL_REVEALED" not in op(office, OTHERS)


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b"purpose=x", "text/plain", 415),
        (b'{"purpose": "x"}', "application/json", 415),
        (b"--x\r\n\r\n", "multipart/form-data; boundary=x", 415),
        (b"purpose=\xff\xfe", "application/x-www-form-urlencoded", 400),
        (b"purpose=x", "application/x-www-form-urlencoded; charset=nonsense", 400),
    ],
    ids=["text", "json", "multipart", "no text", "no charset"],
)
def test_what_is_no_form_is_refused(office: Desk, body: bytes, kind: str, status: int) -> None:
    """With an answer that says so."""
    reply = office.post(f"/session?id={OTHERS}", body, X_Role="viewer", Content_Type=kind)
    assert (reply.status, [one for one in BEN if one in reply.text]) == (status, [])


def test_a_purpose_is_text_whatever_it_holds(office: Desk) -> None:
    """Markup, half characters and signs of control are kept and shown as text."""
    purpose = "<script>alert(1)</script>\0\u202e'\""
    assert office.post(PATH, {"purpose": purpose}, X_Role="acme-viewer").status == 200
    text = office.get(f"{PATH}&source=OP", X_Role="analyst").text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in text
    assert "<script>alert" not in text


def test_other_sites_reveal_nothing(office: Desk) -> None:
    """A page from elsewhere can make a browser send the form, and it is refused."""
    for headers in (
        {"Sec_Fetch_Site": "cross-site"},
        {"Sec_Fetch_Site": "same-site", "Origin": "null"},
        {"Origin": "https://evil.example.com"},
        {"Origin": "null"},
    ):
        reply = office.post(f"/session?id={OTHERS}", FORM, X_Role="viewer", **headers)
        assert (reply.status, [one for one in BEN if one in reply.text]) == (403, [])
    own = {"Sec_Fetch_Site": "same-origin", "Origin": "null"}
    assert office.post("/session?id=plain-0", FORM, X_Role="viewer", **own).status == 200
    assert "EMAIL_REVEALED" not in op(office, OTHERS)


def test_who_sees_it_anyway_reveals_nothing(office: Desk) -> None:
    """An analyst has no form, and who sends one is led to the page; nor has a session of nobody."""
    assert 'name="purpose"' not in office.get(PATH, X_Role="analyst").text
    reply = office.post(f"/session?id={OTHERS}", FORM, X_Role="analyst")
    assert (reply.status, reply.headers["location"]) == (303, f"/session?id={OTHERS}")
    office.send("STEP_VIEW", "of nobody")
    assert 'name="purpose"' not in office.get("/session?id=of+nobody", X_Role="viewer").text
    assert office.post("/session?id=of+nobody", FORM, X_Role="viewer").status == 303
    assert "EMAIL_REVEALED" not in op(office, OTHERS)


@pytest.mark.usefixtures("known")
def test_where_viewers_may_not_there_is_no_form(
    entering: Enter,
    tmp_path: Path,
) -> None:
    """A setting keeps it to analysts: 403, and nothing on record."""
    desk = opened(entering, tmp_path / "data", sessions(time.time_ns()), desk_reveal="nobody")
    assert 'name="purpose"' not in desk.get(PATH, X_Role="viewer").text
    reply = desk.post(PATH, FORM, X_Role="viewer")
    assert (reply.status, [one for one in ANN if one in reply.text]) == (403, [])
    assert "desk_reveal" in reply.text
    assert "EMAIL_REVEALED" not in op(desk)


def test_a_get_reveals_nothing(office: Desk) -> None:
    """Whatever stands in the address, and whatever a browser does before it is asked to."""
    for method in ("GET", "HEAD"):
        reply = office.get(f"{PATH}&source=BE", method, X_Role="viewer", Purpose="prefetch")
        assert not [one for one in ANN if re.search(re.escape(one), reply.text)]
    for method in ("PUT", "DELETE", "PATCH"):
        assert office.get(PATH, method, X_Role="viewer").status == 405
