"""The made-up journeys are lifelike, complete and the same for the same seed."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from journeytrace import Event
from journeytrace.catalogue import builtin_catalogue
from journeytrace.conventions import Source
from journeytrace_collector.cli.figures import decisions, most_telling, statuses
from journeytrace_collector.demo.journeys import make_journeys
from journeytrace_collector.demo.scenarios import KINDS

seeds = st.integers(min_value=0, max_value=2**32)


@settings(deadline=None)
@given(seeds)
def test_the_same_seed_gives_the_same_journeys(seed: int) -> None:
    """Ids, people, steps and times repeat."""
    assert make_journeys(5, seed) == make_journeys(5, seed)


def test_another_seed_gives_other_people() -> None:
    """No session id comes twice, within a seed or across seeds."""
    journeys = make_journeys(200, 1) + make_journeys(200, 2)
    assert len({journey.person.session_id for journey in journeys}) == 400


@settings(deadline=None)
@given(seeds, st.integers(min_value=20, max_value=40))
def test_twenty_journeys_show_every_kind(seed: int, count: int) -> None:
    """From twenty on, the mix leaves nothing to chance."""
    journeys = make_journeys(count, seed)
    assert len(journeys) == count
    assert {journey.kind for journey in journeys} == set(KINDS)


@settings(deadline=None)
@given(seeds)
def test_every_step_keeps_to_the_catalogue(seed: int) -> None:
    """Checks are catalogued checks, decisions have their reasons, times go forward."""
    catalogue = builtin_catalogue()
    for journey in make_journeys(len(KINDS), seed):
        assert journey.steps[0].event is Event.SESSION_CREATED
        assert journey.ended_ago > 0
        assert all(one.at <= other.at for one, other in pairwise(journey.steps))
        for step in journey.steps:
            spec = catalogue.events[step.event]
            assert (step.passed is not None) == spec.is_check
            if step.reason is not None:
                assert spec.decision is not None
                assert (spec.decision, step.reason) in catalogue.reasons


def test_the_mix_covers_both_sides_and_most_of_the_catalogue() -> None:
    """Screens and servers both speak, in most of the words that there are."""
    catalogue = builtin_catalogue()
    seen = {step.event for journey in make_journeys(300, 1) for step in journey.steps}
    assert {catalogue.events[event].source for event in seen} == {Source.FE, Source.BE}
    recorded = [spec for spec in catalogue.events.values() if not spec.passive]
    assert len(seen) > 0.8 * len(recorded)


def test_checks_run_side_by_side() -> None:
    """Some checks begin before the one before them has ended."""
    (journey,) = make_journeys(1, 1)
    checks = [step for step in journey.steps if step.took]
    assert any(late.at < early.at + early.took for early, late in pairwise(checks))


def test_addresses_are_nobodys() -> None:
    """E-mail addresses are in domains that are reserved for examples."""
    for journey in make_journeys(50, 3):
        assert journey.person.email.endswith(("@example.com", "@example.org"))
        assert journey.person.ip.startswith("203.0.113.")


def session(stage: str | None, status: str, decision: str | None, reason: str | None) -> dict:  # type: ignore[type-arg]
    """Make what the figures need of a session."""
    return {
        "stage": stage,
        "status": status,
        "decision": decision,
        "reason": reason,
        "impacts": {},
        "created_at": "2026-11-20T21:00:00Z",
    }


@pytest.fixture
def sessions() -> list[dict]:  # type: ignore[type-arg]
    """Four sessions of different fates."""
    return [
        session("POST", "COMPLETED", "APPROVED", None),
        session("POST", "COMPLETED", "REJECTED", "PII_DUPLICATE"),
        session("STEP1", "DROPPED", None, None),
        session(None, "ERROR", None, None),
    ]


def test_counts(sessions: list) -> None:  # type: ignore[type-arg]
    """Decisions are counted by reason, statuses by name, and the rejected one is picked."""
    assert decisions(sessions) == {
        ("APPROVED", ""): 1,
        ("REJECTED", "PII_DUPLICATE"): 1,
        ("", ""): 2,
    }
    assert statuses(sessions) == {"COMPLETED": 2, "DROPPED": 1, "ERROR": 1}
    assert most_telling(sessions)["reason"] == "PII_DUPLICATE"
