"""The admin API's parameters and shapes (DESIGN section 9)."""

from __future__ import annotations

import json
from contextlib import suppress

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.events import NOON, SECOND, event

from journeytrace.catalogue import ErrorCodeSpec
from journeytrace.conventions import Decision, Impact, Result, Source, Status
from journeytrace_collector.admin import api
from journeytrace_collector.admin.told import told_event
from journeytrace_collector.core.marks import OneEvent
from journeytrace_collector.store import SessionQuery


def test_all_parameters_are_read() -> None:
    """Each parameter of the list ends in the query's field of that meaning."""
    query = api.parse_query(
        {
            "status": "DROPPED",
            "decision": "REJECTED",
            "since": "2026-06-01T12:00:00Z",
            "until": "2026-06-01T14:00:01+02:00",
            "search": " ann ",
            "field": "email",
            "limit": "7",
        }
    )
    assert query == SessionQuery(
        status=Status.DROPPED,
        decision=Decision.REJECTED,
        since=NOON,
        until=NOON + SECOND,
        search="ann",
        fields=("email",),
        limit=7,
    )


def test_filters_are_read() -> None:
    """What is about the session and what is about one event of it are told apart."""
    query = api.parse_query(
        {
            "project": "acme",
            "reason": "(none)",
            "error_code": "QS-10001",
            "stage": "STEP1",
            "event": "IP_RISK_CHECK",
            "source": "BE",
            "result": "FAIL",
            "impact": "BLOCKED",
            "corrected": "yes",
            "user": "(none)",
        }
    )
    assert query == SessionQuery(
        user="(none)",
        project="acme",
        reason="",
        error_code="QS-10001",
        stage="STEP1",
        event=OneEvent("IP_RISK_CHECK", Source.BE, Result.FAIL, Impact.BLOCKED, corrected=True),
    )


@pytest.mark.parametrize(
    ("text", "hours"),
    [
        ("2026-06-01", 0),
        ("2026-06-01Z", 0),
        ("2026-06-01+02:00", -2),
        ("2026-06-01T08:00", 8),
        ("2026-06-01T08:00:00-03:00", 11),
    ],
)
def test_dates_and_times_are_of_utc_unless_they_say_otherwise(text: str, hours: int) -> None:
    """A date is the beginning of that day; an offset is heeded wherever it stands."""
    midnight = NOON - 12 * 3600 * SECOND
    assert api.parse_query({"since": text}).since == midnight + hours * 3600 * SECOND


def test_nothing_asked_is_everything() -> None:
    """Without parameters the list is the newest 50 of all sessions."""
    assert api.parse_query({}) == SessionQuery()


def test_undecided_sessions_can_be_asked_for() -> None:
    """The decision NONE means: no decision yet."""
    assert api.parse_query({"decision": "NONE"}) == SessionQuery(undecided=True)


@pytest.mark.parametrize(
    ("name", "value", "allowed"),
    [
        ("status", "APPROVED", "IN_PROGRESS, COMPLETED, DROPPED, ERROR"),
        ("decision", "COMPLETED", "APPROVED, REJECTED, PENDING, NONE"),
        ("since", "yesterday", "RFC 3339"),
        ("until", "2026-06-31", "in UTC where no offset is given"),
        ("impact", "blocked", "BLOCKED, RETAKE"),
        ("result", "FAILED", "PASS, FAIL"),
        ("source", "EV", "FE, BE, OP"),
        ("corrected", "no", "yes"),
        ("event", "", "1 to 512"),
        ("project", "x" * 513, "512"),
        ("field", "password", "session_id, user_id, email"),
        ("limit", "0", "1 to 1000"),
        ("limit", "1001", "1 to 1000"),
        ("limit", "-1", "1 to 1000"),
        ("limit", "9" * 5000, "1 to 1000"),
        ("limit", "ten", "1 to 1000"),
        ("cursor", "!", "next_cursor"),
        ("cursor", "bm90IG91cnM", "next_cursor"),
        ("search", "x" * 513, "512"),
        ("search", " " * 513, "512"),
        ("user", "", "1 to 512"),
        ("statu", "DROPPED", "status, decision"),
    ],
)
def test_a_bad_parameter_is_named_with_what_is_allowed(name: str, value: str, allowed: str) -> None:
    """The error names the parameter and what to write instead."""
    with pytest.raises(api.BadParameterError) as caught:
        api.parse_query({name: value} | ({"search": "x"} if name == "field" else {}))
    assert caught.value.field == name
    assert allowed in caught.value.allowed
    assert name in str(caught.value)


def test_a_field_without_search_is_a_mistake() -> None:
    """Naming a field and not saying what to look for is refused instead of ignored."""
    with pytest.raises(api.BadParameterError, match="field stands without search"):
        api.parse_query({"field": "email"})


@given(st.integers(0, 2**62), st.integers(1, 2**62))
def test_cursors_survive_the_journey(created_at: int, no: int) -> None:
    """A cursor handed out is read back as it was."""
    word = api.write_cursor((created_at, no))
    assert word is not None
    assert api.parse_query({"cursor": word}).after == (created_at, no)
    assert api.write_cursor(None) is None


@given(st.dictionaries(st.sampled_from(["status", "since", "limit", "cursor", "x"]), st.text()))
def test_any_parameters_are_read_or_refused(parameters: dict[str, str]) -> None:
    """No text in any parameter causes anything but a query or a BadParameterError."""
    with suppress(api.BadParameterError):
        api.parse_query(parameters)


@pytest.mark.parametrize(
    "text", ["018F3B5E00007000800000000000000A", " 018f3b5e-0000-7000-8000-00000000000a "]
)
def test_session_ids_are_read_as_pasted(text: str) -> None:
    """A UUID is found however it is spelled, so a trace id copied from Tempo is one too."""
    assert api.parse_session_id(text) == "018f3b5e-0000-7000-8000-00000000000a"


@pytest.mark.parametrize(
    ("ids", "read"),
    [("[1.0, 2, 3e2]", [1, 2, 300]), ("[9223372036854775807]", [2**63 - 1]), ("null", None)],
)
def test_ids_are_read_as_json_has_numbers(ids: str, read: list[int] | None) -> None:
    """1.0 is an integer to JSON Schema, and to some who write JSON."""
    found = api.parse_ids(f'{{"ids": {ids}}}'.encode())
    assert found == read
    assert found is None or {type(one) for one in found} == {int}


@pytest.mark.parametrize("number", ["1.5", "1e300", "1e999", "9" * 400, "9223372036854775808"])
def test_numbers_that_are_no_ids_are_refused(number: str) -> None:
    """However they are written."""
    with pytest.raises(api.BadParameterError, match="ids cannot be read"):
        api.parse_ids(f'{{"ids": [{number}]}}'.encode())


def test_an_event_looks_as_designed() -> None:
    """An event's JSON has the designed keys, times in RFC 3339, and its metadata as an object."""
    found = event(
        "FACE_COMPARE", result="FAIL", metadata='{"score":0.5}', duration=1_500_000, service="kyc"
    )
    assert json.loads(msgspec.json.encode(told_event(found))) == {
        "event_id": found.event_id.hex(),
        "name": "FACE_COMPARE",
        "source": "BE",
        "stage": "STEP2",
        "impact": "RETAKE",
        "result": "FAIL",
        "reason": None,
        "error_code": None,
        "error_meaning": None,
        "error_page": None,
        "actor": None,
        "at": "2026-06-01T12:00:00.000000Z",
        "duration_ms": 1.5,
        "service": "kyc",
        "attributes": {"score": 0.5},
    }


def test_an_event_tells_what_its_code_means() -> None:
    """Beside a code that the catalogue knows stand its meaning and its page."""
    known = {"QS-10001": ErrorCodeSpec("QS-10001", "The ID is blurred.", "https://help.example/1")}
    told = told_event(event("ID_RECOGNITION", error_code="QS-10001"), known)
    assert (told.error_meaning, told.error_page) == (
        "The ID is blurred.",
        "https://help.example/1",
    )
    told = told_event(event("ID_RECOGNITION", error_code="QS-2"), known)
    assert (told.error_code, told.error_meaning, told.error_page) == ("QS-2", None, None)
