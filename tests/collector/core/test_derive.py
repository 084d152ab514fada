"""Status, decision and summary of DESIGN section 5, rule by rule."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.support.events import IDLE_TIMEOUT, MINUTE, NOON, SECOND, event

from journeytrace.catalogue import builtin_catalogue, load_catalogue
from journeytrace.conventions import Decision, Impact, Status
from journeytrace_collector.core.derive import Summary, rfc3339, summary
from journeytrace_collector.core.model import Event
from journeytrace_collector.core.sessionize import fold

CATALOGUE = builtin_catalogue()


def derive(*events: Event, now: int = NOON + MINUTE) -> Summary:
    """Summarise one session at `now`."""
    (state,) = fold(events, CATALOGUE).values()
    return summary(state, now, IDLE_TIMEOUT)


def test_final_page_completes() -> None:
    """A FINAL_PAGE_VIEW makes the session COMPLETED, whatever else happens, and decides nothing."""
    found = derive(event("FINAL_PAGE_VIEW"), event("ERROR_PAGE_VIEWED", NOON + 1))
    assert (found.status, found.decision) == (Status.COMPLETED, None)


def test_completed_stays_completed_when_idle() -> None:
    """Time does not drop a completed session."""
    assert derive(event("FINAL_PAGE_VIEW"), now=NOON + 99 * IDLE_TIMEOUT).status == "COMPLETED"


def test_error_page_is_an_error() -> None:
    """An error page that nobody came back from is an ERROR, now and later."""
    for now in (NOON, NOON + 2 * IDLE_TIMEOUT):
        assert derive(event("ERROR_PAGE_VIEWED"), now=now).status == "ERROR"


@pytest.mark.parametrize(
    "name",
    [
        "SESSION_REUSED",
        "FRONT_SESSION_RESUMED",
        "STEP_VIEW",
        "STEP1_ENTERED",
        "VALIDATION_ACCOUNT_ENTERED",
        "STEP2_ENTERED",
    ],
)
def test_a_later_resumption_lifts_an_error(name: str) -> None:
    """After an error page, coming back in any of six ways puts the session in progress again."""
    error = event("ERROR_PAGE_VIEWED", NOON)
    assert derive(error, event(name, NOON + SECOND)).status == "IN_PROGRESS"
    assert derive(error, event(name, NOON - SECOND)).status == "ERROR"


def test_other_events_do_not_lift_an_error() -> None:
    """An event that is no resumption leaves the error standing."""
    assert derive(event("ERROR_PAGE_VIEWED"), event("API_CALL", NOON + 1)).status == "ERROR"


def test_an_error_after_the_resumption_counts() -> None:
    """The newest of error page and resumption decides."""
    events = [event("ERROR_PAGE_VIEWED"), event("STEP_VIEW", NOON + 1)]
    assert derive(*events, event("ERROR_PAGE_VIEWED", NOON + 2)).status == "ERROR"


def test_idle_sessions_are_dropped_at_the_timeout() -> None:
    """A session is DROPPED from exactly 20 minutes after its last event on."""
    seen = event("PAGE_HIDDEN")
    assert derive(seen, now=NOON + IDLE_TIMEOUT - 1).status == "IN_PROGRESS"
    assert derive(seen, now=NOON + IDLE_TIMEOUT).status == "DROPPED"


def test_a_clock_in_the_future_keeps_no_session_alive() -> None:
    """The idle clock never runs ahead of the time of arrival."""
    future = event("STEP_VIEW", NOON + 300 * MINUTE, received=NOON)
    assert derive(future, now=NOON + IDLE_TIMEOUT).status == "DROPPED"


def test_a_late_event_revives_a_dropped_session() -> None:
    """An event that arrives after the timeout, but happened before, turns DROPPED back."""
    now = NOON + IDLE_TIMEOUT + MINUTE
    seen = event("STEP_VIEW")
    assert derive(seen, now=now).status == "DROPPED"
    late = event("CAMERA_REQUESTED", NOON + 10 * MINUTE, received=now)
    assert derive(seen, late, now=now).status == "IN_PROGRESS"


def test_an_event_of_long_ago_revives_nothing() -> None:
    """What arrives now but happened long ago says nothing about the user being there."""
    now = NOON + IDLE_TIMEOUT
    old = event("CAMERA_REQUESTED", NOON - MINUTE, received=now)
    assert derive(event("STEP_VIEW"), old, now=now).status == "DROPPED"


@pytest.mark.parametrize("name", ["APPROVED", "REJECTED", "PENDING"])
def test_the_backend_decides(name: str) -> None:
    """Each of the three BE decision events decides, with its time; the status stays apart."""
    found = derive(event(name, reason="CUSTOM_POLICY"))
    assert found.decision == name
    assert found.decided_at == rfc3339(NOON)
    assert found.status == "IN_PROGRESS"


def test_a_frontend_approved_decides_nothing() -> None:
    """APPROVED seen on the screen is only that."""
    assert derive(event("APPROVED", source="FE")).decision is None


def test_inject_validation_decides_nothing() -> None:
    """INJECT_VALIDATION has impact APPROVED and is no decision."""
    found = derive(event("INJECT_VALIDATION"))
    assert found.decision is None
    assert found.impacts["APPROVED"] == 1


def test_the_newest_decision_stands() -> None:
    """A review that approves after a hold wins, in whatever order the two arrive."""
    hold = event("PENDING", NOON, reason="FACE_AGENT_REVIEW")
    approval = event("APPROVED", NOON + 1)
    for order in ((hold, approval), (approval, hold)):
        found = derive(*order)
        assert (found.decision, found.reason) == (Decision.APPROVED, None)


@pytest.mark.parametrize("name", ["AGE_VERIFICATION", "REGIONAL_VALIDATION", "ADDRESS_COLLECTION"])
def test_a_name_of_both_an_event_and_a_reason(name: str) -> None:
    """The event of that name decides nothing; the reason of that name is kept as given."""
    assert derive(event(name, result="FAIL")).decision is None
    decision = "PENDING" if name == "ADDRESS_COLLECTION" else "REJECTED"
    found = derive(event(name), event(decision, NOON + 1, reason=name))
    assert (found.decision, found.reason) == (decision, name)


@pytest.mark.parametrize("decision", ["REJECTED", "PENDING"])
def test_custom_policy_is_a_reason_of_both(decision: str) -> None:
    """CUSTOM_POLICY goes with a rejection as well as with a hold."""
    found = derive(event(decision, reason="CUSTOM_POLICY"))
    assert (found.decision, found.reason) == (decision, "CUSTOM_POLICY")


def test_created_at_prefers_the_creation_event() -> None:
    """The earliest SESSION_CREATED gives the creation, though earlier events may exist."""
    early = event("FRONT_SESSION_START", NOON - SECOND)
    assert derive(early).created_at == rfc3339(NOON - SECOND)
    assert derive(early, event("SESSION_CREATED")).created_at == rfc3339(NOON)


def test_kept_fields_come_from_the_newest_event_that_has_one() -> None:
    """Submission, user, e-mail, project and error code survive later events that say nothing."""
    fields = {"user_id": "u", "email": "e@example.com", "project_id": "p", "error_code": "ER001"}
    found = derive(
        event("STEP_VIEW", NOON - 1, user_id="old", submission_id="s-0"),
        event("SUBMISSION_CREATED", NOON, submission_id="s-1", **fields),
        event("PAGE_HIDDEN", NOON + 1),
    )
    assert (found.submission_id, found.user_id, found.email) == ("s-1", "u", "e@example.com")
    assert (found.project_id, found.last_error_code) == ("p", "ER001")
    assert (found.last_event, found.last_event_at) == ("PAGE_HIDDEN", rfc3339(NOON + 1))


def test_a_session_without_submission_says_so() -> None:
    """Before STEP1 passes there is no submission id, and null says so."""
    assert derive(event("SESSION_CREATED")).submission_id is None


def test_stage_is_the_highest_ordered_one() -> None:
    """Going back does not lower the stage, and stages without order never count."""
    events = [event("STEP2_ENTERED"), event("STEP1_ENTERED", NOON + 1), event("API_CALL", NOON + 2)]
    assert derive(*events).stage == "STEP2"
    assert derive(event("API_CALL")).stage is None


def test_retention_is_fixed_by_the_creation_event() -> None:
    """30 days unless SESSION_CREATED says otherwise; no other event can."""
    created = event("SESSION_CREATED", retention_days=90)
    later = event("STEP_VIEW", NOON + 1, retention_days=365)
    assert derive(created, later).retention_days == 90
    assert derive(created, later).expires_at == "2026-08-30T12:00:00.000000Z"
    assert derive(later).retention_days == 30


def test_impacts_count_what_was_felt() -> None:
    """Every impact is there, counted by what the events carry and not by the catalogue."""
    found = derive(
        event("FACE_COMPARE", result="FAIL"), event("FACE_COMPARE", NOON + 1, result="PASS")
    )
    assert set(found.impacts) == {impact.value for impact in Impact}
    assert (found.impacts["RETAKE"], found.impacts["NONE"], found.events) == (1, 1, 2)


def test_users_roles_come_from_their_catalogue(tmp_path: Path) -> None:
    """Own events complete a session and own stages are ranked, by the user's file alone."""
    file = tmp_path / "own.toml"
    file.write_text(
        """
        [stages.OUTRO]
        after = "POST"
        [events.OUR_LAST_PAGE]
        source = "FE"
        stage = "OUTRO"
        impact = "COMPLETED"
        role = "complete"
        meaning = "Our own last page."
        """
    )
    own = event("OUR_LAST_PAGE", stage="OUTRO")
    (known,) = fold([own], load_catalogue(file)).values()
    found = summary(known, NOON, IDLE_TIMEOUT)
    assert (found.status, found.stage) == ("COMPLETED", "OUTRO")
    assert (derive(own).status, derive(own).stage) == ("IN_PROGRESS", None)
