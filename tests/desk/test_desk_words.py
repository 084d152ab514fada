"""Times, spans and causes in words."""

from __future__ import annotations

import pytest
from tests.support.events import IDLE_TIMEOUT, NOON, SECOND, done, event

from journeytrace.catalogue import builtin_catalogue
from journeytrace_collector.admin.told import told
from journeytrace_collector.core.derive import Summary
from journeytrace_collector.core.model import Event
from journeytrace_collector.core.sessionize import fold
from journeytrace_collector.store.base import Known
from journeytrace_desk.views import times
from journeytrace_desk.views.decisions import decision_shown
from journeytrace_desk.views.events import chosen, line
from journeytrace_desk.views.session import cause, fingerprint, lasted
from journeytrace_desk.views.sessions import person
from journeytrace_desk.views.timeline import timeline

CATALOGUE = builtin_catalogue()


def summed(*events: Event) -> Summary:
    """Give the summary of one session, long after it ended."""
    (state,) = fold(events, CATALOGUE).values()
    return told(Known(state), NOON + 10**13, IDLE_TIMEOUT, CATALOGUE)


@pytest.mark.parametrize(
    ("ns", "said"),
    [
        (0, "+0:00.000"),
        (66_166_000_000, "+1:06.166"),
        (3_723_000_000_000, "+1:02:03.000"),
        (-5_000_000, "-0:00.005"),
    ],
)
def test_times_are_counted_from_the_start(ns: int, said: str) -> None:
    """Minutes and seconds, hours where there are any; a clock that is off goes below zero."""
    assert times.since(ns) == said


@pytest.mark.parametrize(
    ("seconds", "said", "brief"),
    [
        (0, "less than 1 s", "less than 1 s"),
        (68, "1 min 8 s", "1 min"),
        (3_600, "1 h", "1 h"),
        (3_601, "1 h", "1 h"),
        (90_000, "1 d 1 h", "1 d"),
    ],
)
def test_spans_have_two_units(seconds: int, said: str, brief: str) -> None:
    """The two largest that stand beside each other."""
    assert times.span(seconds * SECOND) == said
    assert times.briefly(seconds * SECOND) == brief


def test_the_cause_names_its_event_and_how_often() -> None:
    """What stood in the way is counted, and its last time leads to its place."""
    fails = {"result": "FAIL", "impact": "RETAKE", "error_code": "QS-10001"}
    events = [
        event("SESSION_CREATED"),
        event("ID_RECOGNITION", NOON + SECOND, **fails),
        event("ID_RECOGNITION", NOON + 2 * SECOND, **fails),
        event("REJECTED", NOON + 3 * SECOND, reason="RETRY_EXHAUSTED"),
    ]
    found = cause(summed(*events), events)
    assert found.lead.startswith("The user was rejected: ")
    assert (found.event, found.times, found.at) == ("ID_RECOGNITION", 2, "+0:02.000")
    assert found.address == f"#e-{events[2].event_id.hex()}"
    assert (found.code, found.end, found.tone) == ("QS-10001", ".", "bad")
    assert found.rest.endswith("The code shown was ")


@pytest.mark.parametrize(
    "events",
    [
        [event("STEP_VIEW")],
        [event("STEP_VIEW"), event("APPROVED", NOON + 1)],
        [event("ERROR_PAGE_VIEWED", error_code="page-not-found")],
        [event("REJECTED", reason="OUR_OWN", error_code="OUR_OWN")],
        [
            event("FACE_COMPARE", result="FAIL", impact="RETAKE", error_code="QS-1"),
            event("REJECTED", NOON + 1, reason="FACE_COMPARE"),
        ],
        [event("PENDING", metadata='{"path":"/x"}'), event("FINAL_PAGE_VIEW", NOON + 1)],
    ],
    ids=lambda events: events[0].name,
)
def test_the_parts_of_a_cause_are_the_whole_of_it(events: list[Event]) -> None:
    """Cut into pieces for the page it says what it says elsewhere."""
    summary = summed(*events)
    found = cause(summary, events)
    assert summary.why is not None
    parts = (found.lead, found.event or "", found.rest + (found.code or "") + found.end)
    joined = f"{parts[0]} {parts[1]}{parts[2]}" if parts[1] else f"{parts[0]} {parts[2]}".strip()
    assert joined == summary.why.text
    assert found.lead.endswith(".")


def test_an_event_shows_the_first_of_its_attributes() -> None:
    """The rest unfolds; what is long is cut in front and whole behind."""
    long = "x" * 100
    found = line(
        event("STEP_VIEW", metadata=f'{{"a":"{long}","b":{{"c":[1]}},"form.d":1}}'), NOON, CATALOGUE
    )
    assert [pair.key for pair in found.brief] == ["a", "b"]
    assert len(found.brief[0].value) < 30
    assert [(pair.value, pair.private) for pair in found.pairs] == [
        (long, False),
        ('{"c": [1]}', False),
        ("1", True),
    ]


def test_the_outcome_of_a_person_is_the_newest_decision() -> None:
    """A later attempt that came to nothing does not take back what was decided."""
    first = summed(event("APPROVED", session_id="a", user_id="u"))
    second = summed(event("STEP_VIEW", NOON + 5 * SECOND, session_id="b", user_id="u"))
    found = person("u", [second, first])
    assert [one.row.session.session_id for one in found.attempts] == ["a", "b"]
    assert found.outcome is not None
    assert found.outcome.session.session_id == "a"
    assert found.lasted == "5 s"


def test_what_people_do_makes_a_session_no_longer() -> None:
    """How long a session took is the user's time, not that of those who looked at it."""
    looked = done("SESSION_VIEWED", NOON + 1_000 * SECOND)
    assert lasted([event("STEP_VIEW"), event("STEP_VIEW", NOON + 5 * SECOND), looked]) == "5 s"


def test_time_counts_from_the_first_event_of_the_journey() -> None:
    """What people did before a session began, as to invite the user, is no part of its time."""
    invited = done("SESSION_INVITED", NOON - 1_000 * SECOND)
    failed = event("AGE_VERIFICATION", NOON + 5 * SECOND, result="FAIL", impact="BLOCKED")
    events = [invited, event("STEP_VIEW"), failed]
    assert lasted(events) == "5 s"
    assert cause(summed(*events), events).at == "+0:05.000"
    ((_, at, name),) = chosen("s", events, {}, 0).jumps
    assert (at, name) == ("+0:05.000", "AGE_VERIFICATION")
    picture = timeline(events, {})
    assert picture.lanes[1].marks[0].title.endswith("+0:05.000")
    assert {label for _, label in picture.ticks} >= {"0:00", "-16:40"}


def test_a_verdict_changes_what_the_page_shows() -> None:
    """Somebody who confirms the decision is news to whoever has the page open."""
    decided = event("APPROVED")
    confirmed = summed(decided, done("VERDICT_APPROVED", NOON + SECOND))
    assert confirmed.decided_by == "ann"
    assert fingerprint(confirmed) != fingerprint(summed(decided))


@pytest.mark.parametrize(
    ("events", "word"),
    [
        ((event("STEP_VIEW"),), None),
        ((event("APPROVED"),), "Approved by AI"),
        ((event("REJECTED"),), "Rejected by AI"),
        ((event("PENDING"),), "To review by AI"),
        ((event("REJECTED"), done("VERDICT_APPROVED")), "Approved by user"),
        ((event("APPROVED"), done("VERDICT_REJECTED")), "Rejected by user"),
        ((event("APPROVED"), done("VERDICT_CONFIRMED", confirms="APPROVED")), "Approved by AI"),
        ((event("REJECTED"), done("VERDICT_CONFIRMED", confirms="REJECTED")), "Rejected by AI"),
        ((event("REJECTED"), done("VERDICT_PROPOSED", confirms="APPROVED")), "Rejected by AI"),
    ],
)
def test_a_decision_says_whose_it_is(events: tuple[Event, ...], word: str | None) -> None:
    """By AI where it was decided automatically, also if a person agreed; by user where one did."""
    first = event("SESSION_CREATED", NOON - SECOND)
    shown = decision_shown(summed(first, *events))
    assert (shown.word if shown else None) == word


def test_what_is_proposed_changes_what_the_page_shows() -> None:
    """Whoever has the page open is told of it."""
    decided, proposed = event("APPROVED"), done("VERDICT_PROPOSED", confirms="REJECTED")
    with_it = summed(decided, proposed)
    assert with_it.proposal is not None
    assert with_it.proposal.proposed_by == "ann"
    assert fingerprint(with_it) != fingerprint(summed(decided))
