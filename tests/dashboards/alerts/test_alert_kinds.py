"""Every kind of spike is told, and only that kind; each says what it was last week."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from journeytrace_dashboards.alerts import Settings

Day = Callable[..., Any]

STEP = 5
SETTINGS = replace(Settings(), interval=timedelta(minutes=STEP))
QUIET = 10 * 60
"""Minutes of an ordinary day."""

STARTED = 'journey_sessions_started_total{project="acme"}'
SETTLED = 'journey_sessions_settled_total{{project="acme",stage="STEP1",status="{}"}}'
DECIDED = 'journey_decisions_total{{project="acme",reason="",decision="{}"}}'
RETAKEN = (
    'journey_events_total{project="acme",event="SELFIE",source="FE",stage="SELFIE",impact="RETAKE"}'
)
KINDS = (
    "JourneyErrorSpike",
    "JourneyPendingSpike",
    "JourneyRetakeSpike",
    "JourneyUndecidedSpike",
)


@pytest.mark.parametrize("kind", KINDS)
def test_a_kind_of_trouble_is_told_by_its_name(day: Day, kind: str) -> None:
    """Ten sessions a minute; one kind of trouble leaps from a twentieth to the half of them."""

    def share(name: str) -> tuple[tuple[int, float], ...]:
        return ((QUIET, 0.5), (2 * 60, 5.0 if name == kind else 0.5))

    def rest(name: str) -> tuple[tuple[int, float], ...]:
        return tuple((minutes, 10 - rate) for minutes, rate in share(name))

    today = day(SETTINGS, only=KINDS)
    today.counts(STARTED, (QUIET + 2 * 60, 10))
    today.counts(SETTLED.format("ERROR"), *share("JourneyErrorSpike"))
    today.counts(SETTLED.format("COMPLETED"), *rest("JourneyErrorSpike"))
    today.counts(RETAKEN, *share("JourneyRetakeSpike"))
    made = 10 - 0.5, 10 - (5.0 if kind == "JourneyUndecidedSpike" else 0.5)
    pending = 0.5, 5.0 if kind == "JourneyPendingSpike" else 0.5
    today.counts(DECIDED.format("PENDING"), (QUIET, pending[0]), (2 * 60, pending[1]))
    approved = [now - held for now, held in zip(made, pending, strict=True)]
    today.counts(DECIDED.format("APPROVED"), (QUIET, approved[0]), (2 * 60, max(approved[1], 0)))
    today.expect(QUIET)
    today.expect(QUIET + 110, (f'{kind}{{scope="project",project="acme"}}',))
    today.check()


def test_what_it_was_last_week_is_said(day: Day) -> None:
    """Beside what is usual, which is between that and what it was yesterday."""
    week = 7 * 24 * 60
    today = day(SETTINGS, only=("JourneyErrorSpike",))
    phases = ((2 * 60, 0.5), (6 * 60, 1.0), (week - 60, 0.5), (60, 5.0))
    today.counts(SETTLED.format("ERROR"), *phases)
    today.counts(SETTLED.format("COMPLETED"), *((minutes, 10 - rate) for minutes, rate in phases))
    minute = sum(minutes for minutes, _ in phases) - STEP
    today.expect_text(
        minute,
        "JourneyErrorSpike",
        {"severity": "critical", "topic": "error", "scope": "project", "project": "acme"},
        {
            "summary": "acme: 50% of sessions ended with status ERROR in the last 30m 0s, usually"
            " 6.667%, in the same hours of last week 10%",
            "description": "Many more users than usual end on an error page. The list of sessions"
            " has the error codes.",
            "dashboard": "http://127.0.0.1:3000/d/journeytrace-journeys?var-project=acme"
            "&from=now-6h&to=now",
            "sessions": "http://127.0.0.1:3000/d/journeytrace-sessions?var-project=acme"
            f"&var-status=ERROR&from={(minute - 70) * 60_000}&to={minute * 60_000}",
            "diff": "http://127.0.0.1:9465/diff"
            f"?from={(minute - 70) * 60_000}&to={minute * 60_000}&project=acme",
            "runbook_url": "docs/runbooks/JourneyErrorSpike.md",
        },
    )
    today.check()
