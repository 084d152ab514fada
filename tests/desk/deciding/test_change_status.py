"""Change status: what a person decides, how it is asked, and how it is shown."""

from __future__ import annotations

import pytest
from tests.desk.conftest import Desk
from tests.desk.deciding.conftest import FORM, Case, told, version_in


def decided(case: Case) -> list[object]:
    """Give what is decided, by whom, and why."""
    keys = ("decision", "decided_by", "reason", "reason_text", "automatic_decision")
    return [case.summary()[key] for key in (*keys, "decision_confirmed")]


@pytest.mark.parametrize(
    ("session_id", "form", "found", "word"),
    [
        (
            "rejected-0",
            {"decision": "approve", "text": "The ID is\r\nhers."},
            ["APPROVED", "ann", None, "The ID is\nhers.", "REJECTED", False],
            "Approved by user",
        ),
        (
            "approved-0",
            {"decision": "reject", "reason": "PII_DUPLICATE"},
            ["REJECTED", "ann", "PII_DUPLICATE", None, "APPROVED", False],
            "Rejected by user",
        ),
        (
            "pending-0",
            {"decision": "reject", "text": "Known to us."},
            ["REJECTED", "ann", None, "Known to us.", "PENDING", False],
            "Rejected by user",
        ),
        (
            "approved-1",
            {"decision": "confirm"},
            ["APPROVED", "ann", None, None, "APPROVED", True],
            "Approved by AI",
        ),
        (
            "rejected-1",
            {"decision": "confirm", "text": "Too young."},
            ["REJECTED", "ann", "AGE_VERIFICATION", "Too young.", "REJECTED", True],
            "Rejected by AI",
        ),
        (
            "open-0",
            {"decision": "approve"},
            ["APPROVED", "ann", None, None, None, False],
            "Approved by user",
        ),
    ],
)
def test_a_person_decides(
    office: Desk, session_id: str, form: dict[str, str], found: list[object], word: str
) -> None:
    """What they choose holds, with their name and reason, and every page says it in their words."""
    case = Case(office, session_id)
    reply = case.decide("ann", case.version(), **form)
    assert (reply.status, reply.headers["location"]) == (303, f"/session?id={session_id}")
    assert decided(case) == found
    page = case.page().text
    assert word in page
    assert ("confirmed by ann" in page) is found[-1]
    assert word in office.get("/sessions").text


@pytest.mark.parametrize(
    ("form", "problem"),
    [
        ({}, "Choose one of these"),
        ({"decision": "erase"}, "Choose one of these"),
        ({"decision": "reject", "text": "  "}, "A rejection needs a reason"),
        ({"decision": "reject", "reason": "BECAUSE"}, "This reason is not on the list"),
        ({"decision": "approve", "reason": "PII_DUPLICATE"}, "These are reasons to reject"),
        ({"decision": "approve", "text": "x" * 2001}, "Up to 2,000 characters"),
        ({"decision": "approve", "version": "nonsense"}, "does not say of which state"),
        ({"decision": "confirm"}, "Choose one of these"),
    ],
    ids=["nothing", "unknown", "blank", "reason", "misfit", "long", "version", "confirm"],
)
def test_what_is_wrong_is_said_beside_what_was_typed(
    office: Desk, form: dict[str, str], problem: str
) -> None:
    """A form that says too little is given back as it was filled, and nothing is recorded."""
    case = Case(office, "pending-1")
    sent = {"version": case.version(), "text": "<b>my words</b>", **form}
    reply = case.decide("ann", **sent)
    assert reply.status == 422
    assert problem in reply.text
    if "text" not in form:
        assert "&lt;b&gt;my words&lt;/b&gt;</textarea>" in reply.text
    if form.get("decision") in {"approve", "reject"}:
        assert f'value="{form["decision"]}" required checked' in reply.text
    assert case.done() == []


def test_only_an_analyst_decides(office: Desk) -> None:
    """Who may only look has no way to the form, and is refused with it."""
    case = Case(office, "rejected-2")
    version = case.version()
    viewer = {"X_Role": "viewer"}
    assert "Change status" not in case.page("vic", **viewer).text
    assert "Change status" in case.page("ann").text
    assert case.page("vic", FORM, **viewer).status == 403
    assert case.decide("vic", version, viewer, decision="approve").status == 403
    assert case.done() == []


def test_a_page_of_elsewhere_decides_nothing(office: Desk) -> None:
    """A form that another site lets a browser send is refused."""
    case = Case(office, "rejected-3")
    version = case.version()
    for foreign in ({"Sec_Fetch_Site": "cross-site"}, {"Origin": "https://evil.example"}):
        assert case.decide("ann", version, foreign, decision="approve").status == 403
    assert case.done() == []
    own = {"Sec_Fetch_Site": "same-origin"}
    assert case.decide("ann", version, own, decision="approve").status == 303


def test_who_decides_has_looked(office: Desk) -> None:
    """The form shows the session, so it is on record that it was opened."""
    case = Case(office, "rejected-4")
    case.version("eve")
    events = told(office, f"/{case.session_id}/events?source=OP")["events"]
    assert ("SESSION_VIEWED", "eve") in {(one["name"], one["actor"]) for one in events}


def test_what_is_new_is_told_and_what_was_typed_is_kept(office: Desk) -> None:
    """Who decides of what has moved on hears what is new, and decides again of that."""
    case = Case(office, "pending-2")
    version = case.version("ann")
    office.send(
        "FACE_COMPARE",
        case.session_id,
        journey__event__result="FAIL",
        journey__error__code="PV-1",
    )
    reply = case.decide("ann", version, decision="approve", text="It is fine.")
    assert reply.status == 409
    for text in (
        "FACE_COMPARE",
        "PV-1",
        "It is fine.</textarea>",
        'value="approve" required checked',
    ):
        assert text in reply.text
    assert "STEP_VIEW" not in reply.text
    assert case.done() == []

    # Looking is nothing new; another person's verdict is.
    again = version_in(reply)
    case.page("eve")
    rejected = case.decide("ben", again, decision="reject", text="Not the same face.")
    assert rejected.status == 303
    reply = case.decide("ann", again, decision="approve")
    assert reply.status == 409
    assert "ben: Rejected by user" in reply.text
    assert "Not the same face." in reply.text
    assert case.decide("ann", version_in(reply), decision="approve").status == 303
    assert [one["actor"] for one in case.done()] == ["ben", "ann"]
    assert case.summary()["decision"] == "APPROVED"


def test_a_page_that_is_old_leads_to_what_is_new(office: Desk) -> None:
    """The way from a page to the form knows what that page showed."""
    case = Case(office, "pending-3")
    link = case.page().text.split('class="button" href="')[1].split('"')[0].replace("&amp;", "&")
    assert "New since" not in office.get(link, X_Who="ann").text
    office.send("LIVENESS_CHECK", case.session_id, journey__event__result="FAIL")
    page = office.get(link, X_Who="ann").text
    assert "New since you opened the session" in page
    assert "LIVENESS_CHECK" in page


def test_a_version_of_another_session_is_none(office: Desk) -> None:
    """Nobody decides of one session with the form of another."""
    other = Case(office, "approved-3").version()
    case = Case(office, "approved-4")
    assert case.decide("ann", other, decision="approve").status == 422
    assert case.done() == []


def test_a_late_automatic_decision_changes_nothing(office: Desk) -> None:
    """A verdict stands above what the server decides afterwards, and the page tells both."""
    case = Case(office, "pending-4")
    assert case.decide("ann", case.version(), decision="reject", text="No.").status == 303
    office.send("APPROVED", case.session_id)
    assert decided(case) == ["REJECTED", "ann", None, "No.", "APPROVED", False]
    assert "before that: Approved by AI" in case.page().text
