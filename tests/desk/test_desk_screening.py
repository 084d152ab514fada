"""The tab of a session that tells what lists say, and what an analyst makes of it."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, expect
from tests.desk.conftest import Desk, opened
from tests.desk.people import PEOPLE, SitDown, seat
from tests.desk.test_desk_browser import ALL, DESK, PHONE, pages
from tests.support.events import MINUTE, SECOND, event
from tests.support.running import Enter
from tests.support.waiting import wait_until

from journeytrace_collector.core.model import Event

__all__ = ["seat"]

PERSONS = Path(__file__).parents[2] / "examples" / "screening" / "persons.ftm.jsonl"
LIST = {"name": "invented", "path": str(PERSONS)}
COVERS = ["pep", "sanctions", "criminal", "other"]
SECTION = {"screening": {"local": {"lists": [{**LIST, "covers": COVERS}]}}}
NASTY = "<img src=x onerror=alert(1)>\"'{{7*7}}"


def _session(name: str, at: int, **said: str) -> Iterator[Event]:
    known = {"session_id": name, "project_id": "acme", "user_id": f"user of {name}"}
    yield event("SESSION_CREATED", at, **known)
    if said:
        attributes = {key.replace("__", "."): value for key, value in said.items()}
        yield event("ID_RECOGNITION", at + SECOND, session_id=name, metadata=json.dumps(attributes))


@pytest.fixture(scope="module")
def desk(entering: Enter, tmp_path_factory: pytest.TempPathFactory) -> Desk:
    """A desk whose collector screens by the invented persons; sessions come in by and by."""
    data = tmp_path_factory.mktemp("screening") / "data"
    at = time.time_ns() - MINUTE
    nameless = _session("nameless", at)
    return opened(entering, data, list(nameless), exporters=SECTION)


def screened(desk: Desk, session: str, **said: str) -> str:
    """Let a service say who it is, and give the page once the screening has ended."""
    known = {"journey__project__id": "acme", "user__id": f"user of {session}"}
    desk.send("SESSION_CREATED", session, **known)
    desk.send("ID_RECOGNITION", session, **said)
    return str(wait_until(f"the screening of {session}", lambda: _ended(desk, session)))


def _ended(desk: Desk, session: str) -> str | None:
    reply = desk.get(address(session))
    return reply.text if "Clear</span>" in reply.text or "hit" in reply.text else None


def address(session: str) -> str:
    """Give the address of the tab."""
    return f"/session/screening?id={quote(session)}"


def mark(desk: Desk, session: str, **form: str) -> Any:
    """Send the form of a hit."""
    return desk.post(
        f"/session/screening/hit?id={quote(session)}", form, Sec_Fetch_Site="same-origin"
    )


def test_five_categories_are_told_each_as_it_is(desk: Desk) -> None:
    """Hits with list, score and evidence, clear what was searched, and not covered what was not."""
    text = screened(desk, "told", extracted__full_name="Iwan Sokolow")
    for word in ("PEP", "Sanctions", "Criminal records", "Adverse media", "Other"):
        assert word in text
    assert text.count("Clear</span>") == 3
    assert text.count("Not covered</span>") == 1
    assert "1 hit</span>" in text
    assert "invented_sanctions" in text
    assert "1971-05-09" in text
    assert (
        '<a href="/session/screening?id=told" aria-current="page">AML screening <small>1</small>'
        in text
    )


def test_a_hit_is_cleared_for_a_reason_and_confirmed_for_another(desk: Desk) -> None:
    """Who, why and when stand beside the hit, and the newest word counts."""
    screened(desk, "cleared", extracted__full_name="Hassan Rahimi")
    given = {"hit": "invented-18", "reason": NASTY}
    assert mark(desk, "cleared", **given, verdict="clear").status == 303
    text = desk.get(address("cleared")).text
    assert "all cleared by a person" in text
    assert "&lt;img src=x" in text
    assert "<img src=x" not in text
    assert "{{7*7}}" in text.replace("&#34;", '"')
    assert mark(desk, "cleared", **given, verdict="confirm").status == 303
    assert "1 confirmed" in desk.get(address("cleared")).text


@pytest.mark.parametrize(
    ("form", "told"),
    [
        ({"hit": "invented-18", "verdict": "clear"}, "Say why"),
        ({"hit": "invented-18", "verdict": "clear", "reason": "x" * 501}, "longer than 500"),
        ({"hit": "invented-18", "reason": "because"}, "somebody else or this person"),
        ({"hit": "nobody", "verdict": "clear", "reason": "because"}, "any more"),
    ],
)
def test_a_form_that_lacks_something_says_what(desk: Desk, form: dict[str, str], told: str) -> None:
    """It is answered 422 with the page, what was typed in its place, and nothing is recorded."""
    screened(desk, "lacking", extracted__full_name="Hassan Rahimi")
    reply = mark(desk, "lacking", **form)
    assert reply.status == 422
    assert told in reply.text
    assert "1 open" in desk.get(address("lacking")).text


def test_a_clearing_is_remembered_in_the_persons_next_session(desk: Desk) -> None:
    """The next session of the same user tells who cleared the hit, and leads to where."""
    same = {"user__id": "comes again", "extracted__full_name": "Rosa Maria Conti"}
    screened(desk, "first time", **same)
    mark(desk, "first time", hit="invented-36", verdict="clear", reason="another birth date")
    text = screened(desk, "second time", **same)
    assert "another birth date" in text
    assert 'href="/session/screening?id=first+time"' in text
    assert "all cleared by a person" in text


def test_a_screening_that_is_asked_for_is_made(desk: Desk) -> None:
    """Without a name it fails and says so, and green is nothing."""
    assert "Not screened yet" in desk.get(address("nameless")).text
    reply = desk.post(address("nameless"), {}, Sec_Fetch_Site="same-origin")
    assert reply.status == 303
    text = wait_until("the end", lambda: _failed(desk))
    assert "no name is known yet" in str(text)
    assert str(text).count("Failed</span>") == 5
    assert "state good" not in str(text)


def _failed(desk: Desk) -> str | None:
    text = desk.get(address("nameless")).text
    return text if "The screening failed" in text else None


def test_whoever_may_only_look_sees_no_hit_and_marks_none(desk: Desk, seat: SitDown) -> None:
    """The states are told and that there are hits; names, evidence and forms are not there."""
    screened(desk, "looked at", extracted__full_name="Fatima Khalil")
    seat(PEOPLE["viewer"])
    text = desk.get(address("looked at")).text
    assert "not shown to whoever may only look" in text
    for secret in ("Fatima", "Khalil", "1977", '<form method="post"'):
        assert secret not in text.split('<nav class="tabs"')[1]
    assert mark(desk, "looked at", hit="invented-16", verdict="clear", reason="x").status == 403
    assert desk.post(address("looked at"), {}, Sec_Fetch_Site="same-origin").status == 403


def test_a_foreign_page_marks_nothing(desk: Desk) -> None:
    """A form that another site's page sends is refused."""
    form = {"hit": "invented-18", "verdict": "clear", "reason": "x"}
    reply = desk.post("/session/screening/hit?id=told", form, Sec_Fetch_Site="cross-site")
    assert reply.status == 403


def test_a_running_collector_looks_whether_lists_have_changed(
    entering: Enter, tmp_path: Path
) -> None:
    """Who is put on a list is found in undecided sessions without anybody asking."""
    path = tmp_path / "list.jsonl"
    first, *others = PERSONS.read_text(encoding="utf-8").splitlines(keepends=True)
    path.write_text("".join(others), encoding="utf-8")
    lists = [{"name": "ours", "path": str(path), "covers": COVERS}]
    section = {"local": {"lists": lists}, "look_for_changes": "1s"}
    own = opened(entering, tmp_path / "data", [], exporters={"screening": section})
    assert "invented-01" not in screened(own, "waits", extracted__full_name="Ivan Sokolov")
    path.write_text("".join([first, *others]), encoding="utf-8")
    wait_until("the hit", lambda: "invented-01" in own.get(address("waits")).text)


@pytest.mark.parametrize(("scheme", "size"), [("light", PHONE), ("dark", DESK)])
def test_the_tab_keeps_nobody_out(
    desk: Desk, browser: Browser, scheme: str, size: dict[str, int]
) -> None:
    """axe finds nothing on it, it is no wider than the screen, and a hit is cleared in it."""
    session = f"browsed {scheme}"
    screened(desk, session, extracted__full_name="Omar Abdelrahman Said")
    with pages(browser, desk.url) as opening:
        page = opening(address(session), viewport=size, color_scheme=scheme)
        found = Axe().run(page, options={"runOnly": ALL, "resultTypes": ["violations"]})
        assert found.violations_count == 0, found.generate_report()
        assert page.evaluate("document.documentElement.scrollWidth") <= size["width"]
        page.get_by_label("Why?").fill("the document says 1999")
        page.get_by_role("button", name="Clear").click()
        expect(page.locator(".marked")).to_have_text(re.compile("Somebody else, says local"))
