"""The pages of a session share a head; each shows its part, and what viewers may see of it."""

from __future__ import annotations

import json
import re
from html import unescape
from typing import Any

import pytest
from tests.desk.conftest import Desk
from tests.desk.review.sessions import PLAIN_REVIEW, REVIEW
from tests.support.events import MINUTE, NOON, event

from journeytrace.catalogue import builtin_catalogue
from journeytrace.conventions import Decision
from journeytrace_collector.core.model import Event
from journeytrace_collector.insight.same import same
from journeytrace_desk.views.documents import MOST_DOCUMENTS, documents
from journeytrace_desk.views.findings import FRAUD, sensitive
from journeytrace_desk.views.form import form

CATALOGUE = builtin_catalogue()
TABS = {
    "Summary": "/session?id=review-1",
    "Form": "/session/form?id=review-1",
    "Passport": "/session/document?id=review-1&document=Passport",
    "Selfie": "/session/document?id=review-1&document=Selfie",
    "Proof of address": "/session/document?id=review-1&document=Proof+of+address",
    "Report": "/session/report?id=review-1",
    "Audit trail": "/session/audit?id=review-1",
    "Tasks": "/session/tasks?id=review-1",
    "AML screening": "/session/screening?id=review-1",
}


def tabs(text: str) -> dict[str, tuple[str, bool]]:
    """Give the address of each tab, and whether it is the one that is shown."""
    (nav,) = re.findall(r'<nav class="tabs".*?</nav>', text, re.DOTALL)
    links = re.findall(r'<a href="([^"]*)"( aria-current="page")?>([^<]*)', nav)
    return {word.strip(): (unescape(address), bool(here)) for address, here, word in links}


@pytest.mark.parametrize("word", TABS)
def test_tabs_share_their_head(room: Desk, word: str) -> None:
    """Each page names session, status, decision and all tabs, and says which one it is."""
    text = room.get(TABS[word]).text
    assert {name: address for name, (address, _) in tabs(text).items()} == TABS
    assert [name for name, (_, here) in tabs(text).items() if here] == [word]
    head = text[: text.index('<nav class="tabs"')]
    assert all(part in head for part in ("u-9", "acme", "Completed", "To review", REVIEW))


@pytest.mark.parametrize("path", ["form", "document", "audit", "tasks"])
def test_tabs_say_what_is_wrong(room: Desk, path: str) -> None:
    """An unknown session is not found, nor is one that somebody may not see; others are asked."""
    assert room.get(f"/session/{path}?id=nowhere").status == 404
    assert room.get(f"/session/{path}?id={REVIEW}", X_Role="nobody").status in {403, 404}
    assert room.get(f"/session/{path}?id={PLAIN_REVIEW}", X_Role="acme-viewer").status == 404
    assert room.get(f"/session/{path}").status == 400
    assert room.get(f"/session/{path}?id={REVIEW}&x=1").status == 400
    assert room.get(f"/session/{path}?id={REVIEW.upper()}").status == 404


def test_whoever_opens_a_tab_has_looked(room: Desk) -> None:
    """A view of any tab is on record before it is shown, with who and from where."""
    text = room.get(f"/session/form?id={REVIEW}", X_Role="two").text
    assert "1990-04-03" in text
    trail = room.get(f"/session/audit?id={REVIEW}&who=tom").text
    assert trail.count("SESSION_VIEWED</code>") == 1
    assert "127.0.0.1" in trail


def test_a_support_code_leads_to_the_tab_of_its_session(room: Desk) -> None:
    """Whoever has only the code lands on the same tab, and keeps what else they asked for."""
    text = room.get(TABS["Summary"]).text
    code = re.search(r'Support code</dt><dd><code class="copy">(\w+)<', text)
    assert code is not None
    reply = room.get(f"/session/audit?id={code[1]}&what=PENDING")
    assert reply.headers["location"] == f"/session/audit?id={REVIEW}&what=PENDING"


def test_the_summary_says_what_was_found(room: Desk) -> None:
    """The analysis with its verdict, its flags, the checks that tell of fraud, and the documents
    with their results stand on the page; what was sent is shown as it is.
    """
    text = room.get(TABS["Summary"]).text
    assert "To review" in text
    assert "passport is genuine" in text
    (signs,) = re.findall(r'<ul class="signs">.*?</ul>', text, re.DOTALL)
    assert re.findall(r"<a [^>]*>([^<]*)</a>", signs) == [
        "face does not match",
        "&lt;b&gt;bold&lt;/b&gt;",
        "FACE_COMPARE",
    ]
    (listed,) = re.findall(r'<ul class="documents">.*?</ul>', text, re.DOTALL)
    results = re.findall(r'<li><a [^>]*>([^<]*)</a>.*?<span class="dec (\w+)"', listed, re.DOTALL)
    assert results == [
        ("Passport", "APPROVED"),
        ("Selfie", "REJECTED"),
        ("Proof of address", "none"),
    ]


def test_without_an_analysis_the_events_themselves_are_told(room: Desk) -> None:
    """What was decided without a person stands there, and that nobody analysed it."""
    text = room.get(f"/session?id={PLAIN_REVIEW}").text
    assert "No analysis was sent" in text
    assert tabs(text).keys() == {
        "Summary",
        "Form",
        "Report",
        "Audit trail",
        "Tasks",
        "AML screening",
    }


def test_a_viewer_sees_that_there_is_something_and_not_what(room: Desk) -> None:
    """What was typed, read off, noted and told of the person is hidden, wherever it stands."""
    for path in TABS.values():
        text = room.get(path, X_Role="viewer").text
        for hidden in ("1990-04-03", "MIN JOON", "M12345678", "genuine", "called twice"):
            assert hidden not in text, path
        assert not re.search(r'action="/session/(note|task|assign|audit.csv)', text), path
    text = room.get(TABS["Form"], X_Role="viewer").text
    assert ("first_name" in text, "differ</span>" in text) == (True, False)


def test_a_note_is_kept_and_shown(rooms: Desk) -> None:
    """It is written by an analyst, shown as it was typed, and leads back to the page."""
    path = f"/session/note?id={REVIEW}"
    reply = rooms.post(path, {"text": " Two lines\r\nof <it> "}, X_Role="analyst")
    assert (reply.status, reply.headers["location"]) == (303, f"/session?id={REVIEW}#notes")
    text = rooms.get(f"/session?id={REVIEW}").text
    (notes,) = re.findall(r'<ol class="notes">.*?</ol>', text, re.DOTALL)
    written = re.findall(r'<p class="words">([^<]*)</p><small>(\w+),', notes)
    assert written == [("Two lines\nof &lt;it&gt;", "ana"), ("They called twice.", "ben")]


@pytest.mark.parametrize(
    ("text", "told"), [("  ", "nothing to keep"), ("x" * 4001, "4,001 characters long")]
)
def test_a_note_that_is_wrong_comes_back(room: Desk, text: str, told: str) -> None:
    """What cannot be kept is answered with the page, what was typed, and why."""
    reply = room.post(f"/session/note?id={REVIEW}", {"text": text}, X_Role="analyst")
    assert reply.status == 422
    assert told in reply.text
    (area,) = re.findall(r"<textarea[^>]*>([^<]*)</textarea>", reply.text)
    assert area == text.strip()
    assert 'aria-invalid="true"' in reply.text


@pytest.mark.parametrize("path", ["note", "task", "assign", "audit.csv"])
@pytest.mark.parametrize("role", ["viewer", "kiosk"])
def test_who_may_only_look_does_nothing(room: Desk, path: str, role: str) -> None:
    """A viewer of the project is refused, whatever they are elsewhere, and nothing is recorded."""
    session = PLAIN_REVIEW if role == "kiosk" else REVIEW
    form = {} if path == "audit.csv" else {"text": "x"} if path == "note" else {"to": "x"}
    before = room.get(f"/session/audit?id={session}").text
    reply = room.post(f"/session/{path}?id={session}", form, X_Role=role)
    assert reply.status == 403
    assert "analyst" in reply.text
    assert room.get(f"/session/audit?id={session}").text == before
    assert room.get(f"/session/{path}?id={session}", "GET").status == 405


def check(at: int, name: str, result: str | None, document: str = "ID", **fields: Any) -> Event:
    """Let something happen that belongs to a document."""
    said = json.dumps({"journey.document": document})
    return event(name, NOON + at, result=result, metadata=said, **fields)


@pytest.mark.parametrize(
    ("happened", "decision", "told"),
    [
        ([check(0, "UPLOAD_IMAGE", None)], None, "no checks"),
        ([check(0, "ID_RECOGNITION", "PASS")], Decision.APPROVED, "1 of 1 check passed"),
        (
            [check(0, "ID_RECOGNITION", "PASS"), check(1, "MRZ_VALIDATION", "FAIL")],
            Decision.REJECTED,
            "1 of 2 checks passed",
        ),
        (
            [check(0, "ID_RECOGNITION", "FAIL"), check(1, "ID_RECOGNITION", "PASS")],
            Decision.APPROVED,
            "1 of 1 check passed",
        ),
        ([check(0, "STEP_VIEW", "FAIL")], None, "no checks"),
        ([check(0, "REJECTED", "FAIL")], None, "no checks"),
        ([check(0, "OUR_OWN", "FAIL")], Decision.REJECTED, "0 of 1 check passed"),
    ],
    ids=["none", "passed", "one failed", "again", "seen", "decision", "own"],
)
def test_a_document_is_what_its_checks_came_to(
    happened: list[Event], decision: Decision | None, told: str
) -> None:
    """Rejected where the newest run of a check failed, approved where all passed, else open."""
    (found,) = documents(happened, CATALOGUE)
    assert (found.decision, found.told) == (decision, told)


def test_documents_are_bound() -> None:
    """However many names are sent, the first ones have a tab; blank ones and people's have none."""
    names = [check(n, "UPLOAD_IMAGE", None, f"n{n}") for n in range(MOST_DOCUMENTS + 5)]
    odd = [check(100, "STEP_VIEW", None, " "), check(101, "NOTE_ADDED", None, "note")]
    number = event("STEP_VIEW", NOON, metadata='{"journey.document": 7}')
    found = documents([*names, *odd, number], CATALOGUE)
    assert [one.name for one in found] == [f"n{n}" for n in range(MOST_DOCUMENTS)]


@pytest.mark.parametrize(
    ("one", "other", "is_same"),
    [
        ("Kim", "KIM", True),
        ("Min-jun", "MIN JUN", True),
        ("Müller", "MULLER", True),
        ("\uff2b\uff49\uff4d", "kim", True),
        ("1990-04-03", "03/04/1990", True),
        ("1990-04-03", "19900403", True),
        ("1990-04-03", "4.3.1990", True),
        ("1990-04-03T00:00:00Z", "3 4 1990", True),
        ("1990-04-03", "05/04/1990", False),
        ("31/12/1990", "1990-12-31", True),
        ("03/04/1990", "3-4-1990", True),
        ("Muller", "Miller", False),
        ("1990", "90", False),
        ("김민준", "김 민준", True),
        ("+", "-", False),
        ("", "x", False),
    ],
)
def test_values_are_compared_as_people_would(one: str, other: str, is_same: bool) -> None:
    """Case, width, spaces and punctuation make no difference, nor does how a day is written."""
    assert same(one, other) is is_same
    assert same(other, one) is is_same


def said(at: int, source: str = "BE", **fields: str) -> Event:
    """Let something be typed or read off."""
    keys = {key.replace("__", "."): value for key, value in fields.items()}
    return event("STEP_VIEW", NOON + at, source=source, metadata=json.dumps(keys))


def test_of_each_field_the_newest_value_counts() -> None:
    """What was typed last stands beside what the server read last off each document; what a
    browser calls read off is not.
    """
    first = said(0, form__name="Ann", extracted__name="ANNA", journey__document="ID")
    events = [
        first,
        said(1, form__name="Anna"),
        said(2, "FE", extracted__name="EVE"),
        said(3, extracted__name="Anne", journey__document="Visa"),
        said(4, extracted__name="Bob", journey__document="Visa"),
        said(5, extracted__age="7"),
    ]
    age, name = form(events)
    assert (name.typed, [(one.document, one.value) for one in name.read]) == (
        "Anna",
        [("ID", "ANNA"), ("Visa", "Bob")],
    )
    assert [one.differs for one in name.read] == [False, True]
    assert (name.differs, name.agrees) == (True, False)
    assert (age.typed, age.differs, age.agrees) == (None, False, False)


def test_a_check_that_passed_at_last_is_no_sign_of_fraud() -> None:
    """Of the checks that tell of fraud the newest run counts, and other checks never do."""
    failed = event("FACE_COMPARE", NOON, result="FAIL")
    passed = event("FACE_COMPARE", NOON + MINUTE, result="PASS")
    unread = event("ID_RECOGNITION", NOON, result="FAIL")
    words = [one.word for one in sensitive("s", [failed, unread], CATALOGUE)]
    assert words == ["FACE_COMPARE"]
    assert sensitive("s", [failed, passed, unread], CATALOGUE) == []


def test_open_hits_are_signs_of_risk() -> None:
    """Hits of a screening that nobody has cleared are told, and lead to their tab."""
    ended = event("SCREENING_ENDED", metadata='{"journey.screening.hits":2}')
    (sign,) = sensitive("a b", [ended], CATALOGUE)
    assert (sign.word, sign.address) == (
        "2 hits of the screening",
        "/session/screening?id=a+b",
    )
    assert all(CATALOGUE.events[name].is_check for name in FRAUD)
