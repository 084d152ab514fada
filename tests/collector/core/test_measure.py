from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import permutations, product
from random import Random

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.events import MINUTE, NOON, SECOND, SESSION, event, journeys

from journeytrace.catalogue import Catalogue, ErrorCodeSpec, builtin_catalogue
from journeytrace.conventions import (
    CHECK_DURATION_SECONDS,
    COLLECTOR_TIME_CORRECTED_TOTAL,
    DECISIONS_TOTAL,
    ERROR_CODES_TOTAL,
    EVENTS_TOTAL,
    METRICS,
    SESSION_DURATION_SECONDS,
    SESSION_REVISIONS_TOTAL,
    SESSIONS_SETTLED_TOTAL,
    SESSIONS_STARTED_TOTAL,
    SETTLED_CORRECTIONS_TOTAL,
    STAGE_DURATION_SECONDS,
    STAGE_REACHED_TOTAL,
    Impact,
    Metric,
    Status,
)
from journeytrace.identity import trace_id
from journeytrace_collector.core import sessionize
from journeytrace_collector.core.change import Change, Exemplar, SessionChange, Settlement, Tally
from journeytrace_collector.core.measure import MAX_ERROR_CODES, Measure
from journeytrace_collector.core.model import Event
from journeytrace_collector.core.series import MAX_ERROR_CODE, bounds, observe
from journeytrace_collector.core.sessionize import SessionState, merge

CATALOGUE = builtin_catalogue()
UP_TO_STEP2 = CATALOGUE.ordered_stages[: CATALOGUE.ordered_stages.index("STEP2") + 1]
HISTOGRAMS = [metric.name for metric in METRICS if metric.kind == "histogram"]


Rest = tuple[Status, frozenset[str]]
"""A status, and the stages that were seen."""
RESTS: list[Rest] = [
    (status, frozenset(stages))
    for status in (Status.DROPPED, Status.ERROR, Status.COMPLETED)
    for stages in ((), ("STEP1",), ("STEP1", "STEP2"))
]


def state_of(events: Sequence[Event]) -> SessionState:
    """Fold events of one session."""
    return sessionize.state_of(events, CATALOGUE)


def changes(batches: Iterable[Sequence[Event]]) -> list[Change]:
    """Make of each batch the change that a store makes: the first to come under an id counts."""
    states: dict[str, SessionState] = {}
    seen = set()
    made = []
    for batch in batches:
        fresh = defaultdict(list)
        for one in batch:
            if (one.session_id, one.event_id) not in seen:
                seen.add((one.session_id, one.event_id))
                fresh[one.session_id].append(one)
        change = Change(NOON)
        for session, events in fresh.items():
            before = states.get(session)
            states[session] = after = (
                state_of(events) if before is None else merge(before, state_of(events))
            )
            change.sessions.append(SessionChange(before, after, events))
        made.append(change)
    return made


def total(*batches: Sequence[Event], measure: Measure | None = None) -> Tally:
    """Count batches one after the other, each committed."""
    measure = measure or Measure(CATALOGUE)
    counted = Tally()
    for change in changes(batches):
        tally = measure.tally(change)
        measure.learn(tally)
        for (name, labels), by in tally.rises.items():
            counted.add(name, labels, by)
        counted.exemplars |= tally.exemplars
    return counted


def risen(tally: Tally, metric: Metric, suffix: str = "") -> dict[tuple[str, ...], float]:
    """Give the series of a metric that have risen."""
    return {
        labels: by
        for (name, labels), by in tally.rises.items()
        if name == metric.name + suffix and by
    }


def settled(events: Sequence[Event], before: Status | None = None) -> Tally:
    """Count that a session comes to rest as COMPLETED."""
    state = state_of(events)
    settlement = Settlement(0 if before is None else 1, before, Status.COMPLETED)
    change = Change(NOON, [SessionChange(state, state, settlement=settlement)])
    return Measure(CATALOGUE).tally(change)


def test_an_event_counts_with_what_it_came_to() -> None:
    """The labels are the event's own source, stage and impact, not the catalogue's."""
    fail = event("FACE_COMPARE", result="FAIL", impact="BLOCKED", source="FE", project_id="acme")
    labels = ("acme", "FACE_COMPARE", "FE", "STEP2", "BLOCKED")
    assert risen(total([fail]), EVENTS_TOTAL) == {labels: 1}


def test_what_nobody_announced_counts_as_other() -> None:
    """Event and stage names that senders make up do not become labels; no stage is empty."""
    made_up = event("MADE_UP", stage="MADE_UP_TOO")
    nowhere = event("MADE_UP_AGAIN")
    assert risen(total([made_up, nowhere]), EVENTS_TOTAL) == {
        ("", "other", "BE", "other", "NONE"): 1,
        ("", "other", "BE", "", "NONE"): 1,
    }


def test_the_project_is_the_session_s_after_the_change() -> None:
    """Events count for the project that their session is known to have by then."""
    first = event("STEP_VIEW", NOON)
    second = event("PAGE_HIDDEN", NOON + SECOND)
    third = event("PAGE_VISIBLE", NOON + 2 * SECOND, project_id="acme")
    counted = risen(total([first], [second, third]), EVENTS_TOTAL)
    assert {labels[:2] for labels in counted} == {
        ("", "STEP_VIEW"),
        ("acme", "PAGE_HIDDEN"),
        ("acme", "PAGE_VISIBLE"),
    }


def one_session_each(*projects: str) -> list[Event]:
    """Give the first event of a session of each project."""
    return [event("STEP_VIEW", session_id=f"s-{name}", project_id=name) for name in projects]


def test_projects_above_the_cap_count_as_other() -> None:
    """First come, first served; within one transaction in the order of their names."""
    measure = Measure(CATALOGUE, max_projects=2)
    counted = total(one_session_each("m"), one_session_each("z", "b", "y"), measure=measure)
    assert risen(counted, SESSIONS_STARTED_TOTAL) == {("m",): 1, ("b",): 1, ("other",): 2}


def test_configured_projects_always_have_labels() -> None:
    """The cap is for projects that nobody announced."""
    measure = Measure(CATALOGUE, ["a", "b"], max_projects=1)
    counted = total(one_session_each("c", "b", "a"), measure=measure)
    assert risen(counted, SESSIONS_STARTED_TOTAL) == {("a",): 1, ("b",): 1, ("other",): 1}


def test_projects_with_long_names_count_as_other() -> None:
    """Above 64 characters, configured or not, a name is no label; one of 64 is."""
    fits, long, configured = "x" * 64, "x" * 65, "\N{GRINNING FACE}" * 65
    measure = Measure(CATALOGUE, [configured])
    measure.restore(total(one_session_each(long), measure=Measure(CATALOGUE)))
    counted = total(one_session_each(fits, long, configured), measure=measure)
    assert risen(counted, SESSIONS_STARTED_TOTAL) == {(fits,): 1, ("other",): 2}


def test_a_sender_cannot_make_series_without_end() -> None:
    """Of every event in every disguise each is counted, in some 5,000 series more than foreseen."""
    disguises = product(CATALOGUE.events, ("FE", "BE"), CATALOGUE.stages, [i.value for i in Impact])
    events = [
        event(name, NOON + n, source=source, stage=stage, impact=impact)
        for n, (name, source, stage, impact) in enumerate(disguises)
    ]
    measure = Measure(CATALOGUE)
    first, rest = events[: len(events) // 9], events[len(events) // 9 :]
    counted = risen(total(first, measure=measure), EVENTS_TOTAL)
    measure.restore(total(first, measure=Measure(CATALOGUE)))
    for labels, value in risen(total(rest, measure=measure), EVENTS_TOTAL).items():
        counted[labels] = counted.get(labels, 0) + value
    assert sum(counted.values()) == len(events) > 15_000
    assert len(counted) <= 5_300


def test_projects_stay_what_they_are_over_a_restart() -> None:
    """Who had labels before has them again, and who had none has none."""
    counters = total(one_session_each("m", "n"), measure=Measure(CATALOGUE, max_projects=1))
    measure = Measure(CATALOGUE, max_projects=1)
    measure.restore(counters)
    counted = total(one_session_each("a", "m"), measure=measure)
    assert risen(counted, SESSIONS_STARTED_TOTAL) == {("m",): 1, ("other",): 1}


def test_a_session_starts_once() -> None:
    """Later events of a session do not start it again."""
    counted = total([event("STEP_VIEW")], [event("STEP_VIEW", NOON + SECOND)])
    assert risen(counted, SESSIONS_STARTED_TOTAL) == {("",): 1}


def test_decisions_count_when_they_change() -> None:
    """The first and each that differs, its reason included; not one that says the same again."""
    steps = [
        ("PENDING", "COUNTRY_MISMATCH"),
        ("PENDING", "COUNTRY_MISMATCH"),
        ("PENDING", "CUSTOM_POLICY"),
        ("REJECTED", "OUR_OWN"),
        ("REJECTED", None),
        ("APPROVED", None),
    ]
    events = [
        [event(name, NOON + at * SECOND, reason=reason)] for at, (name, reason) in enumerate(steps)
    ]
    assert risen(total(*events), DECISIONS_TOTAL) == {
        ("", "PENDING", "COUNTRY_MISMATCH"): 1,
        ("", "PENDING", "CUSTOM_POLICY"): 1,
        ("", "REJECTED", "other"): 1,
        ("", "REJECTED", ""): 1,
        ("", "APPROVED", ""): 1,
    }


def test_an_older_decision_that_comes_late_changes_nothing() -> None:
    """What counts is the newest decision, not the last to arrive."""
    late = event("PENDING", NOON - MINUTE)
    counted = total([event("APPROVED")], [late])
    assert risen(counted, DECISIONS_TOTAL) == {("", "APPROVED", ""): 1}


def test_a_stage_is_reached_once() -> None:
    """Going back and forth between stages does not reach them again; stages without order never."""
    there_and_back = ["STEP1_ENTERED", "STEP2_ENTERED", "STEP1_COMPLETED", "ALERT_SHOWN"]
    batches = [[event(name, NOON + i * SECOND)] for i, name in enumerate(there_and_back)]
    counted = risen(total(*batches), STAGE_REACHED_TOTAL)
    assert counted == dict.fromkeys([("", stage) for stage in UP_TO_STEP2], 1)


@pytest.mark.parametrize("order", [*permutations(["STEP1_ENTERED", "STEP2_ENTERED", "STEP_VIEW"])])
def test_a_stage_that_is_skipped_has_been_passed(order: tuple[str, ...]) -> None:
    """PRE_STEP2 is optional: who comes to STEP2 came as far, in whatever order events arrive."""
    counted = total(*[[event(name, NOON)] for name in order])
    reached = risen(counted, STAGE_REACHED_TOTAL)
    assert reached == dict.fromkeys([("", stage) for stage in UP_TO_STEP2], 1)


def test_settling_counts_status_and_highest_stage() -> None:
    """A session without ordered stage settles with an empty one."""
    steps = [event("STEP1_ENTERED"), event("STEP2_ENTERED", NOON + MINUTE)]
    assert risen(settled(steps), SESSIONS_SETTLED_TOTAL) == {("", "COMPLETED", "STEP2"): 1}
    nowhere = settled([event("ALERT_SHOWN", stage=None)])
    assert risen(nowhere, SESSIONS_SETTLED_TOTAL) == {("", "COMPLETED", ""): 1}


def test_settling_again_counts_as_revision_alone() -> None:
    """Neither the session nor its durations count twice."""
    again = settled([event("STEP1_ENTERED")], before=Status.DROPPED)
    assert risen(again, SESSION_REVISIONS_TOTAL) == {("", "DROPPED", "COMPLETED"): 1}
    assert not risen(again, SESSIONS_SETTLED_TOTAL)
    assert not risen(again, SESSION_DURATION_SECONDS, "_count")
    assert not risen(again, STAGE_DURATION_SECONDS, "_count")


@given(st.lists(st.tuples(st.integers(0, 1), st.sampled_from(RESTS)), max_size=8))
def test_corrected_settlements_tell_how_sessions_rest_now(rests: list[tuple[int, Rest]]) -> None:
    """First settlements, and what corrections add and remove, give each session where it is."""
    measure, now, net = (
        Measure(CATALOGUE),
        dict[int, Rest](),
        defaultdict[tuple[str, ...], float](float),
    )
    for session, (status, fresh) in rests:
        before, told = now.get(session, (None, frozenset()))
        stages = fresh | told
        now[session] = (status, stages)
        names = [f"{stage}_ENTERED" for stage in stages] or ["ALERT_SHOWN"]
        state = state_of([event(name, session_id=str(session)) for name in names])
        settlement = Settlement(0 if before is None else 1, before, status, told)
        change = Change(NOON, [SessionChange(state, state, settlement=settlement)])
        tally = measure.tally(change)
        for labels, by in risen(tally, SESSIONS_SETTLED_TOTAL).items():
            net[labels] += by
        for labels, by in risen(tally, SETTLED_CORRECTIONS_TOTAL).items():
            net[labels[:-1]] += by if labels[-1] == "added" else -by
    expected = Counter(("", status, max(stages, default="")) for status, stages in now.values())
    assert {labels: by for labels, by in net.items() if by} == expected


def test_error_codes_count_by_project() -> None:
    """Each event that had one, whatever the catalogue says of it; a long one is no label."""
    codes = ["QS-10001", "page-not-found", "QS-10001", "x" * (MAX_ERROR_CODE + 1)]
    shown = [
        event("ERROR_PAGE_VIEWED", NOON + at, project_id="acme", error_code=code)
        for at, code in enumerate(codes)
    ]
    assert risen(total(shown), ERROR_CODES_TOTAL) == {
        ("acme", "QS-10001"): 2,
        ("acme", "page-not-found"): 1,
        ("acme", "other"): 1,
    }


def test_made_up_error_codes_cannot_multiply_series() -> None:
    """Beyond the cap they count as other; those that were there before go on, also restarted."""
    measure = Measure(CATALOGUE)
    made_up = [
        event("ERROR_PAGE_VIEWED", NOON + n, error_code=f"{n:05}")
        for n in range(MAX_ERROR_CODES + 5)
    ]
    counted = risen(total(made_up, measure=measure), ERROR_CODES_TOTAL)
    assert len(counted) == MAX_ERROR_CODES + 1
    assert counted["", "other"] == 5
    again = [event("ERROR_PAGE_VIEWED", NOON, error_code=code) for code in ("00000", "new")]
    restarted = Measure(CATALOGUE)
    restarted.restore(total(made_up))
    for one in (measure, restarted):
        assert risen(total(again[:1], measure=one), ERROR_CODES_TOTAL) == {("", "00000"): 1}
        assert risen(total(again[1:], measure=one), ERROR_CODES_TOTAL) == {("", "other"): 1}


def with_codes(*codes: str) -> Catalogue:
    """Give the catalogue of a user who says what these error codes mean."""
    return replace(CATALOGUE, error_codes={code: ErrorCodeSpec(code, "It is.") for code in codes})


def test_error_codes_of_the_catalogue_start_at_0() -> None:
    """In every project, as does what counts as other; a code too long for a label does not."""
    catalogue = with_codes("QS-10001", "x" * (MAX_ERROR_CODE + 1))
    rises = Measure(catalogue, ["acme"]).tally(Change(NOON)).rises
    shown = {labels: by for (name, labels), by in rises.items() if name == ERROR_CODES_TOTAL.name}
    assert shown == {(p, code): 0 for p in ("", "acme") for code in ("QS-10001", "other")}


def test_error_codes_of_the_catalogue_take_no_room() -> None:
    """With as many made up as there may be, one of the catalogue has its own label; also restarted.

    Nor do they, or what counts as other, keep the last that fits from having one.
    """
    catalogue = with_codes("QS-10001", "QS-10002")
    made_up = [
        event("ERROR_PAGE_VIEWED", NOON + n, error_code=f"{n:05}")
        for n in range(MAX_ERROR_CODES - 1)
    ]
    own = [event("ERROR_PAGE_VIEWED", NOON + 1, error_code="QS-10001")]
    measure, restarted = Measure(catalogue), Measure(catalogue)
    counted = total([*own, *made_up], measure=measure)
    restarted.restore(counted)
    assert risen(counted, ERROR_CODES_TOTAL)["", "QS-10001"] == 1
    beyond = [event("ERROR_PAGE_VIEWED", NOON, error_code=code) for code in ("last", "more")]
    for one in (measure, restarted):
        for shown, label in ((beyond[0], "last"), (beyond[1], "other"), (own[0], "QS-10001")):
            assert risen(total([shown], measure=one), ERROR_CODES_TOTAL) == {("", label): 1}


def test_bounds_of_earlier_versions_stay() -> None:
    """A store holds what was counted under them, and what comes must be counted by them as well."""
    released = {
        "journey_check_duration_seconds": "0.01 0.025 0.05 0.1 0.25 0.5 1 2.5 5 10 30 60",
        "journey_session_duration_seconds": "10 30 60 120 180 300 450 600 900 1200 1800 3600 14400"
        " 86400",
        "journey_stage_duration_seconds": "1 2.5 5 10 20 30 60 120 180 300 600 1200 3600",
    }
    now = {metric.name: metric.buckets for metric in METRICS}
    for name, text in released.items():
        assert {float(bound) for bound in text.split()} <= set(now[name]), name


def test_durations_run_to_the_end_of_the_last_event() -> None:
    """Of the session, and of each of its stages."""
    steps = [
        event("STEP1_ENTERED"),
        event("FACE_COMPARE", NOON + 90 * SECOND, duration=5 * SECOND),
    ]
    counted = settled(steps)
    assert risen(counted, SESSION_DURATION_SECONDS, "_sum") == {("", "COMPLETED"): 95}
    assert risen(counted, SESSION_DURATION_SECONDS, "_bucket") == {("", "COMPLETED", "120.0"): 1}
    assert risen(counted, STAGE_DURATION_SECONDS, "_sum") == {("", "STEP2"): 5}
    assert risen(counted, STAGE_DURATION_SECONDS, "_count") == {("", "STEP1"): 1, ("", "STEP2"): 1}


def test_checks_are_timed_with_the_trace_behind_them() -> None:
    """An exemplar leads from the bucket to the session, at the collector's time."""
    check = event("FACE_COMPARE", NOON - MINUTE, result="PASS", duration=SECOND // 4)
    bucket = ("journey_check_duration_seconds_bucket", ("FACE_COMPARE", "0.25"))
    counted = total([check])
    assert counted.rises[bucket] == 1
    assert counted.exemplars[bucket] == Exemplar(SESSION.replace("-", ""), 0.25, NOON)


@pytest.mark.parametrize("order", [(1, 2), (2, 1)])
def test_of_one_transaction_a_bucket_keeps_its_slowest_trace(order: tuple[int, int]) -> None:
    """There is room for one, and the order of events within a transaction means nothing."""
    checks = [
        event("FACE_COMPARE", session_id=f"s-{n}", result="PASS", duration=SECOND // 2 + n)
        for n in order
    ]
    [exemplar] = total(checks).exemplars.values()
    assert exemplar.trace_id == trace_id("s-2").hex()


@pytest.mark.parametrize(
    "untimed",
    [
        event("FACE_COMPARE", duration=SECOND),
        event("FACE_COMPARE", result="PASS"),
        event("OUR_OWN_CHECK", result="PASS", duration=SECOND),
    ],
    ids=["no result", "no duration", "not in the catalogue"],
)
def test_only_timed_checks_of_the_catalogue_have_a_duration(untimed: Event) -> None:
    """Anything else would tell of a time that nobody measured, or multiply series."""
    assert not risen(total([untimed]), CHECK_DURATION_SECONDS, "_count")


def test_a_bucket_holds_its_upper_bound() -> None:
    """As in Prometheus, where le means less or equal."""
    tally = Tally()
    for value in (0.01, 0.011, 60, 61):
        observe(tally, CHECK_DURATION_SECONDS, ("X",), value)
    found = {
        labels[1]: by for labels, by in risen(tally, CHECK_DURATION_SECONDS, "_bucket").items()
    }
    assert found == {"0.01": 1, "0.025": 1, "60.0": 1, "+Inf": 1}
    assert set(found) < set(bounds(CHECK_DURATION_SECONDS))


def test_events_whose_time_was_not_believed_count_by_project() -> None:
    """Once each; an event that merely mentions the word does not."""
    off = event("STEP_VIEW", project_id="acme", metadata='{"journey.time.sent":"1970-01-01"}')
    mentions = event("STEP1_ENTERED", project_id="acme", metadata='{"note":"journey.time.sent"}')
    counted = total([off, mentions])
    assert risen(counted, COLLECTOR_TIME_CORRECTED_TOTAL) == {("acme",): 1}


def test_records_count_by_what_became_of_them() -> None:
    """Those that gave no event count apart from events."""
    records = {"new": 1, "duplicate": 2, "refused": 3, "rejected": 4, "ignored": 5, "erased": 6}
    records["forgotten"] = 7
    counted = Measure(CATALOGUE).tally(Change(NOON, records=records)).rises
    assert {series: by for series, by in counted.items() if by} == {
        ("journey_collector_events_total", ("accepted",)): 1,
        ("journey_collector_events_total", ("duplicate",)): 2,
        ("journey_collector_events_total", ("refused",)): 3,
        ("journey_collector_events_total", ("forgotten",)): 7,
        ("journey_collector_records_total", ("rejected",)): 4,
        ("journey_collector_records_total", ("ignored",)): 5,
        ("journey_collector_sessions_erased_total", ()): 6,
    }


def test_the_first_tally_brings_forth_what_is_known_beforehand() -> None:
    """Configured and restored projects exist from the first transaction, at 0."""
    measure = Measure(CATALOGUE, ["acme"])
    measure.restore(total(one_session_each("old")))
    tally = measure.tally(Change(NOON))
    assert not any(tally.rises.values())
    assert {("journey_sessions_started_total", (p,)) for p in ("", "acme", "old")} <= set(
        tally.rises
    )


def test_a_project_is_born_until_that_is_committed() -> None:
    """A transaction that failed takes its zeros with it, so they come again with the next."""
    measure = Measure(CATALOGUE)
    [change] = changes([one_session_each("acme")])
    unused = ("journey_stage_reached_total", ("acme", "STEP2"))
    assert measure.tally(change).rises[unused] == 0
    again = measure.tally(change)
    assert again.rises[unused] == 0
    measure.learn(again)
    assert unused not in measure.tally(change).rises


@pytest.mark.parametrize("result", [None, "FAIL"])
def test_the_catalogue_s_own_events_raise_born_series_alone(result: str | None) -> None:
    """Whoever keeps to the catalogue is seen from the first event on."""
    born = Measure(CATALOGUE).tally(Change(NOON)).rises
    for name, spec in CATALOGUE.events.items():
        mine = [event(name, result=result, duration=SECOND if spec.is_check else 0)]
        raised = {*total(mine).rises, *settled(mine).rises}
        assert {series for series in raised if not series[0].endswith("_bucket")} <= born.keys()


def test_every_reason_of_the_catalogue_starts_at_0() -> None:
    """So that the first rejection for a reason shows as a rise."""
    rises = Measure(CATALOGUE, ["acme"]).tally(Change(NOON)).rises
    for decision, reason in CATALOGUE.reasons:
        assert rises["journey_decisions_total", ("acme", decision, reason)] == 0


def test_names_that_nobody_foresaw_start_at_0() -> None:
    """They count as one, which is there before the first of them; of either source."""
    rises = Measure(CATALOGUE, ["acme"]).tally(Change(NOON)).rises
    unknown = [event("HOME_MADE", project_id="acme", source=source) for source in ("FE", "BE")]
    reasons = [
        event(name, project_id="acme", reason="HOME_MADE") for name in ("REJECTED", "PENDING")
    ]
    for one in (*unknown, *reasons):
        raised = {series for series, by in total([one]).rises.items() if by}
        assert {series for series in raised if series[1][0] == "acme"} <= rises.keys()


def whole(tally: Tally) -> dict[object, object]:
    """Give what has risen; sums of seconds depend on the order of adding in their last digits."""
    return {series: pytest.approx(by) for series, by in tally.rises.items() if by}


@st.composite
def split_journeys(draw: st.DrawFn) -> tuple[list[Event], list[list[Event]]]:
    """Generate events of one project, together and in batches."""
    events = [msgspec.structs.replace(e, project_id="acme") for e in draw(journeys())]
    cuts = sorted(draw(st.lists(st.integers(0, len(events)), max_size=4)))
    batches = [events[a:b] for a, b in zip([0, *cuts], [*cuts, len(events)], strict=True)]
    return events, batches


@given(split_journeys())
def test_any_split_into_transactions_counts_the_same(
    split: tuple[list[Event], list[list[Event]]],
) -> None:
    """Decisions apart: those that a transaction overtakes were never seen by anybody."""
    events, batches = split
    at_once, apart = whole(total(events)), whole(total(*batches))
    decided = {key for key in apart if isinstance(key, tuple) and key[0] == DECISIONS_TOTAL.name}
    final = {key for key in at_once if isinstance(key, tuple) and key[0] == DECISIONS_TOTAL.name}
    assert final <= decided
    assert {k: v for k, v in apart.items() if k not in decided} == {
        k: v for k, v in at_once.items() if k not in final
    }


@given(journeys(), st.randoms())
def test_a_tally_is_the_same_whatever_the_order(events: list[Event], random: Random) -> None:
    """Sessions and events of one transaction have no order of their own."""
    [change] = changes([events])
    shuffled = Change(
        change.at,
        [
            SessionChange(s.before, s.after, random.sample(list(s.fresh), len(s.fresh)))
            for s in random.sample(change.sessions, len(change.sessions))
        ],
    )
    one, other = (Measure(CATALOGUE, max_projects=1).tally(c) for c in (change, shuffled))
    assert whole(one) == whole(other)
    assert one.exemplars == other.exemplars


@given(split_journeys())
def test_counters_only_rise(split: tuple[list[Event], list[list[Event]]]) -> None:
    """No tally takes anything back, and none counts more events than there are."""
    measure = Measure(CATALOGUE)
    counted = [measure.tally(change) for change in changes(split[1])]
    assert all(by >= 0 for tally in counted for by in tally.rises.values())
    events = sum(sum(risen(tally, EVENTS_TOTAL).values()) for tally in counted)
    assert events == len({(e.session_id, e.event_id) for e in split[0]})


@given(journeys())
def test_a_histogram_s_buckets_add_up_to_its_count(events: list[Event]) -> None:
    """However it is labelled."""
    states = [session.after for change in changes([events]) for session in change.sessions]
    change = Change(
        NOON,
        [SessionChange(s, s, events, settlement=Settlement(0, None, Status.ERROR)) for s in states],
    )
    rises = Measure(CATALOGUE).tally(change).rises
    for name in HISTOGRAMS:
        counts = {labels: by for (n, labels), by in rises.items() if n == f"{name}_count"}
        added: dict[tuple[str, ...], float] = dict.fromkeys(counts, 0)
        for (n, labels), by in rises.items():
            if n == f"{name}_bucket":
                added[labels[:-1]] += by
        assert added == counts
