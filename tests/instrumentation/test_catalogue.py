from __future__ import annotations

from collections import Counter

import pytest

from journeytrace.catalogue import EventSpec, Role, builtin_catalogue
from journeytrace.conventions import Decision, Impact, Source

CATALOGUE = builtin_catalogue()
REFERENCE = [spec for spec in CATALOGUE.events.values() if not spec.passive]


def test_it_has_every_event_of_the_reference() -> None:
    """59 events are seen by the server and 56 on the screen."""
    sources = Counter(spec.source for spec in REFERENCE)
    assert sources == {Source.BE: 59, Source.FE: 56}


def test_every_stage_has_its_events() -> None:
    """The events are spread over the stages as in the reference."""
    stages = Counter(spec.stage for spec in REFERENCE)
    assert stages == {
        "ENTRY": 10,
        "PRE_CHECKS": 11,
        "API_CALL": 17,
        "ENVIRONMENT": 11,
        "CAMERA": 7,
        "AUXILIARY": 6,
        "STEP1": 15,
        "PRE_STEP2": 5,
        "STEP2": 20,
        "FACE_AUTH": 2,
        "KNOWLEDGE_BASE": 3,
        "DECISION": 6,
        "POST": 2,
    }


def test_impacts_are_those_of_the_reference() -> None:
    """Each impact is the worst case of as many events as in the reference."""
    impacts = Counter(spec.impact for spec in REFERENCE)
    assert impacts == {
        Impact.NONE: 67,
        Impact.BLOCKED: 17,
        Impact.RETAKE: 17,
        Impact.PENDING: 2,
        Impact.REJECTED: 5,
        Impact.APPROVED: 2,
        Impact.COMPLETED: 5,
    }


def test_it_has_every_reason_of_the_reference() -> None:
    """17 reasons reject and 5 hold."""
    decisions = Counter(decision for decision, _ in CATALOGUE.reasons)
    assert decisions == {Decision.REJECTED: 17, Decision.PENDING: 5}


def test_seven_stages_have_an_order() -> None:
    """The ordered stages run from ENTRY to POST, the others have no rank."""
    assert CATALOGUE.ordered_stages == (
        "ENTRY",
        "PRE_CHECKS",
        "STEP1",
        "PRE_STEP2",
        "STEP2",
        "DECISION",
        "POST",
    )
    assert [CATALOGUE.rank(stage) for stage in CATALOGUE.ordered_stages] == list(range(7))
    assert CATALOGUE.rank("CAMERA") is CATALOGUE.rank("NOWHERE") is CATALOGUE.rank(None) is None


@pytest.mark.parametrize(
    ("name", "source", "stage", "impact"),
    [
        ("ERROR_PAGE_VIEWED", "FE", "ENVIRONMENT", "BLOCKED"),
        ("FINGERPRINT_SUBMISSION_LINKED", "BE", "PRE_CHECKS", "BLOCKED"),
        ("AUXID_PHONE_VERIFICATION_COMPLETED", "BE", "AUXILIARY", "COMPLETED"),
        ("ID_DOCUMENT_RETRY", "FE", "CAMERA", "RETAKE"),
        ("COUNTRY_CODE_MATCH_CHECK", "BE", "STEP2", "PENDING"),
        ("TRANSFER_FREQUENCY_LIMIT_CHECK", "BE", "PRE_STEP2", "REJECTED"),
        ("CUSTOM_POLICY_EVALUATION", "BE", "STEP2", "NONE"),
        ("API_CALL", "FE", "API_CALL", "NONE"),
    ],
)
def test_events_say_what_the_reference_says(
    name: str, source: str, stage: str, impact: str
) -> None:
    """Source, stage and impact of an event are the reference's."""
    spec = CATALOGUE.events[name]
    assert (spec.source, spec.stage, spec.impact) == (source, stage, impact)


def test_fourteen_actions_are_recorded_by_both_sides() -> None:
    """A pair names each other, and is seen once on the screen and once on the server."""
    pairs = {spec.name: spec.pair for spec in CATALOGUE.events.values() if spec.pair}
    assert len(pairs) == 32
    for one, other in pairs.items():
        assert pairs[other] == one
        assert CATALOGUE.events[one].source != CATALOGUE.events[other].source
    assert pairs["CREATE_FLOW"] == "FLOW_ID_ISSUED"
    assert pairs["FRONT_SESSION_START"] == "SESSION_CREATED"


def test_roles_are_data() -> None:
    """What creates, completes, errs, resumes and decides stands in the catalogue."""
    roles: dict[Role, set[str]] = {role: set() for role in Role}
    for spec in CATALOGUE.events.values():
        if spec.role:
            roles[spec.role].add(spec.name)
    assert roles == {
        Role.CREATE: {"SESSION_CREATED"},
        Role.COMPLETE: {"FINAL_PAGE_VIEW"},
        Role.ERROR: {"ERROR_PAGE_VIEWED"},
        Role.RESUME: {
            "FRONT_SESSION_RESUMED",
            "SESSION_REUSED",
            "STEP1_ENTERED",
            "STEP2_ENTERED",
            "STEP_VIEW",
            "VALIDATION_ACCOUNT_ENTERED",
        },
        Role.APPROVE: {"APPROVED"},
        Role.REJECT: {"REJECTED"},
        Role.HOLD: {"PENDING"},
        Role.INVITE: {"SESSION_INVITED"},
        Role.VERDICT_PROPOSE: {"VERDICT_PROPOSED"},
        Role.VERDICT_APPROVE: {"VERDICT_APPROVED"},
        Role.VERDICT_REJECT: {"VERDICT_REJECTED"},
        Role.VERDICT_CONFIRM: {"VERDICT_CONFIRMED"},
    }


def test_what_people_do_stands_beside_the_reference() -> None:
    """Twenty-two events of people have source OP, a stage without a place, and no impact."""
    done = [spec for spec in CATALOGUE.events.values() if spec.source is Source.OP]
    assert len(done) == 22
    assert {(spec.stage, spec.impact, spec.decision) for spec in done} == {
        ("REVIEW", Impact.NONE, None)
    }
    assert CATALOGUE.rank("REVIEW") is None


def test_only_server_events_with_a_harmful_impact_are_checks() -> None:
    """What is seen on the screen is no check, nor is a decision."""
    checks = {spec.name for spec in CATALOGUE.events.values() if spec.is_check}
    assert len(checks) == 34
    assert {"ID_RECOGNITION", "PERIOD_CHECK", "COUNTRY_CODE_MATCH_CHECK"} <= checks
    assert checks.isdisjoint({"API_ERROR", "REJECTED", "PENDING", "STEP1_COMPLETED"})


def test_injected_validation_decides_nothing() -> None:
    """INJECT_VALIDATION has impact APPROVED and is no decision."""
    spec = CATALOGUE.events["INJECT_VALIDATION"]
    assert (spec.source, spec.impact, spec.decision) == ("FE", "APPROVED", None)


@pytest.mark.parametrize("name", ["AGE_VERIFICATION", "REGIONAL_VALIDATION", "ADDRESS_COLLECTION"])
def test_some_names_are_both_event_and_reason(name: str) -> None:
    """Three names stand for an event and for a reason."""
    assert name in CATALOGUE.events
    assert name in {reason for _, reason in CATALOGUE.reasons}


def test_one_reason_serves_both_decisions() -> None:
    """CUSTOM_POLICY rejects and holds, with a meaning each."""
    rejected = CATALOGUE.reasons[Decision.REJECTED, "CUSTOM_POLICY"]
    held = CATALOGUE.reasons[Decision.PENDING, "CUSTOM_POLICY"]
    assert rejected.meaning != held.meaning


def test_reasons_know_their_stages() -> None:
    """RETRY_EXHAUSTED is given in three stages, in known ones like all reasons."""
    exhausted = CATALOGUE.reasons[Decision.REJECTED, "RETRY_EXHAUSTED"]
    assert exhausted.stages == ("STEP1", "STEP2", "PRE_STEP2")
    assert all(set(spec.stages) <= set(CATALOGUE.stages) for spec in CATALOGUE.reasons.values())


@pytest.mark.parametrize(
    ("event", "result", "impact"),
    [
        ("ID_RECOGNITION", "FAIL", "RETAKE"),
        ("ID_RECOGNITION", "PASS", "NONE"),
        ("ID_RECOGNITION", None, "NONE"),
        ("STEP1_COMPLETED", None, "COMPLETED"),
        ("API_ERROR", None, "BLOCKED"),
        ("REJECTED", None, "REJECTED"),
    ],
)
def test_a_check_has_an_impact_only_when_it_fails(
    event: str, result: str | None, impact: str
) -> None:
    """Any other event has the catalogue's impact whatever the result."""
    assert CATALOGUE.events[event].impact_of(result) == impact


def test_a_screen_cannot_decide() -> None:
    """What a role decides, it decides for the server's events."""
    spec = EventSpec("X", Source.BE, None, Impact.APPROVED, "m", role=Role.APPROVE)
    assert spec.decision is Decision.APPROVED
    assert not spec.is_check
