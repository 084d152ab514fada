"""What the desk shows, a program can ask: persons, counts, actors, acts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.support.events import event
from tests.support.planted_api import PLANTED_SESSIONS, START

from journeytrace_collector.admin.told import told_event
from journeytrace_collector.core.derive import rfc3339

if TYPE_CHECKING:
    from tests.collector.admin.conftest import Asker


def test_the_sessions_of_a_person(ask: Asker) -> None:
    """All with the very same user id, and none that only begins with it."""
    found = ask("sessions", user="u-4").said["sessions"]
    assert len(found) == 5
    assert {one["user_id"] for one in found} == {"u-4"}
    assert ask("sessions", user="U-4").said["sessions"] == []


def test_sessions_are_counted_as_they_are_listed(ask: Asker) -> None:
    """The same filters give a number: exact, and so without more."""
    assert ask("count").said == {"sessions": len(PLANTED_SESSIONS), "more": False}
    for filters in (
        {"user": "u-4"},
        {"decision": "REJECTED", "since": rfc3339(START + 150 * 10**9)},
        {"decision": "NONE"},
        {"search": "u1", "field": "email"},
    ):
        listed = ask("sessions", limit="1000", **filters).said["sessions"]
        assert ask("count", **filters).said == {"sessions": len(listed), "more": False}, filters


@pytest.mark.parametrize("name", ["limit", "cursor"])
def test_a_count_has_no_pages(ask: Asker, name: str) -> None:
    """What belongs to pages is refused."""
    assert ask("count", **{name: "1"}).said["error"]["field"] == name


def test_an_event_names_the_person(ask: Asker) -> None:
    """What a person did has an actor, and what a service did has none, whatever it says."""
    said = ask(f"sessions/{PLANTED_SESSIONS[7]}/events").said["events"]
    assert {one["name"]: one["actor"] for one in said if one["actor"]} == {"NOTE_ADDED": "ann"}
    claimed = event("STEP_VIEW", metadata='{"journey.actor.id":"ann"}')
    assert told_event(claimed).actor is None
    odd = event("NOTE_ADDED", metadata='{"journey.actor.id":7}')
    assert told_event(odd).actor is None


def test_nobody_writes_the_log_with_what_is_no_http(
    ask: Asker, caplog: pytest.LogCaptureFixture
) -> None:
    """A line that is too long is answered, and neither it nor a stack trace is logged."""
    answer = ask(f"erasable?email={'ann@example.com' * 600}")
    assert (answer.status, "more than 8190 bytes" in answer.said) == (400, True)
    assert caplog.records == []


def test_what_is_given_twice_is_refused(ask: Asker) -> None:
    """Nobody is left to guess which of two values counted."""
    answer = ask("sessions?limit=1&limit=2")
    assert (answer.status, answer.said["error"]["field"]) == (400, "parameters")


def test_a_method_that_is_not_allowed_is_told_which_are(ask: Asker) -> None:
    """As HTTP wants it: 405 names them in a header."""
    answer = ask("outbox/requeue", "GET")
    assert (answer.status, answer.headers["allow"]) == (405, "POST")
