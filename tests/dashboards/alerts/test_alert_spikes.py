from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

Day = Callable[..., Any]

QUIET = 9 * 60
"""Minutes of an ordinary day: enough for a baseline."""

GROUPS = (
    "JourneyBlockedSpike",
    "JourneyBlockedEventSpike",
    "JourneyRejectedSpike",
    "JourneyRejectedReasonSpike",
    "JourneyDropOffSpike",
)
"""What is played here."""

STARTED = 'journey_sessions_started_total{{project="{project}",instance="{instance}"}}'
CHECK = (
    'journey_events_total{{project="{project}",instance="{instance}",event="IP_RISK_CHECK",'
    'source="BE",stage="PRE_CHECKS",impact="{impact}"}}'
)
DECISION = (
    'journey_decisions_total{{project="{project}",instance="{instance}",decision="{decision}",'
    'reason="{reason}"}}'
)
BLOCKED = (
    'JourneyBlockedSpike{scope="project",project="acme"}',
    'JourneyBlockedEventSpike{scope="project",project="acme",event="IP_RISK_CHECK"}',
)
REJECTED = (
    'JourneyRejectedSpike{scope="project",project="acme"}',
    'JourneyRejectedReasonSpike{scope="project",project="acme",reason="SELFIE_DUPLICATE"}',
)

Phase = tuple[int, float, float]
"""Minutes, sessions a minute, and which share of them runs into trouble.

Fewer than no sessions: as many, but the counting begins anew.
"""


def play(
    day: Any, *phases: Phase, project: str = "acme", instance: str = "a", since: int = 0
) -> None:
    """Let sessions be blocked by one check, and rejected for one reason, in the same share."""
    labels = {"project": project, "instance": instance}

    def count(series: str, part: Callable[[float], float], **more: str) -> None:
        rises = ((minutes, rate * part(share)) for minutes, rate, share in phases)
        day.counts(series.format(**labels, **more), *rises, since=since)

    count(STARTED, lambda _: 1)
    count(CHECK, lambda share: share, impact="BLOCKED")
    count(CHECK, lambda share: 1 - share, impact="NONE")
    count(DECISION, lambda share: share, decision="REJECTED", reason="SELFIE_DUPLICATE")
    count(DECISION, lambda share: 1 - share, decision="APPROVED", reason="")
    count(DECISION, lambda _: 0, decision="REJECTED", reason="AGE_LIMIT")


def test_a_spike_is_told_and_then_is_over(day: Day) -> None:
    """It fires after its ten minutes, stays fifteen longer than the spike, and resolves.

    What is critical stays half an hour longer.
    """
    today = day(only=GROUPS)
    play(today, (QUIET, 10, 0.05), (60, 10, 0.6), (120, 10, 0.05))
    today.expect(QUIET)
    today.expect(QUIET + 8)
    today.expect(QUIET + 30, (*BLOCKED, *REJECTED))
    today.expect(QUIET + 85, (*BLOCKED, *REJECTED))
    today.expect(QUIET + 110, (BLOCKED[0], REJECTED[0]))
    today.expect(QUIET + 125)
    today.check()


def test_what_was_held_back_is_not_told_when_it_ends(day: Day) -> None:
    """A critical alert stays until the warnings of its topic are over, which last longer."""
    today = day(only=("JourneyBlockedSpike", "JourneyBlockedEventSpike"))
    play(today, (QUIET, 10, 0.05), (60, 10, 0.6), (120, 10, 0.05))
    # Another check that blocks ever so often: seen over all of them the spike ends sooner.
    other = CHECK.replace("IP_RISK_CHECK", "FACE_COMPARE")
    today.counts(other.format(project="acme", instance="a", impact="BLOCKED"), (QUIET + 180, 0.5))
    alerts = 'ALERTS{alertstate="firing",severity="%s"}'
    alone = f"{alerts % 'warning'} unless on (topic, project, scope) {alerts % 'critical'}"
    today.holds(QUIET + 40, f"count({alerts % 'warning'}) == bool 1")
    for minute in range(40, 120):
        today.holds(QUIET + minute, f"(count({alone}) or vector(0)) == bool 0")
    today.check()


def test_it_is_told_with_its_numbers_and_links(day: Day) -> None:
    """Summary, dashboard and runbook, letter by letter, for a project whose name needs quoting."""
    today = day(only=GROUPS)
    play(today, (QUIET, 10, 0.05), (60, 10, 0.6), project="a&b \\\"c'd")
    project = "a&b \"c'd"
    today.expect_text(
        QUIET + 45,
        "JourneyRejectedReasonSpike",
        {
            "severity": "warning",
            "topic": "rejected",
            "scope": "project",
            "project": project,
            "reason": "SELFIE_DUPLICATE",
        },
        {
            "summary": f"{project}: 60% of decisions were REJECTED for SELFIE_DUPLICATE in the last"
            " 30m 0s, usually 5%, with no last week to compare",
            "description": "One reason for rejection stands out, whether or not more users are"
            " turned away in all.",
            "dashboard": "http://127.0.0.1:3000/d/journeytrace-journeys?var-project=a%26b+%22c%27d"
            "&from=now-6h&to=now",
            "sessions": "http://127.0.0.1:3000/d/journeytrace-sessions?var-project=a%26b+%22c%27d"
            "&var-decision=REJECTED&var-reason=SELFIE_DUPLICATE"
            "&from=32100000&to=35100000",
            "diff": "http://127.0.0.1:9465/diff?from=32100000&to=35100000&project=a%26b+%22c%27d",
            "runbook_url": "docs/runbooks/JourneyRejectedReasonSpike.md",
        },
    )
    today.check()


def test_without_a_project_the_texts_hold(day: Day) -> None:
    """Sessions of no project have a baseline, an alert and a link of their own."""
    today = day(only=GROUPS)
    play(today, (QUIET, 10, 0.05), (60, 10, 0.6), project="")
    today.expect_text(
        QUIET + 45,
        "JourneyBlockedSpike",
        {"severity": "critical", "topic": "blocked", "scope": "project"},
        {
            "summary": "no project: 0.60 BLOCKED events a session in the last 30m 0s, usually 0.05,"
            " with no last week to compare",
            "description": "Many more users than usual cannot go on. The panel of the checks that"
            " block most says which check it is.",
            "dashboard": "http://127.0.0.1:3000/d/journeytrace-journeys?var-project=%24__all"
            "&from=now-6h&to=now",
            "sessions": "http://127.0.0.1:3000/d/journeytrace-sessions?var-project=%28none%29"
            "&var-impact=BLOCKED&from=32100000&to=35100000",
            "diff": "http://127.0.0.1:9465/diff?from=32100000&to=35100000&project=%28none%29",
            "runbook_url": "docs/runbooks/JourneyBlockedSpike.md",
        },
    )
    today.check()


def test_a_busy_but_normal_day_is_silent(day: Day) -> None:
    """Six times the sessions, with shares that go up and down as they always do."""

    def hours(rate: float, count: int) -> Iterator[Phase]:
        return ((20, rate, (0.04, 0.07, 0.05)[number % 3]) for number in range(count * 3))

    today = day(only=GROUPS)
    play(today, *hours(10, 12), *hours(60, 8))
    for hour in range(9, 20):
        today.expect(hour * 60)
        today.expect(hour * 60 + 40)
    today.check()


def test_low_volume_is_silent(day: Day) -> None:
    """Twenty-four sessions in half an hour, each of them blocked, after an ordinary day."""
    today = day(only=GROUPS)
    play(today, (QUIET, 10, 0.05), (30, 0, 0), (120, 0.8, 1))
    for minute in range(QUIET, QUIET + 150, 15):
        today.expect(minute)
    today.check()


def test_collectors_are_summed(day: Day) -> None:
    """Three that have too few sessions each to say anything have enough together."""
    today = day(only=GROUPS)
    for instance in "abc":
        play(today, (QUIET, 0.6, 0.05), (60, 0.6, 0.6), instance=instance)
    today.expect(QUIET)
    today.expect(QUIET + 45, (*BLOCKED, *REJECTED))
    today.check()


def test_one_of_several_collectors_does_not_stand_for_all(day: Day) -> None:
    """What looks like a spike where few sessions go is none in the sum."""
    today = day(only=GROUPS)
    play(today, (QUIET, 50, 0.05), (90, 50, 0.05), instance="a")
    play(today, (QUIET, 2, 0.05), (90, 2, 0.6), instance="b")
    for minute in range(QUIET, QUIET + 90, 10):
        today.expect(minute)
    today.check()


def test_a_restart_is_silent(day: Day) -> None:
    """Counters that begin at 0 again are no spike, in the middle of an ordinary day."""
    today = day(only=GROUPS)
    play(today, (QUIET, 10, 0.05), (90, -10, 0.05), instance="a")
    play(today, (QUIET, 10, 0.05), (90, 10, 0.05), instance="b")
    for minute in range(QUIET, QUIET + 90, 5):
        today.expect(minute)
    today.check()


def test_a_restart_hides_no_spike(day: Day) -> None:
    """What is counted after it adds to what was counted before."""
    today = day(only=GROUPS)
    play(today, (QUIET, 10, 0.05), (20, 10, 0.6), (60, -10, 0.6))
    for minute in range(QUIET + 30, QUIET + 70, 5):
        today.expect(minute, (*BLOCKED, *REJECTED))
    today.check()


@pytest.mark.parametrize("since", [0, QUIET])
def test_a_newborn_project_is_silent(day: Day, since: int) -> None:
    """Nobody knows yet what is usual for it, however many of its users are blocked."""
    today = day(only=GROUPS)
    play(today, (QUIET, 10, 0.05), (300, 10, 0.05), project="old")
    play(today, (180, 10, 0.6), (120, 10, 0.9), since=since)
    for minute in range(since, since + 300, 20):
        today.expect(minute)
    today.check()


def test_a_counter_that_is_born_large_is_silent(day: Day) -> None:
    """A reason seen for the first time, with hundreds at once, has no usual and no rise."""
    today = day(only=GROUPS)
    play(today, (QUIET + 120, 10, 0.05))
    name = DECISION.format(project="acme", instance="a", decision="REJECTED", reason="other")
    today.shows(name, (QUIET, None), (120, 500))
    for minute in range(QUIET, QUIET + 120, 10):
        today.expect(minute)
    today.check()


def test_one_reason_can_stand_out_alone(day: Day) -> None:
    """It takes over from the others: as many are rejected as ever, but not for what they were."""
    today = day(only=GROUPS)
    decision = {"project": "acme", "instance": "a"}
    for reason, before, after in (("AGE_LIMIT", 3, 0), ("LIVENESS_FAIL", 0, 3)):
        name = DECISION.format(**decision, decision="REJECTED", reason=reason)
        today.counts(name, (QUIET, before), (60, after))
    name = DECISION.format(**decision, decision="APPROVED", reason="")
    today.counts(name, (QUIET, 7), (60, 7))
    alert = 'JourneyRejectedReasonSpike{scope="project",project="acme",reason="LIVENESS_FAIL"}'
    today.expect(QUIET + 45, (alert,))
    today.check()


def test_what_the_screen_reports_is_measured_by_sessions(day: Day) -> None:
    """A camera that fails has no runs that pass, and is noticed all the same."""
    today = day(only=GROUPS)
    play(today, (QUIET, 10, 0.05), (60, 10, 0.05))
    today.counts(
        'journey_events_total{project="acme",instance="a",event="CAMERA_ERROR",source="FE",'
        'stage="CAMERA",impact="BLOCKED"}',
        (QUIET, 0.1),
        (60, 4),
    )
    event = 'JourneyBlockedEventSpike{scope="project",project="acme",event="CAMERA_ERROR"}'
    today.expect(QUIET + 45, ('JourneyBlockedSpike{scope="project",project="acme"}', event))
    today.check()


def test_drop_off_is_told_by_stage_and_not_by_falling_traffic(day: Day) -> None:
    """Traffic that falls to a fifth is silent; then one stage loses its users."""
    today = day(only=GROUPS)
    reached = 'journey_stage_reached_total{project="acme",stage="STEP2"}'
    dropped = 'journey_sessions_settled_total{project="acme",stage="STEP2",status="DROPPED"}'
    # Sessions are dropped twenty minutes after they came.
    today.counts(reached, (QUIET, 10), (180, 2), (180, 2))
    today.counts(dropped, (QUIET + 20, 2), (180, 0.4), (160, 1.9))
    for minute in range(QUIET, QUIET + 200, 10):
        today.expect(minute)
    today.expect(
        QUIET + 290, ('JourneyDropOffSpike{scope="project",project="acme",stage="STEP2"}',)
    )
    today.check()
