"""The rules that sessions are held against: what each tells, and what no verdict depends on."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.events import IDLE_TIMEOUT, MINUTE, NOON, event

from journeytrace.catalogue import builtin_catalogue
from journeytrace.conventions import (
    ACTOR_ID,
    DECISION,
    PRIVATE_HIT,
    PRIVATE_HITS,
    SCREENING_STATES,
    Status,
)
from journeytrace_collector.core.derive import status
from journeytrace_collector.core.model import Event
from journeytrace_collector.core.sessionize import distinct, fold, merge, state_of
from journeytrace_collector.insight.conformance import Rules, wanted
from journeytrace_collector.insight.rule_file import MOST_RULES, RulesError, rules_of

CATALOGUE = builtin_catalogue()
BUILT_IN = rules_of(None, "", CATALOGUE)
DAY = 24 * 60 * MINUTE
LATER = NOON + DAY
MORE = """
[rules.face-before-approval]
meaning = "Approved before the faces were compared."
when = { event = "FACE_COMPARE" }
before = { first = { event = "FACE_COMPARE", result = "PASS" }, then = { event = "APPROVED", source = "BE" } }

[rules.slow]
meaning = "Took long."
within = { since = { event = "SESSION_CREATED" }, until = { event = "FINAL_PAGE_VIEW" }, limit = "10m" }

[rules.no-errors]
meaning = "Something of the screen blocked."
when = { status = ["COMPLETED", "DROPPED"], project = ["acme", "other"] }
forbids = { source = "FE", impact = "BLOCKED" }
"""  # noqa: E501 - as people write it
RULES = rules_of(MORE, "own.toml", CATALOGUE)


def op(name: str, at: int, by: str, **metadata: Any) -> Event:
    """Make what a person did."""
    return event(name, at, metadata=json.dumps({ACTOR_ID: by, **metadata}))


def hit(identity: str) -> dict[str, Any]:
    """Make a hit of a screening."""
    return {"id": identity, "name": "X", "score": 0.9, "categories": ["pep"]}


def screened(at: int, *hits: str) -> Event:
    """Make the end of a screening."""
    metadata = {
        PRIVATE_HITS: json.dumps([hit(one) for one in hits]),
        f"{SCREENING_STATES}pep": "HITS" if hits else "CLEAR",
    }
    return op("SCREENING_ENDED", at, "screener", **metadata)


def judged(events: list[Event], now: int = LATER, rules: Rules = BUILT_IN) -> tuple[str, ...]:
    """Give the rules that a session violates, by its events."""
    state = state_of(list(distinct(events).values()), CATALOGUE)
    return rules.judge(state, status(state, now, IDLE_TIMEOUT), now, events).violated


FACES = event("FACE_COMPARE", NOON, result="PASS")
PAPER = event("ID_RECOGNITION", NOON, result="PASS")
GOOD = [PAPER, FACES, event("APPROVED", NOON + MINUTE), event("FINAL_PAGE_VIEW", NOON + 2 * MINUTE)]
FAILED = event("FACE_COMPARE", NOON, result="FAIL")
REJECTING = event("SELFIE_DUPLICATE_CHECK", NOON, result="FAIL")
HELD = event("PENDING", NOON + MINUTE)
VIEWED = op("SESSION_VIEWED", NOON + 5 * MINUTE, "ann")
APPROVES = op("VERDICT_APPROVED", NOON + 6 * MINUTE, "ann")
PROPOSES = op("VERDICT_PROPOSED", NOON + 6 * MINUTE - 1, "ann", **{DECISION: "APPROVED"})


@pytest.mark.parametrize(
    ("events", "violated"),
    [
        (GOOD, ()),
        ([PAPER, FAILED, *GOOD[2:]], ("approved-without-face-match",)),
        ([FACES, *GOOD[2:]], ("approved-without-document",)),
        ([*GOOD, REJECTING], ("approved-after-rejecting-check",)),
        ([*GOOD, screened(NOON + 3 * MINUTE, "q1")], ("approved-with-open-hits",)),
        ([*GOOD, screened(NOON + 3 * MINUTE)], ()),
        (
            [
                *GOOD,
                screened(NOON + 3 * MINUTE, "q1"),
                op(
                    "SCREENING_HIT_CLEARED",
                    NOON + 4 * MINUTE,
                    "ann",
                    **{PRIVATE_HIT: "q1"},
                ),
            ],
            (),
        ),
        (GOOD[3:], ("final-page-without-decision",)),
        ([HELD, APPROVES], ("decided-unseen",)),
        ([HELD, VIEWED, APPROVES], ()),
        ([HELD, op("SESSION_VIEWED", NOON, "bob"), APPROVES], ("decided-unseen",)),
        ([HELD, op("SESSION_VIEWED", NOON + 7 * MINUTE, "ann"), APPROVES], ("decided-unseen",)),
        ([HELD, VIEWED, PROPOSES, APPROVES], ("decided-by-proposer",)),
        ([HELD], ()),
    ],
)
def test_each_built_in_rule_finds_what_it_is_there_for(
    events: list[Event], violated: tuple[str, ...]
) -> None:
    """A session violates exactly the rules that its events break."""
    assert judged(events) == violated


def test_a_deadline_is_missed_when_it_has_passed_and_not_before() -> None:
    """What has to follow in time is late from the moment on that the time is over."""
    end = HELD.at + 3 * DAY
    late = op("VERDICT_REJECTED", end + 1, "ann")
    seen = op("SESSION_VIEWED", NOON + MINUTE, "ann")
    assert judged([HELD], end) == ()
    assert judged([HELD], end + 1) == ("held-too-long",)
    assert judged([HELD, seen, late], end + 2) == ("held-too-long",)
    assert judged([HELD, seen, op("VERDICT_REJECTED", end, "ann")], end + 2) == ()


_NAMES = (
    "SESSION_CREATED",
    "ID_RECOGNITION",
    "FACE_COMPARE",
    "SELFIE_DUPLICATE_CHECK",
    "APPROVED",
    "REJECTED",
    "PENDING",
    "FINAL_PAGE_VIEW",
    "ERROR_PAGE_VIEWED",
)
_DONE = ("SESSION_VIEWED", "VERDICT_APPROVED", "VERDICT_REJECTED", "VERDICT_PROPOSED")


@st.composite
def sessions(draw: st.DrawFn) -> list[Event]:
    """Generate the events of one session, none of them twice."""
    times = st.integers(0, 20).map(lambda minutes: NOON + minutes * MINUTE)
    services = st.builds(
        lambda name, at, result: event(name, at, result=result, project_id="acme"),
        st.sampled_from(_NAMES),
        times,
        st.sampled_from((None, "PASS", "FAIL")),
    )
    people = st.builds(
        lambda name, at, by: op(name, at, by, **{DECISION: "APPROVED"}),
        st.sampled_from(_DONE),
        times,
        st.sampled_from(("ann", "bob")),
    )
    screenings = st.builds(screened, times, st.sampled_from(("q1", "q2")))
    first = draw(services)
    rest = draw(st.lists(st.one_of(services, people, screenings), max_size=12))
    return list(distinct([first, *rest]).values())


@settings(max_examples=150, deadline=None)
@given(events=sessions(), data=st.data())
def test_verdicts_depend_on_the_set_of_events_alone(
    events: list[Event], data: st.DataObject
) -> None:
    """Neither order nor repetition of what comes in, nor how it is split, changes a verdict."""
    whole = judged(events, rules=RULES)
    arriving = data.draw(st.permutations([*events, *data.draw(st.lists(st.sampled_from(events)))]))
    (state,) = fold(arriving, CATALOGUE).values()
    cut = data.draw(st.integers(0, len(events)))
    parts = [state_of(part, CATALOGUE) for part in (events[:cut], events[cut:]) if part]
    merged = merge(*parts) if len(parts) == 2 else parts[0]
    for one in (state, merged):
        now = status(one, LATER, IDLE_TIMEOUT)
        assert RULES.judge(one, now, LATER, arriving).violated == whole


@settings(max_examples=150, deadline=None)
@given(events=sessions(), later=st.integers(0, 60))
def test_what_the_state_tells_the_events_tell_too(events: list[Event], later: int) -> None:
    """A verdict without events is the same with them, and those that rules name are enough."""
    now = NOON + later * MINUTE
    state = state_of(events, CATALOGUE)
    at_rest = status(state, now, IDLE_TIMEOUT)
    told, whole = RULES.judge(state, at_rest, now), RULES.judge(state, at_rest, now, events)
    undecided = {rule.name for rule in told.open}
    assert set(told.violated) == set(whole.violated) - undecided
    names = wanted(told.open)
    read = [one for one in events if not names or one.name in names]
    assert RULES.judge(state, at_rest, now, read).violated == whole.violated
    assert whole.open == ()


@settings(max_examples=100, deadline=None)
@given(events=sessions(), now=st.integers(0, 60), later=st.integers(0, 60))
def test_time_alone_takes_no_missed_deadline_back(
    events: list[Event], now: int, later: int
) -> None:
    """What is late stays late, for the same events."""
    early, late = NOON + now * MINUTE, NOON + (now + later) * MINUTE
    state = state_of(events, CATALOGUE)
    found = [RULES.judge(state, Status.DROPPED, at, events).violated for at in (early, late)]
    assert "slow" not in found[0] or "slow" in found[1]


def test_most_sessions_need_no_events() -> None:
    """Whoever leaves without a decision is told by the state, whatever else happened."""
    left = [event("SESSION_CREATED"), PAPER, FAILED, event("STEP_VIEW", NOON + MINUTE)]
    assert BUILT_IN.judge(state_of(left, CATALOGUE), Status.DROPPED, LATER).open == ()


def test_a_file_overrides_adds_and_switches_off() -> None:
    """A user's file changes the keys that it names, and adds rules of its own."""
    own = """
    [rules.held-too-long]
    within = { since = { event = "PENDING" }, until = { event = "APPROVED" }, limit = "5d" }
    [rules.decided-unseen]
    off = true
    [rules.final-page-without-decision]
    requires = { event = "APPROVED" }
    [rules.phone]
    meaning = "Approved, and the phone was never confirmed."
    when = { decision = ["APPROVED"], project = "acme" }
    requires = { event = "AUXID_PHONE_VERIFICATION_COMPLETED" }
    """
    rules = {rule.name: rule for rule in rules_of(own, "own.toml", CATALOGUE)}
    built_in = {rule.name: rule for rule in BUILT_IN}
    assert rules.keys() == (built_in.keys() - {"decided-unseen"}) | {"phone"}
    held = rules["held-too-long"].within
    assert held is not None
    assert held.limit == 5 * DAY
    assert rules["held-too-long"].meaning == built_in["held-too-long"].meaning
    assert rules["final-page-without-decision"].forbids is None
    assert [name for name, rule in rules.items() if rule.own] == [
        "final-page-without-decision",
        "held-too-long",
        "phone",
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("rules = 1", "rules is an integer, not a table; write [rules] and keys below it"),
        ("[rule.x]", 'rule is no key of this table; did you mean "rules"?'),
        ("[rules.x", "is not valid TOML"),
        ('[rules.My_Rule]\nmeaning="x"', "rules.My_Rule is no usable name; write up to 60"),
        ('[rules.x]\nmeaning="x"', "rules.x demands nothing; write exactly one of requires"),
        (
            '[rules.x]\nmeaning="x"\nrequires={event="APPROVED"}\nforbids={event="APPROVED"}',
            "rules.x demands requires and forbids; write exactly one of",
        ),
        ("[rules.x]\nrequires={event='APPROVED'}", "rules.x.meaning is missing"),
        (
            '[rules.x]\nmeaning="x"\nrequires={event="FACE_COMPAR"}',
            'rules.x.requires.event is "FACE_COMPAR", which is not known; did you mean',
        ),
        ('[rules.x]\nmeaning="x"\nforbids={}', "rules.x.forbids says nothing"),
        ('[rules.x]\nmeaning="x"\nforbids={open_hits="no"}', "open_hits is a string; write true"),
        (
            '[rules.x]\nmeaning="x"\nwithin={since={by="decider"},until={source="BE"},limit="3 h"}',
            'rules.x.within.limit is "3 h"; write a duration such as',
        ),
        (
            '[rules.x]\nmeaning="x"\nbefore={first={},then={event="APPROVED"}}',
            "rules.x.before.first says nothing",
        ),
        (
            '[rules.x]\nmeaning="x"\nwhen={project=[1]}\nforbids={event="APPROVED"}',
            "rules.x.when.project[0] is an integer",
        ),
        ("[rules.decided-unseen]\noff = 1", "rules.decided-unseen.off is an integer; write true"),
    ],
)
def test_a_faulty_file_is_told_what_to_mend(text: str, said: str) -> None:
    """The message names the file, the rule and the key, and what to write instead."""
    with pytest.raises(RulesError, match=r"^own\.toml: ") as told:
        rules_of(text, "own.toml", CATALOGUE)
    assert said in str(told.value)


def test_the_number_of_rules_is_bounded() -> None:
    """More rules than there may be series of are refused."""
    rule = '[rules.r{}]\nmeaning="x"\nforbids={{event="APPROVED"}}\n'
    many = "".join(rule.format(number) for number in range(MOST_RULES))
    with pytest.raises(RulesError, match=f"leave at most {MOST_RULES}"):
        rules_of(many, "own.toml", CATALOGUE)
